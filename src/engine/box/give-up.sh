# Gives up a start whose own shell is gone, for good: a runner of it that comes late sees that and leaves (runner/identity.sh),
# one that was in time is seen afterwards. Put behind alive.sh. Arguments: folder, token.
set -u
cd -- "$1" 2>/dev/null || exit 0
[ -f starting ] && read -r k <starting && [ "$k" = "$2" ] || exit 0
[ -f starter ] && read -r p t b k <starter && [ "$k" = "$2" ] || exit 0
is_alive "$p" "$t" "$b" || mv -f starting given-up
