# ==== numbers and NaN in what units wrote ============================================================================
# Numbers at the top level of one JSON object, read without a parser that could be fooled into running anything:
# prints nan (0 or 1), the value of one metric, and the numbers as flat JSON.
result_numbers() {
  head -c 262144 "$1" | KX_METRIC=$chance_metric LC_ALL=C awk '
    { s = s $0 "\n" }
    END {
      n = length(s); depth = 0; key = ""; out = ""; metric = ""; nan = 0; i = 1; isValue = 0
      while (i <= n) {
        c = substr(s, i, 1)
        if (c == "\"") {
          t = ""; j = i + 1; odd = 0
          while (j <= n) {
            d = substr(s, j, 1)
            if (d == "\\") { odd = 1; j += 2; continue }
            if (d == "\"") break
            t = t d; j++
          }
          i = j + 1
          if (depth == 1 && !isValue) key = (odd || length(t) > 128) ? "" : t
          else if (depth == 1 && t ~ /^[-+]?(NaN|nan|Infinity|inf)$/) nan = 1
          continue
        }
        if (c == "{" || c == "[") { depth++; isValue = 0 }
        else if (c == "}" || c == "]") { depth--; isValue = 0 }
        else if (c == ":" && depth == 1) isValue = 1
        else if (c == "," && depth == 1) { isValue = 0; key = "" }
        else if (isValue && depth == 1 && c ~ /[-+0-9NnI]/) {
          rest = substr(s, i, 64)
          if (match(rest, /^[-+]?(NaN|nan|Infinity|inf)/)) { nan = 1; i += RLENGTH; continue }
          if (match(rest, /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?/)) {
            v = substr(rest, 1, RLENGTH)
            if (key != "" && key !~ /[\001-\037]/) {
              out = out (out == "" ? "" : ",") "\"" key "\":" v
              if (key == ENVIRON["KX_METRIC"]) metric = v
              if (key == "nan_count" && v + 0 > 0) nan = 1
            }
            i += RLENGTH; continue
          }
        }
        i++
      }
      printf "nan=%s\nmetric=%s\nresults={%s}\n", nan, metric, out
    }'
}

# True when a line of metrics on standard input holds NaN or an infinity, quoted or bare. null means not measured.
nan_line() {
  LC_ALL=C awk '/:[ \t]*"?[-+]?(NaN|nan|Infinity|inf)"?[ \t]*[,}]/ { found = 1; exit } END { exit !found }'
}
