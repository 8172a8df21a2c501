"""Reads what `mwc export` wrote with the reader that everybody uses for the format, and prints what
it holds as JSON lines: [time in ns, connection, direction, kind, payload in base64], or the cells.

usage: read_export.py mcap|har|csv|sqlite FILE
"""

import base64
import csv
import json
import pathlib
import sys
from decimal import Decimal


def say(*fields):
    print(json.dumps(fields))


def record(time, connection, direction, kind, payload):
    say(time, int(connection), direction, kind, base64.b64encode(payload).decode())


def read_mcap(path):
    from mcap.reader import NonSeekingReader, make_reader

    kinds = {"json": "text", "text/plain": "text", "application/octet-stream": "binary"}
    with open(path, "rb") as file:
        reader = make_reader(file, validate_crcs=True)
        count = 0
        # By log time, through the index at the end.
        for schema, channel, message in reader.iter_messages():
            assert (schema is None) == (channel.message_encoding != "json")
            if schema is not None:
                assert schema.encoding == "jsonschema" and json.loads(schema.data)
                json.loads(message.data)
            metadata = channel.metadata
            record(message.log_time, metadata["connection"], metadata["direction"],
                   kinds[channel.message_encoding], message.data)
            count += 1
        statistics = reader.get_summary().statistics
        assert statistics.message_count == count
        assert sum(statistics.channel_message_counts.values()) == count
    with open(path, "rb") as file:
        # Front to back, as one reads a file that has no index.
        assert sum(1 for _ in NonSeekingReader(file, validate_crcs=True).iter_messages()) == count


def read_har(path):
    import jsonschema

    with open(path, encoding="utf-8") as file:
        archive = json.load(file, parse_float=Decimal)
    schema = json.loads((pathlib.Path(__file__).parent / "har-schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(archive)
    messages = []
    for entry in archive["log"]["entries"]:
        for message in entry["_webSocketMessages"]:
            data = message["data"]
            binary = message["opcode"] == 2
            messages.append((
                int(message["time"] * 1_000_000_000), entry["connection"],
                "in" if message["type"] == "receive" else "out", "binary" if binary else "text",
                base64.b64decode(data, validate=True) if binary else data.encode()))
    for message in sorted(messages, key=lambda message: message[0]):
        record(*message)


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.reader(file, strict=True):
            say(*row)


def read_sqlite(path):
    import sqlite3

    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    query = "SELECT time_ns, connection, direction, kind, payload FROM messages ORDER BY id"
    for time, connection, direction, kind, payload in database.execute(query):
        record(time, connection, direction, kind,
               payload.encode() if isinstance(payload, str) else payload)


{"mcap": read_mcap, "har": read_har, "csv": read_csv, "sqlite": read_sqlite}[sys.argv[1]](sys.argv[2])
