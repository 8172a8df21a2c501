"""Sends numbered messages at a steady rate, and says which ones the client has certainly received.

Every few milliseconds a ping names the last message sent; its pong proves that the client has read
everything up to it. For each pong one line is printed: `ack CONNECTION NUMBER TIME`, connections
counted from 1 and the time in nanoseconds since 1970.
"""

import argparse
import asyncio
import json
import time

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

TICK = 0.005


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=4000, help="messages per second")
    parser.add_argument("--size", type=int, default=400, help="bytes of padding per message")
    parser.add_argument("--compression", action="store_true")
    options = parser.parse_args()
    padding = "".join(chr(33 + (7 * at) % 90) for at in range(options.size)).replace("\\", "/")
    connections = 0

    async def load(connection):
        nonlocal connections
        connections += 1
        number = connections
        sent = 0
        start = time.monotonic()

        def acknowledged(upto):
            print("ack", number, upto, time.time_ns(), flush=True)

        try:
            while True:
                due = int((time.monotonic() - start) * options.rate)
                while sent < due:
                    sent += 1
                    await connection.send(json.dumps(
                        {"connection": number, "number": sent, "padding": padding}))
                pong = await connection.ping(f"{number}.{sent}")
                pong.add_done_callback(
                    lambda done, upto=sent: done.cancelled() or done.exception()
                    or acknowledged(upto))
                await asyncio.sleep(TICK)
        except ConnectionClosed:
            pass

    server = await serve(
        load, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1,
        compression="deflate" if options.compression else None)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
