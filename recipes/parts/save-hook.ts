import { type AnyContext, ask, clean, folderOf, numberOf, readFacts, shellKit } from './ask.ts'
import { drillKit } from './drill-script.ts'

/** Which save hook there is. Word: folder. */
const look = `${shellKit}
cd -- "$1" || exit 66
for f in steps/save-*; do [ -f "$f" ] && { echo "hook=$f"; echo "limit=$(head -n 1 "$f")"; echo "sum=$(sha256sum <"$f" | cut -c 1-64)"; }; done
exit 0
`

/**
 * Runs it as the guard does: the last shell before it alone reads the secrets, where the run was handed some.
 * Words: folder, hook, seconds.
 */
const source = `${drillKit}
cd -- "$1" || exit 66
folder=$(pwd -P) hook=$2 most=$3
set --
{
  IFS= read -r limit
  while IFS= read -r line; do word=$(printf '%bx' "$line"); set -- "$@" "\${word%x}"; done
} <"$hook"
# shellcheck disable=SC2016
loader='exec 3<"$1" || exit 126
shift
while IFS= read -r kx_line <&3; do
  kx_value=$(printf "%bx" "\${kx_line#*=}")
  export "\${kx_line%%=*}=\${kx_value%x}"
done
exec 3<&-
unset kx_line kx_value
exec "$@"'
if IFS= read -r at 2>/dev/null <secrets.path && [ -r "$at/values" ]; then set -- sh -c "$loader" sh "$at/values" "$@"; fi
ms() { t=$(date +%s%3N); case $t in *[!0-9]*) t=$(date +%s)000 ;; esac; echo "$t"; }
began=$(ms)
mkdir -p guard
begin "$folder/guard/save.log" $((most + 30)) KX_CONTRACT=1 KX_RUN_DIR="$folder" KX_RUN_ID="$(sed -n 's/^run_id=//p' plan.env)" KX_SMOKE=0 "$@"
while lives && [ $(($(ms) - began)) -lt $((most * 1000)) ]; do nap; done
if lives; then echo late=yes; kill -KILL "-$child" 2>/dev/null; fi
wait "$child"; echo "code=$?"
echo "ms=$(($(ms) - began))"
tail -n 1 "$folder/guard/save.log" | head -c 400 | sed 's/^/log=/'
`

export interface SaveHook {
  readonly path: string
  /** Its own limit by the plan, seconds. */
  readonly limitSeconds: number | null
  /** Path and hash: what a plan freezes. */
  readonly target: string
}

/** The save hook of the run on the host; null: its plan has none. */
export async function saveHookOf(context: AnyContext): Promise<SaveHook | null> {
  const fact = readFacts((await ask(context, look, [folderOf(context)])).text)
  const path = fact('hook')
  return path === null ? null : { path, limitSeconds: numberOf(fact('limit')), target: `${path} ${fact('sum') ?? ''}` }
}

export interface Saved {
  readonly seconds: number
  readonly code: number | null
  /** It was killed when its time was over. */
  readonly isLate: boolean
  readonly lastLine: string | null
}

/** Runs the hook, for so many seconds at most. */
export async function runSaveHook(context: AnyContext, hook: SaveHook, mostSeconds: number): Promise<Saved> {
  const words = [folderOf(context), hook.path, String(mostSeconds)]
  const { text } = await ask(context, source, words, { timeoutSeconds: mostSeconds + 45 })
  const fact = readFacts(clean(text))
  return {
    seconds: (numberOf(fact('ms')) ?? 0) / 1000,
    code: numberOf(fact('code')),
    isLate: fact('late') !== null,
    lastLine: fact('log'),
  }
}
