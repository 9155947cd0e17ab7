# ==== metrics of a unit whose script writes only a log (plan: logPattern) ============================================
# What is between the marks, and how a line is read, is said in docs/unit-contract.md 7; src/engine/log-metrics.ts reads
# by the same rules, and a test holds the two together.
#
# log.read in the unit's folder: bytes read, step, 1 when the log names its steps, lines that held NaN or an infinity, 1
# when the bytes end inside a line that is left out; then one line a metric with its newest value.

# begin_log: an attempt starts with what comes from here on; the values of the one before are not its own.
begin_log() {
  [ -n "$log_pattern" ] || return 0
  if [ -f "$dir/log.read" ]; then take_log "$dir" 1
  elif [ -e "$dir/metrics.jsonl" ]; then return 0; fi
  size=0
  if [ -f "$dir/log" ]; then size=$(wc -c <"$dir/log"); fi
  put "$dir/log.read" "$((size)) 0 0 0 0"
}

# follow_log <pid> <start time>: while the unit and its worker live.
follow_log() {
  me=$me-log
  polls=0
  while is_alive "$1" "$2" "$boot_id"; do
    if read -r p t b 2>/dev/null <"control/worker.$worker.pid" && ! is_alive "$p" "$t" "$b"; then return; fi
    polls=$((polls + 1))
    [ $((polls % scan_every)) != 0 ] || take_log "$dir" 0
    pause
  done
}

# take_log <folder of the unit> <1: the unit has ended>: appends to metrics.jsonl what its log says since the last time.
# One look reads about a megabyte; what is more than four behind is skipped, so that a flooded log delays nothing.
# A folder without log.read has a metrics.jsonl of the script's own, which nobody else writes.
take_log() {
  [ -n "$log_pattern" ] && [ -f "$1/log.read" ] && [ -f "$1/log" ] || return 0
  passes=0
  while [ "$passes" -lt 8 ]; do
    passes=$((passes + 1))
    read -r offset _ <"$1/log.read" || return 0
    size=$(wc -c <"$1/log")
    [ "$size" -gt "$offset" ] || return 0
    cut=0
    if [ $((size - offset)) -gt 4194304 ]; then offset=$((size - 1048576)) cut=1; fi
    now_ms
    # dd, because it seeks. The x closes the last line, so that an unfinished one is told from a whole one.
    { dd if="$1/log" bs=65536 skip=$((offset / 65536)) count=17 2>/dev/null | tail -c "+$((offset % 65536 + 1))"; printf x; } |
      tr '\000\r' '\n\n' | KX_PATTERN=$log_pattern KX_STATE=$1/log.read KX_LINES=$1/log.lines-$me LC_ALL=C awk \
        -v offset="$offset" -v size="$size" -v cut="$cut" -v isOver="$2" -v seconds="${now%???}.${now#"${now%???}"}" '
      function record(name, text,   number) {
        if (text ~ /^[-+]?[Nn]/) text = "\"NaN\""
        else if (text ~ /^[-+]?[Ii]/) text = (text ~ /^-/ ? "\"-Infinity\"" : "\"Infinity\"")
        else {
          sign = (text ~ /^-/ ? "-" : "")
          sub(/^[-+]/, "", text)
          if (match(text, /\.([eE]|$)/)) text = substr(text, 1, RSTART - 1) substr(text, RSTART + 1)
          sub(/^0+/, "", text)
          if (text !~ /^[0-9]/) text = "0" text
          number = text + 0
          if (number != 0 && number == number * 2) text = "\"" sign "Infinity\""
          else text = sign text
        }
        if (name == "time") return
        if (name == "step") {
          if (text ~ /^[0-9]+$/ && length(text) <= 15) { step = text; named = 1 }
          return
        }
        if (!(name in last)) {
          if (known >= 256) return
          names[++known] = name
        }
        last[name] = text
        if (!(name in here)) order[++count] = name
        here[name] = text
        if (text ~ /^"/) odd = 1
      }
      function read_line(line,   from, free, k, at, after, start, name, rest, end, next1, isTaken, i) {
        if (length(line) > 8192) return
        gsub(/\033\[[0-9;?]*[A-Za-z]/, "", line)
        gsub(/[ \t]+/, " ", line)
        from = 1; free = 1; count = 0; odd = 0
        split("", here); split("", order)
        while (count < 64 && (k = index(substr(line, from), mid)) > 0) {
          at = from + k - 1; after = at + length(mid); from = at + 1
          start = at
          while (start > free && at - start < 65 && substr(line, start - 1, 1) ~ /[A-Za-z0-9_.\/-]/) start--
          if (at - start > 64) continue
          isTaken = 0
          for (; start < at; start++) {
            if (substr(line, start, 1) !~ /[A-Za-z_]/) continue
            if (pre == "") { isTaken = (start == 1 || substr(line, start - 1, 1) ~ /[ -~]/); break }
            if (start - length(pre) >= free && substr(line, start - length(pre), length(pre)) == pre) { isTaken = 1; break }
          }
          if (!isTaken) continue
          name = substr(line, start, at - start)
          rest = substr(line, after, 64)
          if (!match(rest, /^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?/) &&
            !match(rest, /^[-+]?([Nn][Aa][Nn]|[Ii][Nn][Ff]([Ii][Nn][Ii][Tt][Yy])?)/)) continue
          end = after + RLENGTH
          if (post != "") {
            if (substr(line, end, length(post)) != post) continue
          } else {
            next1 = substr(line, end, 1)
            if (next1 != "" && next1 !~ /[ -~]/ || next1 ~ /[A-Za-z0-9_]/) continue
            if (next1 ~ /[.,:-]/ && substr(line, end + 1, 1) ~ /[0-9]/) continue
          }
          record(name, substr(rest, 1, RLENGTH))
          free = end + length(post); from = free
        }
        if (count == 0) return
        if (!named) step++
        if (held != "") print held "}" > lines
        held = "{\"step\":" step
        for (i = 1; i <= count; i++) held = held ",\"" order[i] "\":" here[order[i]]
        if (odd) nans++
      }
      BEGIN {
        lines = ENVIRON["KX_LINES"]; state = ENVIRON["KX_STATE"]
        pattern = ENVIRON["KX_PATTERN"]
        gsub(/[ \t]+/, " ", pattern)
        i = index(pattern, "{name}"); j = index(pattern, "{value}")
        pre = substr(pattern, 1, i - 1); mid = substr(pattern, i + 6, j - i - 6); post = substr(pattern, j + 7)
        if ((getline line < state) > 0) { split(line, head, " "); step = head[2]; named = head[3] + 0; nans = head[4] + 0; cut = cut || head[5] + 0 }
        while ((getline line < state) > 0) {
          i = index(line, " ")
          names[++known] = substr(line, 1, i - 1); last[names[known]] = substr(line, i + 1)
        }
        used = offset; has = 0
        printf "" > lines
      }
      { if (has) take(before); before = $0; has = 1 }
      function take(line) {
        used += length(line) + 1
        if (cut) cut = 0
        else read_line(line)
      }
      END {
        before = substr(before, 1, length(before) - 1)
        # The rest is an unfinished line: it is waited for, unless nothing more comes, or it is longer than any line may be.
        if (isOver && used + length(before) >= size) take(before)
        else if (length(before) > 8192) { used += length(before); cut = 1 }
        if (held != "") print held ",\"time\":" seconds "}" > lines
        printf "%.0f %.0f %d %d %d\n", (used > size ? size : used), step + 0, named, nans, cut
        for (i = 1; i <= known; i++) print names[i], last[names[i]]
      }' >"$1/log.read.tmp-$me" || return 0
    if [ -s "$1/log.lines-$me" ]; then
      # A line that a killed one left unfinished stays by itself.
      if [ -s "$1/metrics.jsonl" ] && [ -n "$(tail -c 1 "$1/metrics.jsonl")" ]; then echo >>"$1/metrics.jsonl"; fi
      cat "$1/log.lines-$me" >>"$1/metrics.jsonl"
    fi
    rm -f "$1/log.lines-$me"
    mv -f "$1/log.read.tmp-$me" "$1/log.read"
    [ "$2" = 1 ] || return 0
  done
}

# log_result <folder of the unit>: result.json from the newest values, where the script has written none.
log_result() {
  [ -n "$log_pattern" ] && [ -f "$1/log.read" ] && [ ! -e "$1/result.json" ] || return 0
  found=$(LC_ALL=C awk 'NR == 1 { nans = $4; next }
    { i = index($0, " "); out = out "\"" substr($0, 1, i - 1) "\":" substr($0, i + 1) ","; if ($1 == "nan_count") own = 1 }
    END { if (out != "") printf "{%s%s}", own ? substr(out, 1, length(out) - 1) : out, own ? "" : "\"nan_count\":" nans }' "$1/log.read")
  [ -z "$found" ] || put "$1/result.json" "$found"
}
