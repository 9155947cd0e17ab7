#!/bin/sh
# A FAKE of nvidia-smi for benches: eight cards that do not exist, with figures that move every second. Strict: it
# answers the two questions that kx asks, in their exact form, and fails on anything else.
set -eu
[ "$#" = 2 ] || { echo "fake nvidia-smi: two arguments, not $#" >&2; exit 2; }
[ "$2" = --format=csv,noheader,nounits ] || { echo "fake nvidia-smi: $2 is not the format" >&2; exit 2; }
case $1 in
  --query-compute-apps=gpu_uuid,pid,process_name,used_memory) exit 0 ;;
  --query-gpu=*) fields=${1#--query-gpu=} ;;
  *) echo "fake nvidia-smi: $1 is not a question it knows" >&2; exit 2 ;;
esac
exec awk -v fields="$fields" -v now="$(date +%s)" '
  function figure(field, card) {
    if (field == "index") return card
    if (field == "uuid") return sprintf("GPU-fa4e0000-0000-4000-8000-%012d", card)
    if (field == "pci.bus_id") return sprintf("00000000:%02X:00.0", 16 + card)
    if (field == "name") return "FAKE H100 80GB HBM3"
    if (field == "driver_version") return "570.00"
    if (field == "pstate") return "P0"
    if (field == "utilization.gpu") return 84 + (now * 7 + card * 5) % 16
    if (field == "utilization.memory") return 40 + (now * 3 + card) % 20
    if (field == "memory.total") return 81559
    if (field == "memory.used") return 61000 + (now * 131 + card * 977) % 4000
    if (field == "temperature.gpu") return 58 + (now + card * 3) % 9
    if (field == "fan.speed") return "[N/A]"
    if (field == "power.draw") return sprintf("%.2f", 610 + (now * 13 + card * 17) % 80)
    if (field == "power.limit") return "700.00"
    if (field == "clocks.sm") return 1890 + 15 * ((now + card) % 6)
    if (field == "clocks.max.sm") return 1980
    if (field == "clocks.mem" || field == "clocks.max.mem") return 2619
    if (field == "pcie.link.gen.current") return 5
    if (field == "pcie.link.width.current") return 16
    if (field == "ecc.errors.uncorrected.volatile.total") return 0
    if (field == "clocks_throttle_reasons.active") return "0x0000000000000000"
    if (field == "compute_cap") return "9.0"
    return ""
  }
  BEGIN {
    count = split(fields, field, ",")
    for (i = 1; i <= count; i += 1)
      if (figure(field[i], 0) == "") { printf "Field \"%s\" is not a valid field to query.\n", field[i]; exit 2 }
    for (card = 0; card < 8; card += 1) {
      line = ""
      for (i = 1; i <= count; i += 1) line = line (i > 1 ? ", " : "") figure(field[i], card)
      print line
    }
  }
'
