#!/usr/bin/env python3
"""Reads a capture as docs/FORMAT.md describes it, with nothing but the standard library.

    read_capture.py FILE...

prints one JSON line for each session and record, those of the tail FILE.tail included, and at last
how the file ends. It shares no code with MWC: where the two disagree, the specification or one of
them is wrong. Damage ends the reading with status 1 and one line on standard error.
"""

import base64
import datetime
import json
import os
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


def wrap(values):
    return [signed(value) for value in values]


def as_double(bits):
    return struct.unpack("<d", struct.pack("<q", bits))[0]


def as_bits(double):
    return struct.unpack("<q", struct.pack("<d", double))[0]


class Columns:
    """A segment in columns: section 12."""

    def __init__(self, body, raw, wall, monotonic):
        self.wall, self.monotonic = wall, monotonic
        count, at = varint(body, 0)
        if not 4 <= count <= 512:
            raise Damage("a segment with %d streams" % count)
        sizes = []
        for _ in range(count):
            length, at = varint(body, at)
            stored, at = varint(body, at)
            if stored > length or length > 2 * raw + 4096:
                raise Damage("a stream of impossible size")
            sizes.append((length, stored))
        self.streams = []
        for length, stored in sizes:
            stream = body[at : at + stored]
            at += stored
            if stored < length:
                stream = zlib.decompressobj(-15).decompress(stream, length + 1)
            if len(stream) != length:
                raise Damage("a stream that is not as long as it says")
            self.streams.append(stream)
        if at != len(body):
            raise Damage("something behind the streams")
        self.taken = [0] * count
        self.head = self.streams[0]
        self.at = 0

    def get(self):
        value, self.at = varint(self.head, self.at)
        return value

    def get_signed(self):
        value, self.at = zigzag(self.head, self.at)
        return value

    def get_text(self):
        length = self.get()
        text = self.head[self.at : self.at + length]
        if len(text) != length:
            raise Damage("a text that is cut")
        self.at += length
        return text

    def get_piece(self):
        return self.take(self.get(), self.get())

    def take(self, stream, length):
        start = self.taken[stream]
        self.taken[stream] += length
        piece = self.streams[stream][start : start + length]
        if len(piece) != length:
            raise Damage("a stream that is cut")
        return piece

    def get_numbers(self, count, number=0, piece=None):
        repeats, kind = divmod(self.get(), 32)
        reference, order = divmod(kind, 4)
        fresh = range(count)
        if repeats:
            distances = self.columns[self.get()].distances
            if len(distances) != count or any(d < 0 or d > i for i, d in enumerate(distances)):
                raise Damage("distances that reach too far")
            fresh = [i for i in fresh if not distances[i]]
        low_bits, centre, divisor = self.get(), self.get_signed(), self.get()
        start = self.get_signed() if order else 0
        predicted = self.get_prediction(reference, count, number) if reference else [0] * count
        predicted = [predicted[i] for i in fresh]
        if piece is None:
            piece = self.get_piece()
            self.bits = self.take(1, (len(fresh) * low_bits + 7) // 8)
        at, error, step, values = 0, start, 0, []
        for i in range(len(fresh)):
            high, at = varint(piece, at) if piece else (0, 0)
            bit = i * low_bits
            window = self.bits[bit // 8 : bit // 8 + 8]
            low = int.from_bytes(window, "little") >> bit % 8 & (1 << low_bits) - 1
            stored = high << low_bits | low
            change = centre + divisor * ((stored >> 1) ^ -(stored & 1))
            if order == 0:
                error = change
            elif order == 1:
                error += change
            else:
                step += change
                error += step
            values.append(signed(predicted[i] + error))
        if at != len(piece):
            raise Damage("numbers that are not used up")
        if repeats:
            stored, values = iter(values), []
            for i, distance in enumerate(distances):
                values.append(values[i - distance] if distance else next(stored))
        return values

    def get_prediction(self, reference, count, number):
        scale = self.get()
        first, negative = divmod(self.get(), 2)
        first = self.reference(first, count, number)
        if reference <= 2:
            result = [(-1 if negative else 1) * (value // scale) for value in first]
            if reference == 2:
                second, negative = divmod(self.get(), 2)
                second = self.reference(second, count, number)
                result = [a + (-b if negative else b) for a, b in zip(result, second)]
            return result
        second = self.get()
        second = self.columns[second].numbers if second else [self.get_signed()] * count
        if reference == 3:
            return wrap(
                (2 * scale * a + b) // (2 * b) if a >= 0 and b > 0 else 0
                for a, b in zip(first, second)
            )
        p, q = divmod(scale, 32)
        result = [
            float(a) / 10**p / (float(b) / 10**q) * 100 if b else 0.0 for a, b in zip(first, second)
        ]
        return [as_bits(100 - value if negative else value) for value in result]

    def reference(self, column, count, number):
        if column:
            numbers = self.columns[column].numbers
            return numbers if len(numbers) == count else self.latest(column, numbers, number)
        if count == len(self.times):
            return self.walls
        return [self.walls[record] for record in self.timed[number]]

    def latest(self, column, numbers, number):
        """For each value the last of another column in the same record or before."""
        found, at = [], 0
        for record in self.timed[number]:
            while at < len(numbers) and self.timed[column][at] <= record:
                at += 1
            found.append(numbers[at - 1] if at else 0)
        return found

    def get_nodes(self):
        nodes, columns = self.get(), self.get()
        self.columns = [None] * (columns + 1)
        self.nodes = [(b"", 0)] + [(self.get_text(), self.get()) for _ in range(nodes)]
        self.ways = []
        for node, (_, column) in enumerate(self.nodes):
            successors, choices = [], None
            if node == 0 or column:
                successors = [self.get() for _ in range(self.get())]
                if len(successors) > 1:
                    choices = self.get_numbers(self.get())
            self.ways.append((successors, choices))
        counts = [(self.get(), self.get()) for _ in range(self.get())]
        self.timed = {column: [] for column, _ in counts}
        if counts:
            for record in range(len(self.times)):
                for node in self.way():
                    if self.nodes[node][1] in self.timed:
                        self.timed[self.nodes[node][1]].append(record)
        self.next_choice = {}

    def way(self):
        """The nodes of the next message."""
        node = 0
        while True:
            successors, choices = self.ways[node]
            choice = 0
            if choices is not None:
                choice = choices[self.next_choice.get(node, 0)]
                self.next_choice[node] = self.next_choice.get(node, 0) + 1
            node = successors[choice]
            yield node
            if self.nodes[node][1] == 0:
                return

    def records(self):
        count, _ = self.get(), self.get()
        sources = [(self.get(), self.get()) for _ in range(self.get())]
        kinds = self.get_numbers(count)
        times = wrap(time for time in self.get_numbers(count))
        self.times = times
        offsets = self.get_numbers(count)
        order = self.get_numbers(count) if self.get() else None
        self.walls = wrap(
            time + self.monotonic + offset + self.wall - self.monotonic
            for time, offset in zip(times, offsets)
        )
        self.next_choice = {}
        self.get_nodes()
        for number in range(1, len(self.columns)):
            self.columns[number] = Column(self, number)
        if self.at != len(self.head):
            raise Damage("something behind the columns")
        found, queues = 0, []
        for source, length in sources:
            queues.append([])
            for record in range(found, found + length):
                payload = []
                for node in self.way():
                    literal, column = self.nodes[node]
                    payload.append(literal)
                    if column:
                        payload.append(next(self.columns[column].texts))
                queues[-1].append((
                    self.walls[record], signed(times[record] + self.monotonic), source >> 1,
                    source & 1, kinds[record], b"".join(payload),
                ))
            found += length
        heads = [0] * len(queues)
        for i in range(count):
            left = [s for s in range(len(queues)) if heads[s] < len(queues[s])]
            source = order[i] if order else min(
                left, key=lambda s: signed(queues[s][heads[s]][1] - self.monotonic)
            )
            yield queues[source][heads[source]]
            heads[source] += 1


class Column:
    """The values of a column: `texts` as they are spelled, `numbers` where they are numbers."""

    def __init__(self, block, number):
        kind, count = block.get(), block.get()
        self.numbers = None
        if kind != 1:
            self.piece = block.take(block.get(), block.get())
            block.bits = block.take(1, block.get())
        description = block.get_text()
        outer = block.head, block.at
        block.head, block.at = description, 0
        if kind == 1:
            texts, block.at = [description] * count, len(description)
        elif kind == 2:
            texts = self.piece.split(b"\0")[:-1]
        elif kind == 3:
            at, texts = 0, []
            for _ in range(count):
                length, at = varint(self.piece, at)
                texts.append(self.piece[at : at + length])
                at += length
        elif kind == 4:
            table = [block.get_text() for _ in range(block.get())]
            texts = [table[index] for index in block.get_numbers(count, 0, self.piece)]
        elif kind == 5:
            places, least = block.get(), block.get()
            texts = self.spelled(block, count, number, lambda v: decimal(v, places, least))
        elif kind == 6:
            places, separator, suffix = block.get(), bytes([block.get()]), block.get_text()
            texts = self.spelled(
                block, count, number, lambda v: date(v, places, separator) + suffix
            )
        elif kind == 7:
            shift = block.get()
            texts = self.spelled(
                block, count, number,
                lambda v: repr(as_double(v) if shift == 64 else v / 2**shift).encode(),
            )
        elif kind == 8:
            size = 2 * block.get()
            digits = self.piece.hex().encode()
            texts = [digits[i : i + size] for i in range(0, len(digits), size)]
        elif kind == 9:
            parts = [block.columns[block.get()].texts for _ in range(block.get())]
            texts = [b"".join(part) for part in zip(*parts)]
        elif kind == 10:
            self.distances, texts = block.get_numbers(count, number, self.piece), [b""] * count
        else:
            raise Damage("a column of type %d" % kind)
        if len(texts) != count or block.at != len(description):
            raise Damage("a column with %d values for %d" % (len(texts), count))
        block.head, block.at = outer
        self.texts = iter(texts)

    def spelled(self, block, count, number, spell):
        exceptions, first = [], 0
        for _ in range(block.get()):
            first += block.get()
            exceptions.append((first, block.get(), block.get_text()))
        self.numbers = block.get_numbers(count, number, self.piece)
        texts = [spell(value) for value in self.numbers]
        for first, length, text in exceptions:
            texts[first : first + length] = [text] * length
        return texts


def decimal(value, places, least):
    digits = str(abs(value)).rjust(places + 1, "0")
    whole, fraction = digits[: len(digits) - places], digits[len(digits) - places :]
    while len(fraction) > least and fraction.endswith("0"):
        fraction = fraction[:-1]
    text = ("-" if value < 0 else "") + whole + ("." if fraction else "") + fraction
    return text.encode()


def date(value, places, separator):
    seconds, fraction = divmod(value, 10**places)
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    text = moment.isoformat(sep=separator.decode("latin-1"))
    return (text + (".%0*d" % (places, fraction) if places else "")).encode("latin-1")


def follows(data, at, file_id):
    """Whether a block or a trailer of this file stands anywhere behind: then it was not cut off."""
    for magic in (BLOCK, TRAILER):
        place = data.find(magic, at)
        while place >= 0:
            item = data[place : place + 64]
            if len(item) == 64 and struct.unpack_from("<Q", item, 8)[0] == file_id:
                if crc32c(item[:60]) == struct.unpack_from("<I", item, 60)[0]:
                    return True
            place = data.find(magic, place + 1)
    return False


class Block:
    """A header, and what its segments hold; `sealed` when the seal was there and right."""

    def __init__(self, data, at, file_id, partial=False):
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
        if self.kind in (1, 2, 3) and self.encoding not in ((0, 1, 2) if self.kind == 2 else (0, 1)):
            raise Damage("encoding %d of the block at %d is unsupported" % (self.encoding, at))
        self.segments = []
        self.raw = 0
        self.sealed = False
        self.seal = None
        self.end = at + 64
        try:
            self.read_segments(data, at + 64, file_id, covered)
        except Damage:
            # The first thing that does not fit is the end of a tail.
            if not (partial and self.segments):
                raise
        if not self.segments:
            self.end = self.offset

    def read_segments(self, data, at, file_id, covered):
        inflater = zlib.decompressobj(-15)
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
            most = 2 * raw + 4096 if self.encoding == 2 else raw + raw // 256 + 64
            if not 0 < raw <= MAX_RAW or not 0 < stored <= most:
                raise Damage("a segment of impossible size at %d" % at)
            if at + 12 + stored > len(data):
                if follows(data, at + 12, file_id):
                    raise Damage("the segment at %d reaches beyond the end of the file" % at)
                break
            body = data[at + 12 : at + 12 + stored]
            total = crc32c(body, crc32c(data[at : at + 8], covered))
            if total != crc:
                raise Damage("the segment at %d fails its checksum" % at)
            covered = total
            if self.encoding == 1:
                body = inflater.decompress(body + b"\0\0\xff\xff", raw + 1)
            if self.kind == 2 and self.encoding == 2:
                body = self.columns(body, raw, at)
            elif self.kind in (1, 2, 3) and len(body) != raw:
                raise Damage("the segment at %d does not decode to what it says" % at)
            self.segments.append(body)
            self.raw += raw
            at += 12 + stored
            self.end = at

    @property
    def body(self):
        return b"".join(self.segments)

    def columns(self, body, raw, at):
        try:
            records = list(Columns(body, raw, self.wall, self.monotonic).records())
        except (AttributeError, IndexError, KeyError, OverflowError, StopIteration, ValueError, zlib.error):
            raise Damage("the segment at %d is malformed" % at)
        if sum(16 + len(record[5]) for record in records) != raw:
            raise Damage("the segment at %d does not decode to what it says" % at)
        return records

    def rows(self):
        if self.encoding == 2:
            for records in self.segments:
                yield from records
            return
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


def continuation(tail, file_id, sequence, first):
    """What of a tail follows a capture that has so many blocks and records; empty when nothing does."""
    whole = len(tail) >= 32 and crc32c(tail[:28]) == struct.unpack_from("<I", tail, 28)[0]
    if whole and tail[:8] == PREAMBLE and struct.unpack_from("<Q", tail, 16)[0] != file_id:
        return b""
    at = 32
    while len(tail) - at >= 64:
        try:
            block = Block(tail, at, file_id, True)
        except Damage:
            # What stands behind something bad proves itself.
            at = tail.find(BLOCK, at + 1)
            if at < 0:
                break
            continue
        if block.sequence == sequence:
            return tail[at:] if block.first == first and block.segments else b""
        if block.sequence > sequence:
            break
        at = block.end if block.sealed else tail.find(BLOCK, at + 1)
        if at < 0:
            break
    return b""


def read(data, tail=b""):
    """Yields ("session", fields), ("record", row) and at last ("end", how)."""
    if data[:8] != PREAMBLE:
        raise Damage("not a capture")
    if len(data) < 32 or crc32c(data[:28]) != struct.unpack_from("<I", data, 28)[0]:
        raise Damage("the preamble fails its checksum")
    version, file_id = struct.unpack_from("<H6xQ", data, 8)
    if version != 1:
        raise Damage("version %d" % version)
    at, sequence, first, sessions, payload_bytes = 32, 0, 0, 0, 0
    listed, tallies, previous, finished, joined = [], {}, 0, False, False
    while at < len(data) or (tail and not finished):
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
        try:
            block = Block(data, at, file_id, joined) if len(data) - at >= 64 else None
        except Damage:
            if not tail and not joined:
                raise
            block = None
        if block is None or block.end == at:
            rest = continuation(tail, file_id, sequence, first)
            if not rest:
                break
            data, tail, joined = data[:at] + rest, b"", True
            continue
        if joined and (block.sequence, block.first) != (sequence, first):
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
            rest = continuation(tail, file_id, sequence + 1, first)
            if not rest:
                break
            data, tail, joined, sequence = data[:at] + rest, b"", True, sequence + 1
            continue
        said = block.seal
        if block.kind in (1, 2, 3):
            if said[:3] != (count, block.end - block.offset, block.raw) or said[7] != len(block.segments):
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
        tail = b""
        if os.path.exists(name + ".tail"):
            with open(name + ".tail", "rb") as file:
                tail = file.read()
        try:
            for what, value in read(data, tail):
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
