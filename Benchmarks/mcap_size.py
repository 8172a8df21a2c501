"""What MCAP and the slow compressors make of a generated stream: bytes per message.

    generate-stream KIND SEED COUNT | mcap_size.py COUNT

MCAP as its Python package writes it by default: chunks of a MiB, an index, a channel per connection,
the message as JSON with its time.
"""

import io
import json
import subprocess
import sys

from mcap.writer import CompressionType, Writer


def mcap(lines, compression):
    output = io.BytesIO()
    writer = Writer(output, compression=compression)
    writer.start()
    schema = writer.register_schema(name="message", encoding="jsonschema", data=b"{}")
    channels = {}
    for line in lines:
        time = int(line[5:24])
        connection = line[line.index(b'"c":') + 4 : line.index(b',"data"')]
        if connection not in channels:
            channels[connection] = writer.register_channel(
                topic=connection.decode(), message_encoding="json", schema_id=schema
            )
        data = line[line.index(b'"data":') + 7 : -1]
        writer.add_message(channels[connection], log_time=time, publish_time=time, data=data)
    writer.finish()
    return len(output.getvalue())


def main(count):
    lines = sys.stdin.buffer.read().splitlines()
    assert len(lines) == count and json.loads(lines[0])
    for name, compression in (("zstd", CompressionType.ZSTD), ("lz4", CompressionType.LZ4)):
        print(f"  MCAP, {name:<12} {mcap(lines, compression) / count:8.2f}")
    text = b"".join(line + b"\n" for line in lines)
    for command in (["zstd", "-19", "-c"],):
        stored = len(subprocess.run(command, input=text, capture_output=True, check=True).stdout)
        print(f"  {'zstd -19, lines':<18} {stored / count:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
