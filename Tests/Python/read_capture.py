#!/usr/bin/env python3
"""Reads a capture as docs/FORMAT.md describes it, with nothing but the standard library.

    read_capture.py FILE...

prints one JSON line for each session and record, and at last how the file ends. It shares no code
with MWC: where the two disagree, the specification or one of them is wrong. Damage ends the reading
with status 1 and one line on standard error.
"""

import base64
import json
import struct
import sys
import zlib

PREAMBLE = b"\xffMWCCAP\n"
BLOCK = b"\xffMWCBLK\n"
TRAILER = b"\xffMWCEND\n"
SEAL = 0xFFFFFFFF
MAX_PAYLOAD = 256 << 20
MAX_RAW = MAX_PAYLOAD + (64 << 10)


class Damage(Exception):
    """Something fails its checksum or contradicts the rules."""


def crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = crc32c_table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Damage("a malformed number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                raise Damage("a number beyond 64 bits")
            return value, at
        shift += 7


def zigzag(data, at):
    value, at = varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def signed(value):
    """Sums wrap at 64 bits."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


class Block:
    """A header, and what its segments hold; `sealed` when the seal was there and right."""

    def __init__(self, data, at, file_id):
        head = data[at : at + 64]
        if len(head) < 64 or head[:8] != BLOCK:
            raise Damage("no block begins at %d" % at)
        self.offset = at
        (own_id, self.sequence, self.kind, self.encoding, self.connection) = struct.unpack_from(
            "<QIBB2xI", head, 8
        )
        self.first, self.wall, self.monotonic = struct.unpack_from("<Qqq", head, 32)
        covered = crc32c(head[:60])
        if struct.unpack_from("<I", head, 60)[0] != covered:
            raise Damage("the header at %d fails its checksum" % at)
        if own_id != file_id:
            raise Damage("the block at %d is of another file" % at)
        if self.kind in (1, 2, 3) and self.encoding not in (0, 1):
            raise Damage("encoding %d of the block at %d is unsupported" % (self.encoding, at))
        self.segments = []
        self.sealed = False
        self.seal = None
        inflater = zlib.decompressobj(-15)
        at += 64
        self.end = at
        while at + 12 <= len(data):
            stored, raw, crc = struct.unpack_from("<III", data, at)
            if stored == SEAL:
                if at + 64 > len(data):
                    break
                seal = data[at : at + 64]
                if crc32c(seal[:60], covered) != struct.unpack_from("<I", seal, 60)[0]:
                    raise Damage("the seal at %d fails its checksum" % at)
                self.seal = struct.unpack_from("<IQQqqqqI", seal, 4)
                self.sealed = True
                self.end = at + 64
                break
            if not 0 < raw <= MAX_RAW or not 0 < stored <= raw + raw // 256 + 64:
                raise Damage("a segment of impossible size at %d" % at)
            if at + 12 + stored > len(data):
                break
            body = data[at + 12 : at + 12 + stored]
            total = crc32c(body, crc32c(data[at : at + 8], covered))
            if total != crc:
                raise Damage("the segment at %d fails its checksum" % at)
            covered = total
            if self.encoding == 1:
                body = inflater.decompress(body + b"\0\0\xff\xff", raw + 1)
            if self.kind in (1, 2, 3) and len(body) != raw:
                raise Damage("the segment at %d does not decode to what it says" % at)
            self.segments.append(body)
            at += 12 + stored
            self.end = at
        if not self.segments:
            self.end = self.offset

    @property
    def body(self):
        return b"".join(self.segments)

    def rows(self):
        wall, monotonic = self.wall, self.monotonic
        for body in self.segments:
            at = 0
            while at < len(body):
                kind = body[at]
                source, at = varint(body, at + 1)
                step, at = zigzag(body, at)
                drift, at = zigzag(body, at)
                length, at = varint(body, at)
                if length > MAX_PAYLOAD or at + length > len(body) or source >> 1 > 4096:
                    raise Damage("a malformed record in the block at %d" % self.offset)
                offset = wall - monotonic + drift
                monotonic = signed(monotonic + step)
                wall = signed(monotonic + offset)
                yield wall, monotonic, source >> 1, source & 1, kind, body[at : at + length]
                at += length


TEXT_FIELDS = {4: "time_zone", 5: "tool", 7: "dialect", 8: "host"}
LIST_FIELDS = {6: "uris", 9: "options"}
NUMBER_FIELDS = {1: ("wall", "<q"), 2: ("monotonic", "<q"), 3: ("utc_offset", "<i")}


def session(body):
    fields = {"uris": [], "options": []}
    at = 0
    while at < len(body):
        number, length = struct.unpack_from("<HI", body, at)
        value = body[at + 6 : at + 6 + length]
        if len(value) != length:
            raise Damage("a session that is cut")
        if number in NUMBER_FIELDS:
            name, layout = NUMBER_FIELDS[number]
            fields[name] = struct.unpack_from(layout, value)[0]
        elif number in TEXT_FIELDS:
            fields[TEXT_FIELDS[number]] = value.decode()
        elif number in LIST_FIELDS:
            fields[LIST_FIELDS[number]].append(value.decode())
        at += 6 + length
    return fields


def check_index(body, listed, tallies, previous):
    """An index block must list the blocks since the one before, and count their records."""
    before, blocks, counts = struct.unpack_from("<QII", body)
    if before != previous or len(body) != 16 + 72 * blocks + 24 * counts:
        raise Damage("an index of the wrong size or order")
    found = [struct.unpack_from("<QQQQIBB2xqqqq", body, 16 + 72 * i) for i in range(blocks)]
    if found != listed:
        raise Damage("an index that contradicts the blocks")
    at = 16 + 72 * blocks
    counted = {}
    for _ in range(counts):
        connection, kind, direction, messages, size = struct.unpack_from("<IBB2xQQ", body, at)
        counted[(connection, kind, direction)] = (messages, size)
        at += 24
    if counted != tallies:
        raise Damage("an index that counts wrong")


def read(data):
    """Yields ("session", fields), ("record", row) and at last ("end", how)."""
    if data[:8] != PREAMBLE:
        raise Damage("not a capture")
    if len(data) < 32 or crc32c(data[:28]) != struct.unpack_from("<I", data, 28)[0]:
        raise Damage("the preamble fails its checksum")
    version, file_id = struct.unpack_from("<H6xQ", data, 8)
    if version != 1:
        raise Damage("version %d" % version)
    at, sequence, first, sessions, payload_bytes = 32, 0, 0, 0, 0
    listed, tallies, previous, finished = [], {}, 0, False
    while at < len(data):
        if data[at : at + 8] == TRAILER and len(data) - at >= 64:
            if crc32c(data[at : at + 60]) != struct.unpack_from("<I", data, at + 60)[0]:
                raise Damage("the trailer fails its checksum")
            said = struct.unpack_from("<QQQQIIQ", data, at + 8)
            if said != (file_id, previous, first, payload_bytes, sequence, sessions, at):
                raise Damage("a trailer that contradicts the blocks")
            at += 64
            finished = True
            continue
        finished = False
        if len(data) - at < 64:
            break
        block = Block(data, at, file_id)
        if block.end == at:
            break
        if block.sequence != sequence or block.first != first:
            raise Damage("a block out of order at %d" % at)
        count, walls, monotonics = 0, [], []
        if block.kind == 1:
            sessions += 1
            yield "session", session(block.body)
        elif block.kind == 2:
            for row in block.rows():
                count += 1
                walls.append(row[0])
                monotonics.append(row[1])
                payload_bytes += len(row[5])
                key = (row[2], row[4], row[3])
                messages, size = tallies.get(key, (0, 0))
                tallies[key] = (messages + 1, size + len(row[5]))
                yield "record", row
        at = block.end
        first += count
        if not block.sealed:
            break
        raw = sum(map(len, block.segments))
        said = block.seal
        if block.kind in (1, 2, 3):
            if said[:3] != (count, block.end - block.offset, raw) or said[7] != len(block.segments):
                raise Damage("a seal that contradicts its block at %d" % block.offset)
        if block.kind == 2 and said[3:7] != (
            min(walls), max(walls), min(monotonics), max(monotonics),
        ):
            raise Damage("a seal with the wrong times at %d" % block.offset)
        if block.kind == 3:
            check_index(block.body, listed, tallies, previous)
            listed, tallies, previous = [], {}, block.offset
        elif block.kind in (1, 2):
            listed.append(
                (block.offset, said[1], said[2], block.first, said[0], block.kind, block.encoding)
                + said[3:7]
            )
        sequence += 1
    yield "end", {"finished": finished, "end": at, "excess": len(data) - at}


def main():
    for name in sys.argv[1:]:
        with open(name, "rb") as file:
            data = file.read()
        try:
            for what, value in read(data):
                if what == "record":
                    wall, monotonic, connection, direction, kind, payload = value
                    value = {
                        "wall": wall, "monotonic": monotonic, "connection": connection,
                        "direction": direction, "kind": kind,
                        "payload": base64.b64encode(payload).decode(),
                    }
                print(json.dumps({what: value}))
        except Damage as damage:
            sys.exit("%s: %s" % (name, damage))


if __name__ == "__main__":
    main()
