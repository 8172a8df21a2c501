"""Compares generated streams with recorded ones: how much zstd and gzip make of a message of each.

    Benchmarks/check_generator.py GENERATE_STREAM TRAFFIC_FOLDER

Prints the ratios, and exits with 1 where one differs by more than 10 %. Streams of chance differ, too:
the generated figure is the median of several seeds.
"""

import json
import statistics
import subprocess
import sys

COMPRESSORS = (["zstd", "-3", "-c"], ["zstd", "-19", "-c"], ["gzip", "-6", "-c"])
SEEDS = range(1, 10)
LONGEST_LOG = 1200


def compressed(lines):
    """Ratios of the compressors for lines of JSON."""
    data = b"".join(line + b"\n" for line in lines)
    return [
        len(data) / len(subprocess.run(command, input=data, capture_output=True, check=True).stdout)
        for command in COMPRESSORS
    ]


def recorded(folder, name):
    """Data messages of a recording, as generated ones are printed."""
    with open(f"{folder}/{name}", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            data = record.get("data", "")
            if record["dir"] != "in" or record["op"] != "text" or len(data) > LONGEST_LOG and name[0] == "s":
                continue
            if json.loads(data).get("type") in ("monitoring_data", "logs", "metrics"):
                yield b'{"t":%d,"c":0,"data":%s}' % (record["t"], data.encode())


def main(generate, folder):
    wrong = False
    print("ratio of                zstd -3   zstd -19    gzip -6   (recorded, generated, quotient)")
    for name, kind in (
        ("monitoring.jsonl", "host"),
        ("monitoring-alerts-gpu.jsonl", "alerts"),
        ("smartlogger.jsonl", "logs"),
    ):
        lines = list(recorded(folder, name))
        real = compressed(lines)
        made = []
        for seed in SEEDS:
            command = [generate, kind, str(seed), str(len(lines))]
            output = subprocess.run(command, capture_output=True, check=True).stdout
            made.append(compressed(output.splitlines()))
        for label, ratio, several in zip(("zstd -3", "zstd -19", "gzip -6"), real, zip(*made)):
            middle = statistics.median(several)
            quotient = middle / ratio
            wrong |= abs(quotient - 1) > 0.1
            print(f"{kind:8} {label:9} recorded {ratio:6.2f}  generated {middle:6.2f}  quotient {quotient:.3f}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
