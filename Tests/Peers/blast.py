"""Sends one message over and over, as fast as the socket takes it: blast.py FILE [--compression]

Frames are built once and written many at a time, so that the sender is not what is measured. With
--compression every message is compressed on its own (no context takeover), which lets it be built
once too. Standard library only.
"""

import base64
import hashlib
import socket
import struct
import sys
import zlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BATCH = 256 << 10


def frame(payload, compressed):
    if compressed:
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        payload = (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
    first = 0xC1 if compressed else 0x81
    length = len(payload)
    if length < 126:
        header = struct.pack("!BB", first, length)
    elif length < 65536:
        header = struct.pack("!BBH", first, 126, length)
    else:
        header = struct.pack("!BBQ", first, 127, length)
    return header + payload


def upgrade(connection, compressed):
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    fields = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)
    fields = {name.lower(): value for name, value in fields.items()}
    accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())
    answer = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
              b"Sec-WebSocket-Accept: " + accept]
    if compressed:
        answer.append(b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover")
    connection.sendall(b"\r\n".join(answer) + b"\r\n\r\n")


def main():
    compressed = "--compression" in sys.argv
    with open(sys.argv[1], "rb") as file:
        frames = [frame(line.rstrip(b"\n"), compressed) for line in file]
    batch = b"".join(frames)
    batch *= max(1, BATCH // len(batch))
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        try:
            upgrade(connection, compressed)
            while True:
                connection.sendall(batch)
        except OSError:
            connection.close()


main()
