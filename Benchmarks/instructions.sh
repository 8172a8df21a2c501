#!/usr/bin/env bash
# Counts the instructions that the scanner takes per message, in C, fields included. Unlike times these
# hardly differ from run to run, so they are held to a budget: Benchmarks/instructions.txt.
#
#   Benchmarks/instructions.sh TRAFFIC_FOLDER            prints the table
#   Benchmarks/instructions.sh --check TRAFFIC_FOLDER    and fails where a budget is exceeded by 2 %
#   Benchmarks/instructions.sh --write TRAFFIC_FOLDER    makes what is counted the budget
#
# valgrind knows no AVX-512, so AVX2 is the best that can be counted.
set -euo pipefail

mode=print
case "${1:-}" in --check | --write) mode=${1#--}; shift ;; esac
[ $# -eq 1 ] && [ -d "$1" ] || { echo "usage: instructions.sh [--check|--write] TRAFFIC_FOLDER" >&2; exit 64; }
traffic=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
budgets=Benchmarks/instructions.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As the package is built: the same compiler and the same optimisation.
sources=Benchmarks/Sources
clang -O2 -ISources/CMWCKernels/include -I$sources/ScannerStreams/include \
  -I$sources/ScannerPeers/include Sources/CMWCKernels/*.c $sources/ScannerStreams/streams.c \
  $sources/ScannerPeers/scanner.c $sources/scanner-instructions/main.c -lm \
  -o "$work/scanner-instructions"

# One file of counts for each call of `measured`, in the order of the lines printed.
levels=scalar
grep -qsw avx2 /proc/cpuinfo && levels="scalar avx2"
for level in $levels; do
  MWC_SIMD=$level valgrind --tool=callgrind --toggle-collect=measured --dump-after=measured \
    --callgrind-out-file="$work/$level" "$work/scanner-instructions" "$traffic" \
    >"$work/$level.lines" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
  number=0
  while read -r scanner stream messages _; do
    number=$((number + 1))
    counted=$(sed -n 's/^summary: //p' "$work/$level.$number")
    echo "$level $scanner $stream $(((counted + messages / 2) / messages))"
  done <"$work/$level.lines"
done >"$work/counted"

if [ $mode = write ]; then
  { sed -n '/^#/p' $budgets; cat "$work/counted"; } >"$work/new"
  cp "$work/new" $budgets
  exit
fi
awk -v mode=$mode '
  /^#/ { next }
  NR == FNR { budget[$1, $2, $3] = $4; next }
  {
    allowed = budget[$1, $2, $3]
    verdict = allowed == "" ? "no budget" : $4 > allowed * 1.02 ? "over its budget" : ""
    printf "%-7s %-8s %-20s %6d  of %6s  %s\n", $1, $2, $3, $4, allowed, verdict
    if (verdict != "") wrong = 1
  }
  END { exit mode == "check" && wrong }
' $budgets "$work/counted"
