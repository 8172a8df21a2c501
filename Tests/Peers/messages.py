"""Prints monitoring messages that look like those of a real host: messages.py COUNT [SEED]

Values walk at random as they do on a machine; the same seed gives the same messages.
"""

import json
import random
import sys
from datetime import datetime, timedelta

count = int(sys.argv[1])
chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
now = datetime(2026, 1, 1)
memory_total = 25_769_803_776
disk_total = 270_553_174_016
used = memory_total // 3
disk = disk_total // 4
busy = 20.0

for _ in range(count):
    now += timedelta(seconds=0.7 + chance.gauss(0, 0.004))
    used = min(max(used + int(chance.gauss(0, 3e6)) // 4096 * 4096, memory_total // 10), memory_total)
    disk = min(max(disk + int(chance.gauss(200, 2000)) * 4096, 0), disk_total)
    busy = min(max(busy + chance.gauss(0, 6), 0.0), 100.0)
    print(json.dumps({
        "type": "monitoring_data",
        "timestamp": now.isoformat(),
        "data": {
            "memory": {
                "total": memory_total, "available": memory_total - used, "used": used,
                "percentage": round(100 * used / memory_total, 1)},
            "processor": {
                "usage_percent": round(busy, 1), "core_count": 2, "logical_count": 2,
                "frequency_current": 2699.998, "frequency_max": 0.0,
                "per_core_usage": [
                    round(min(max(busy + chance.gauss(0, 4), 0), 100), 1) for _ in range(2)]},
            "disk": {
                "total": disk_total, "used": disk, "free": disk_total - disk,
                "percentage": round(100 * disk / disk_total, 1), "path": "/"},
            "system": {
                "os_name": "Linux", "os_version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.0",
                "os_release": "6.1.0-25-amd64", "architecture": "x86_64",
                "platform": "Linux-6.1.0-25-amd64-x86_64-with-glibc2.36", "machine": "x86_64",
                "processor": "", "python_version": "3.11.2", "hostname": "host-1"},
        },
    }))
