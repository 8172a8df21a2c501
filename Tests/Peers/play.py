"""Plays the server's side of a recorded conversation to every client, then closes.

Records are JSON lines: {"dir":"in","op":"text","data":"..."} or {"op":"binary","b64":"..."}.
"""

import argparse
import asyncio
import base64
import json
import ssl

from websockets.asyncio.server import serve


def payload(record):
    return record["data"] if "data" in record else base64.b64decode(record["b64"])


def pieces(message, size):
    """The fragments of a message; a message of no bytes has one, of no bytes."""
    return [message[at:at + size] for at in range(0, max(len(message), 1), size)]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--compression", action="store_true")
    parser.add_argument("--fragment", type=int, metavar="SIZE")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--hold", action="store_true", help="keep the connection open at the end")
    options = parser.parse_args()

    with open(options.file, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    records = [record for record in records if record["dir"] == "in" and record["op"] != "close"]

    async def play(connection):
        for record in records:
            message = payload(record)
            if record["op"] == "ping":
                # Answered before the next: two at once with the same payload are an error here.
                await (await connection.ping(message))
            elif record["op"] == "pong":
                await connection.pong(message)
            elif options.fragment:
                await connection.send(pieces(message, options.fragment))
            else:
                await connection.send(message)
        if options.hold:
            await connection.wait_closed()

    tls = None
    if options.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate, options.key)
    server = await serve(
        play, "127.0.0.1", 0, ssl=tls, max_size=None, ping_interval=None,
        compression="deflate" if options.compression else None)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
