"""Connects, says `connected`, and writes every text message received as a JSON string per line."""

import argparse
import asyncio
import json

from websockets.asyncio.client import connect


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("uri")
    parser.add_argument("output")
    parser.add_argument("--compression", action="store_true")
    options = parser.parse_args()
    async with connect(
            options.uri, max_size=None,
            compression="deflate" if options.compression else None) as connection:
        print("connected", flush=True)
        with open(options.output, "w", encoding="utf-8") as file:
            async for message in connection:
                file.write(json.dumps(message) + "\n")
                file.flush()


asyncio.run(main())
