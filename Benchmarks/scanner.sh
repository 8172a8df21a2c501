#!/usr/bin/env bash
# Measures the JSON scanner against simdjson's On-Demand API: same messages, same fields, same sums,
# taking turns in one process. The messages come from recorded conversations.
#
#   Benchmarks/scanner.sh [OPTION]...                 the tables, with C and Swift
#   Benchmarks/scanner.sh --c [OPTION]...             without Swift, which is quicker to build
#   Benchmarks/scanner.sh --instructions              instructions per message, counted by valgrind
#
# Options of the tables: --rounds N, --seconds S (of a turn), --bulk MiB (0: no bulk scan).
# TRAFFIC names the folder of the conversations. MWC_SIMD=avx2 and its like force a set of
# instructions. A simdjson that pkg-config finds is used, else Debian's is installed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
traffic=${TRAFFIC:-../shared/traffic}
[ -d "$traffic" ] || { echo "scanner.sh: no recorded conversations in $traffic; name their folder with TRAFFIC" >&2; exit 66; }

if [ "${1:-}" = --instructions ]; then
  exec Benchmarks/instructions.sh "$traffic"
fi
program=bench-scanner
if [ "${1:-}" = --c ]; then
  program=bench-scanner-c
  shift
fi

pkg-config --exists simdjson 2>/dev/null || Scripts/setup libsimdjson-dev
build=(swift build -c release --package-path Benchmarks --scratch-path .build/benchmarks)
log=.build/benchmarks.log
mkdir -p .build
"${build[@]}" --product "$program" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
"$("${build[@]}" --show-bin-path 2>/dev/null)/$program" "$@" "$traffic"
