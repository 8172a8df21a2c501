"""What Python's json module says about documents: one JSON object per line in, one per line out.

in:  {"json": base64, "paths": [[step, …], …]}
out: null where the document is refused, else {"text": the document spelled again with indent 2,
     "values": [the value at each path spelled again, or null where there is none]}
"""

import base64
import json
import sys


def refuse(word):
    raise ValueError(word)


def find(value, path):
    for step in path:
        if isinstance(step, str) and isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return json.dumps(value)


for line in sys.stdin:
    question = json.loads(line)
    try:
        text = base64.b64decode(question["json"]).decode("utf-8")
        value = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        print("null")
        continue
    answer = {
        "text": json.dumps(value, indent=2),
        "values": [find(value, path) for path in question["paths"]],
    }
    print(json.dumps(answer))
