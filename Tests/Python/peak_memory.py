"""Runs a command and says, on standard error, how much memory it had at most: `peak 12345 KiB`."""

import resource
import subprocess
import sys

status = subprocess.run(sys.argv[1:]).returncode
print("peak %d KiB" % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
