#!/usr/bin/env bash
# Measures what a message costs in a capture, against other formats, on generated streams: bytes,
# encoding and decoding on one core. Each figure's command is this script.
#
#   Benchmarks/format.sh [COUNT]      messages of each stream, 1,000,000 by default
#
# BLOCK is the size of blocks in KiB, 4096 by default, which is that of a capture; SEED the streams'
# seed. MCAP (the Python package) and zstd -19 are slow: they get the first 50,000 messages and give
# bytes only.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
count=${1:-1000000}
seed=${SEED:-1}
Scripts/setup zstd libzstd-dev
python=$(Scripts/python-env formats)
mkdir -p .build
sources=Benchmarks/Sources
program=.build/bench-format
# As the package is built: the same compiler and the same optimisation.
clang -O2 -ISources/CMWCKernels/include -I$sources/StreamGenerator/include Sources/CMWCKernels/*.c \
  $sources/StreamGenerator/*.c $sources/bench-format/*.c -lzstd -lz -lm -o $program

said=$(mktemp)
trap 'rm -f "$said"' EXIT
for kind in host gpu fleet; do
  $program $kind "$seed" "$count" "${BLOCK:-4096}"
  few=$((count < 50000 ? count : 50000))
  Benchmarks/generate $kind "$seed" $few | "$python" Benchmarks/mcap_size.py $few
done | tee "$said"

# How many times smaller than MCAP with zstd, stream by stream.
awk '
  /columns, level 1/ { ours = $4 }
  /MCAP, zstd/ { ratio = $3 / ours; sum += log(ratio); count++; list = list sprintf(" %.2f", ratio) }
  END {
    printf "\ncolumns, level 1, against MCAP with zstd:%s times smaller, geometric mean %.2f\n", \
      list, exp(sum / count)
  }' "$said"
