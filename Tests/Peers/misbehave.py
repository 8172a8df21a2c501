"""A WebSocket server, built on sockets alone, that does what no good server does.

The path of the request says what: see the functions below. With --unix PATH it listens there.
"""

import argparse
import asyncio
import base64
import hashlib
import socket
import struct
from urllib.parse import parse_qs, urlsplit


def frame(opcode, payload=b"", fin=True, rsv1=False):
    head = bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode])
    length = len(payload)
    if length < 126:
        head += bytes([length])
    elif length < 65536:
        head += struct.pack("!BH", 126, length)
    else:
        head += struct.pack("!BQ", 127, length)
    return head + payload


def close_frame(code, reason=b""):
    return frame(8, struct.pack("!H", code) + reason)


async def forever(reader):
    while await reader.read(65536):
        pass


async def stall(reader, writer, query):
    """Says nothing, reads nothing, answers no ping."""
    await asyncio.sleep(3600)


async def deaf(reader, writer, query):
    """Reads and never answers, not even a close frame."""
    await forever(reader)


async def trickle(reader, writer, query):
    data = frame(1, b"first") + frame(1, b"x" * 300) + frame(9, b"p") + frame(2, b"") + frame(1, b"last")
    for byte in data:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    await forever(reader)


async def cut(reader, writer, query):
    """Ends the connection without a close frame."""
    writer.write(frame(1, b"one"))
    await writer.drain()


async def reset(reader, writer, query):
    writer.write(frame(1, b"one"))
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def utf8(reader, writer, query):
    writer.write(frame(1, b"good") + frame(1, b"bad \xff"))
    await forever(reader)


async def big(reader, writer, query):
    """Announces more than anybody takes, and sends none of it."""
    writer.write(bytes([0x82, 127]) + struct.pack("!Q", 1 << 40))
    await forever(reader)


async def masked(reader, writer, query):
    writer.write(bytes([0x81, 0x81, 1, 2, 3, 4, 5]))
    await forever(reader)


async def fragments(reader, writer, query):
    """A message in three parts with control frames in between."""
    writer.write(frame(1, b"on", fin=False) + frame(9, b"a") + frame(0, b"e me", fin=False))
    await writer.drain()
    writer.write(frame(10, b"b") + frame(0, b"ssage") + frame(1, b"next"))
    await forever(reader)


async def close(reader, writer, query):
    code = int(query.get("code", ["1000"])[0])
    writer.write(frame(1, b"one") + close_frame(code, query.get("reason", [""])[0].encode()))
    await forever(reader)


async def linger(reader, writer, query):
    """Sends a close frame and never closes the socket."""
    writer.write(close_frame(1000))
    await asyncio.sleep(3600)


async def numbers(reader, writer, query):
    """Messages 0, 1, 2 … of the length asked for, then a close frame."""
    count, length = int(query["count"][0]), int(query["length"][0])
    for start in range(0, count, 500):
        chunk = b"".join(
            frame(1, str(number).encode().ljust(length, b".")) for number in
            range(start, min(start + 500, count)))
        writer.write(chunk)
        await writer.drain()
    writer.write(close_frame(1000))
    await forever(reader)


async def echo(reader, writer, query):
    """Unmasks and sends back data frames, whatever their size; answers close frames."""
    while True:
        head = await reader.readexactly(2)
        length = head[1] & 127
        if length == 126:
            length, = struct.unpack("!H", await reader.readexactly(2))
        elif length == 127:
            length, = struct.unpack("!Q", await reader.readexactly(8))
        key = await reader.readexactly(4)
        payload = await reader.readexactly(length)
        keys = (key * (length // 4 + 1))[:length]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(length, "big")
        writer.write(frame(head[0] & 15 if head[0] & 15 != 9 else 10, payload))
        await writer.drain()
        if head[0] & 15 == 8:
            return


async def pings(reader, writer, query):
    """Pings many times without reading, then says how many answers came up to that to the last."""
    count = int(query["count"][0])
    for start in range(0, count, 500):
        writer.write(b"".join(
            frame(9, str(number).encode().ljust(125, b".")) for number in range(start, start + 500)))
        await writer.drain()
    answers = 0
    last = b""
    while last != str(count - 1).encode():
        head = await reader.readexactly(2)
        key = await reader.readexactly(4)
        payload = await reader.readexactly(head[1] & 127)
        last = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload[:12])).rstrip(b".")
        answers += 1
    writer.write(frame(1, str(answers).encode()))
    await forever(reader)


BEHAVIOURS = [stall, deaf, trickle, cut, reset, utf8, big, masked, fragments, close, linger,
              numbers, echo, pings]


async def serve(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        target = head.split(b" ")[1].decode()
        url = urlsplit(target)
        query = parse_qs(url.query)
        name = url.path.strip("/")
        if name == "silent":
            await asyncio.sleep(3600)
        if name == "hangup":
            return
        if name == "garbage":
            writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            return await forever(reader)
        if name == "status":
            code = query["code"][0]
            writer.write(f"HTTP/1.1 {code} Whatever\r\nContent-Length: 0\r\n\r\n".encode())
            return await forever(reader)
        key = [line.split(b": ")[1] for line in head.split(b"\r\n")
               if line.lower().startswith(b"sec-websocket-key")][0]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        accept = base64.b64encode(digest).decode() if name != "wrongaccept" else "A" * 27 + "="
        extra = "Content-Length: 0\r\n" if name == "withlength" else ""
        answer = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Server: misbehave\r\n{extra}Sec-WebSocket-Accept: {accept}\r\n\r\n").encode()
        if name == "early":
            # Messages in the same segment as the answer.
            writer.write(answer + frame(1, b"early") + frame(1, b"bird"))
            return await forever(reader)
        writer.write(answer)
        await writer.drain()
        for behaviour in BEHAVIOURS:
            if behaviour.__name__ == name:
                await behaviour(reader, writer, query)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unix")
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    if options.unix:
        server = await asyncio.start_unix_server(serve, options.unix)
        print("port 0", flush=True)
    else:
        server = await asyncio.start_server(serve, options.host, 0)
        print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
