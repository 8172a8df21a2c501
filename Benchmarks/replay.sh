#!/usr/bin/env bash
# Measures how fast this machine replays a capture at speed max, into each format.
#
#   Benchmarks/replay.sh FOLDER_OF_BUILT_PROGRAMS CAPTURE [ROUNDS]
#
# The formats take turns, so that a machine that is busy for a while slows all of them, and the
# median of the rounds is printed: messages per second of real time, reading, checking and writing
# to /dev/null included, starting the program not. One thread does all of it.
set -euo pipefail

built=$(cd "$1" && pwd)
capture=$2
rounds=${3:-5}
formats='none raw compact simple json detailed'
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# A member of a flat JSON object whose value is a number.
member() { grep -oE "\"$1\":[0-9.e+]+" | head -n 1 | cut -d : -f 2; }

report=$("$built/mwc" info --json "$capture")
messages=$(member messages <<<"$report")
bytes=$(member file_bytes <<<"$report")
payload=$(member payload_bytes <<<"$report")
awk -v m="$messages" -v b="$bytes" -v p="$payload" 'BEGIN {
  printf "%d messages of %.0f bytes, %.1f bytes each in the capture\n", m, p / m, b / m }'

for round in $(seq "$rounds"); do
  for format in $formats; do
    # With none the figures are on standard output, else on standard error. The status is 1 where a
    # format leaves messages out that are not JSON.
    output=/dev/null
    [ "$format" != none ] || output=$results/said
    "$built/mwc-replay" "$capture" --speed max --format "$format" --no-color --stats --json \
      2>"$results/said" >"$output" || [ $? -eq 1 ]
    member messages_per_second <"$results/said" >>"$results/$format"
  done
done

for format in $formats; do
  sort -g "$results/$format" | awk -v format="$format" '
    { rate[NR] = $1 }
    END {
      middle = rate[int((NR + 1) / 2)]
      printf "%-9s %10.0f messages/s %8.0f ns each   (%.0f to %.0f in %d rounds)\n",
        format, middle, 1e9 / middle, rate[1], rate[NR], NR
    }'
done
echo "    mwc-replay FILE --speed max --format FORMAT --stats >/dev/null"
