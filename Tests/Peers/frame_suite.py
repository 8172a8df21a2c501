"""A frame-level WebSocket peer that plays the sections of the Autobahn suite and what that leaves out:
compressed and plain messages mixed, BFINAL, damaged data, faults told before their message ends.

    frame_suite.py client PEER CASE ...     runs `PEER run URI NUMBER` once for each case
    frame_suite.py server PORT CASE ...     visits a server that echoes

Cases are patterns such as '6.*'. Prints a JSON object: `cases`, the names of all that were played,
and `failures`, what went wrong by name.

Every case sends frames, most of them spelt out here byte by byte, and says which frames must come
back. What comes back is read by wsproto.
"""
import base64
import fnmatch
import hashlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
SECONDS = 60
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Case:
    name: str
    # Frames: (opcode, payload) and optional fin, reserved bits, announced length.
    frames: list
    # What must come back: (opcode, payload). With a code: at most this, then the close.
    replies: list = field(default_factory=list)
    code: int = None  # the peer must close with it, by itself
    chop: int = 0  # bytes a write; 0: all at once
    deflate: str = None  # parameters of permessage-deflate; None: do not use it


def frame(masked, opcode, payload=b"", fin=True, reserved=0, announced=None):
    length = len(payload) if announced is None else announced
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += struct.pack("!BH", bit | 126, length)
    else:
        head += struct.pack("!BQ", bit | 127, length)
    if not masked:
        return head + payload
    key = os.urandom(4)
    wide = int.from_bytes((key * (len(payload) // 4 + 1))[:len(payload)], "big")
    return head + key + (int.from_bytes(payload, "big") ^ wide).to_bytes(len(payload), "big")


# MARK: Cases


def echo(name, opcode, payload, chop=0):
    return Case(name, [(opcode, payload)], [(opcode, payload)], chop=chop)


def fragments(opcode, payload, size):
    pieces = [payload[i:i + size] for i in range(0, len(payload), size)] or [b""]
    return [
        (opcode if i == 0 else 0, piece, i == len(pieces) - 1) for i, piece in enumerate(pieces)]


def close(code, reason=b""):
    return (CLOSE, struct.pack("!H", code) + reason)


def framing():
    for section, opcode in ((1, TEXT), (2, BINARY)):
        for i, size in enumerate((0, 125, 126, 127, 128, 65535, 65536), 1):
            yield echo(f"1.{section}.{i}", opcode, b"*" * size)
        yield echo(f"1.{section}.8", opcode, b"*" * 65536, chop=997)


def pings():
    for i, payload in enumerate((b"", b"Hello", bytes(range(0xF0, 0x100)), b"\xfe" * 125), 1):
        yield Case(f"2.{i}", [(PING, payload)], [(PONG, payload)])
    yield Case("2.5", [(PING, b"\xfe" * 126)], code=1002)
    yield Case("2.6", [(PING, b"\xfe" * 125)], [(PONG, b"\xfe" * 125)], chop=1)
    yield Case("2.7", [(PONG, b"")])
    yield Case("2.8", [(PONG, b"unsolicited")])
    yield Case("2.9", [(PONG, b"x"), (PING, b"ping")], [(PONG, b"ping")])
    many = [b"payload-%d" % i for i in range(10)]
    for name, chop in (("2.10", 0), ("2.11", 1)):
        yield Case(name, [(PING, p) for p in many], [(PONG, p) for p in many], chop=chop)


def reserved():
    for bits in range(1, 8):
        for opcode in (TEXT, PING, CLOSE):
            yield Case(f"3.{bits}.{opcode}", [(TEXT, b"Hello"), (opcode, b"", True, bits)],
                       [(TEXT, b"Hello")], 1002, chop=bits % 2)


def opcodes():
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield Case(f"4.{opcode}.1", [(opcode, b"")], code=1002)
        yield Case(f"4.{opcode}.2", [(TEXT, b"Hello"), (opcode, b"x"), (PING, b"")],
                   [(TEXT, b"Hello")], 1002)


def fragmentation():
    yield Case("5.1", [(PING, b"a", False), (0, b"b")], code=1002)
    yield Case("5.2", [(PONG, b"a", False), (0, b"b")], code=1002)
    whole = [(TEXT, b"fragment1fragment2")]
    for i, chop in enumerate((0, 1), 3):
        yield Case(f"5.{i}", [(TEXT, b"fragment1", False), (0, b"fragment2")], whole, chop=chop)
        yield Case(f"5.{i}.ping", [(TEXT, b"fragment1", False), (PING, b"p"), (0, b"fragment2")],
                   [(PONG, b"p")] + whole, chop=chop)
        yield Case(f"5.{i}.many", [(TEXT, b"a", False), (0, b"b", False), (PING, b"1"),
                                   (0, b"c", False), (0, b"d", False), (PING, b"2"), (0, b"e")],
                   [(PONG, b"1"), (PONG, b"2"), (TEXT, b"abcde")], chop=chop)
        for fin in (True, False):
            yield Case(f"5.{i}.nothing.{fin}", [(0, b"non-continuation", fin), (TEXT, b"Hello")],
                       code=1002, chop=chop)
        yield Case(f"5.{i}.twice", [(TEXT, b"a", False), (TEXT, b"b")], code=1002, chop=chop)


VALID_TEXT = [
    "", "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\uffff",
    "\ud7ff", "\ue000", "\ufffd", "\U00010000", "\U0010ffff", "\ufdd0", "\U0001fffe"]
INVALID_TEXT = [
    "80", "bf", "80bf", "808080", "c0af", "c1bf", "e080af", "f08080af", "e09fbf", "f08fbfbf",
    "eda080", "edbfbf", "f4908080", "f888808080", "fc8480808080", "fe", "ff", "fefeffff", "c3",
    "e298", "f09d84", "cebae1bdb9cf83cebcceb5eda080656469746564", "6180", "c320", "e29820"]


def texts():
    for i, text in enumerate(VALID_TEXT, 1):
        data = text.encode()
        yield echo(f"6.1.{i}", TEXT, data)
        yield Case(f"6.2.{i}", fragments(TEXT, data, 1), [(TEXT, data)])
    for i, digits in enumerate(INVALID_TEXT, 1):
        data = bytes.fromhex(digits)
        yield Case(f"6.3.{i}", [(TEXT, data)], code=1007)
        yield Case(f"6.4.{i}", fragments(TEXT, data, 1), code=1007)
    # The rest of the message never comes: the fault must be told without it.
    wrong = "κόσμε".encode() + b"\xf4\x90"
    yield Case("6.5.1", [(TEXT, wrong, False)], code=1007)
    yield Case("6.5.2", [(TEXT, wrong, True, 0, 1000)], code=1007)
    yield Case("6.5.3", [(TEXT, wrong, True, 0, 1000)], code=1007, chop=1)


def closes():
    yield Case("7.1.1", [(TEXT, b"Hello")], [(TEXT, b"Hello")])
    yield Case("7.1.2", [close(1000), close(1000)], code=1000)
    yield Case("7.1.3", [close(1000), (PING, b"")], code=1000)
    yield Case("7.1.4", [close(1000), (TEXT, b"late")], code=1000)
    yield Case("7.1.5", [(TEXT, b"a", False), close(1000), (0, b"b")], code=1000)
    yield Case("7.3.1", [(CLOSE, b"")], code=1005)
    yield Case("7.3.2", [(CLOSE, b"a")], code=1002)
    yield Case("7.3.3", [close(1000)], code=1000)
    yield Case("7.3.4", [close(1000, b"Hello World!")], code=1000)
    yield Case("7.3.5", [close(1000, b"*" * 123)], code=1000)
    yield Case("7.3.6", [close(1000, b"*" * 124)], code=1002)
    yield Case("7.5.1", [close(1000, b"\xce\xba\xe1\xbd")], code=1007)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case(f"7.7.{code}", [close(code)], code=code)
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7.9.{code}", [close(code)], code=1002)


def limits():
    for section, opcode in ((1, TEXT), (2, BINARY)):
        for i, size in enumerate((64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20), 1):
            yield echo(f"9.{section}.{i}", opcode, b"*" * size)
        for i, size in enumerate((256, 4096, 65536, 1 << 20), 1):
            payload = b"*" * (4 << 20 if size > 256 else 256 << 10)
            yield Case(f"9.{section + 2}.{i}", fragments(opcode, payload, size), [(opcode, payload)])
    for i, chop in enumerate((64, 1024), 1):
        yield echo(f"9.5.{i}", TEXT, b"*" * (64 << 10), chop=chop)
    for i, size in enumerate((0, 16, 64, 256, 4096), 1):
        payload = b"*" * size
        yield Case(f"9.7.{i}", [(TEXT, payload)] * 1000, [(TEXT, payload)] * 1000)
    # More than any limit of ours.
    yield Case("9.9.1", [(BINARY, b"", True, 0, (1 << 63) - 1)], code=1009)
    yield Case("10.1.1", fragments(TEXT, b"*" * 65536, 1300), [(TEXT, b"*" * 65536)])


PARAMETERS = [
    "", "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=9",
    "client_max_window_bits=9", "server_max_window_bits=12; client_max_window_bits=12",
    "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"]


def compressed():
    generator = random.Random(7)
    words = [b'{"usage":', b"12.5", b"}", b"0123456789", "é☃".encode(), b"\n", b"aaaaaaaa"]
    for i, parameters in enumerate(PARAMETERS, 1):
        for j, size in enumerate((0, 16, 64, 256, 1024, 8192, 65536, 131072), 1):
            messages = []
            for _ in range(1 if size == 0 else 20):
                text = b"".join(generator.choice(words) for _ in range(size // 6))
                messages.append((TEXT, text))
            yield Case(f"{12 if i == 1 else 13}.{i}.{j}", messages, messages, deflate=parameters)
            if j == 4:
                yield Case(f"13.{i}.{j}.chopped", messages, messages, chop=1, deflate=parameters)
            if j == 5:
                pieces = [part for _, text in messages for part in fragments(BINARY, text, 100)]
                yield Case(f"13.{i}.{j}.fragments", pieces,
                           [(BINARY, text) for _, text in messages], deflate=parameters)
                plain = [(TEXT, b"plain", True, 0)]
                yield Case(f"13.{i}.{j}.mixed", (messages + plain) * 2,
                           (messages + [(TEXT, b"plain")]) * 2, deflate=parameters)
    hello = bytes.fromhex("f348cdc9c90700")
    yield Case("13.8.1", [(TEXT, hello + b"\0", True, 4)] * 3, [(TEXT, b"Hello")] * 3, deflate="")
    yield Case("13.8.2", [(TEXT, b"\xff\xff\xff", True, 4)], code=1007, deflate="")
    yield Case("13.8.3", [(PING, b"", True, 4)], code=1002, deflate="")


def all_cases():
    for section in (framing, pings, reserved, opcodes, fragmentation, texts, closes, limits,
                    compressed):
        yield from section()


# MARK: One connection


class Wire:
    """A socket with one case on it."""

    def __init__(self, connection, is_client, deflate=None):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(SECONDS)
        self.socket, self.is_client = connection, is_client
        self.early = b""
        self.deflate = PerMessageDeflate() if deflate is not None else None
        self.offered = deflate or ""

    def read_head(self):
        while b"\r\n\r\n" not in self.early:
            data = self.socket.recv(65536)
            if not data:
                raise OSError("closed during the handshake")
            self.early += data
        head, self.early = self.early.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines[1:])
        return lines[0], {name.strip().lower(): value.strip() for name, value in pairs}

    def accept(self):
        """As a server."""
        _, headers = self.read_head()
        answer = self.answer_key(headers["sec-websocket-key"].encode())
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Accept: {answer}"]
        if self.deflate:
            extension = "; ".join(filter(None, ("permessage-deflate", self.offered)))
            lines.append("Sec-WebSocket-Extensions: " + extension)
            self.deflate.finalize(extension)
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        self.start()

    def connect(self, port):
        """As a client."""
        key = base64.b64encode(os.urandom(16))
        lines = ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 f"Sec-WebSocket-Key: {key.decode()}"]
        if self.deflate:
            extension = "; ".join(filter(None, ("permessage-deflate", self.offered)))
            lines.append("Sec-WebSocket-Extensions: " + extension)
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        status, headers = self.read_head()
        if " 101 " not in status or headers["sec-websocket-accept"] != self.answer_key(key):
            raise OSError("the upgrade was refused: " + status)
        if self.deflate:
            self.deflate.finalize(headers["sec-websocket-extensions"])
        self.start()

    @staticmethod
    def answer_key(key):
        return base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()

    def start(self):
        extensions = [self.deflate] if self.deflate else []
        self.protocol = FrameProtocol(client=self.is_client, extensions=extensions)
        self.protocol.receive_bytes(self.early)

    def spell(self, entry):
        opcode, payload, fin, bits, announced = (*entry, *(True, None, None)[len(entry) - 2:])
        if self.deflate and bits is None and opcode < CLOSE:
            return bytes(self.protocol.send_data(
                payload.decode() if opcode == TEXT and fin else payload, fin))
        return frame(self.is_client, opcode, payload, fin, bits or 0, announced)

    def frames(self):
        """Whole messages and control frames that come back, as long as something comes."""
        opcode, data = None, b""
        while True:
            for got in self.protocol.received_frames():
                payload = got.payload
                if got.opcode == Opcode.CLOSE:
                    yield CLOSE, int(payload[0])
                    return
                if got.opcode.iscontrol():
                    yield int(got.opcode), bytes(payload)
                    continue
                opcode = opcode or int(got.opcode)
                data += payload.encode() if isinstance(payload, str) else bytes(payload)
                if got.message_finished:
                    yield opcode, data
                    opcode, data = None, b""
            try:
                received = self.socket.recv(1 << 20)
            except ConnectionError:
                return
            if not received:
                return
            self.protocol.receive_bytes(received)


def send(case, wire):
    """Writes the case's frames in a child, so that large echoes cannot block both sides."""
    stream = b"".join(wire.spell(entry) for entry in case.frames)
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        step = case.chop or len(stream)
        for start in range(0, len(stream), step):
            wire.socket.sendall(stream[start:start + step])
            if 0 < case.chop < 64 and len(stream) < 500:
                time.sleep(0.0005)
    finally:
        os._exit(0)


def play(case, wire):
    """Returns what went wrong, or None."""
    child = send(case, wire)
    frames = wire.frames()
    got = []
    try:
        if case.code is None:
            # Nothing wrong was sent: everything is answered, then our close is.
            while len(got) < len(case.replies):
                got.append(next(frames, (CLOSE, "nothing")))
                if got[-1][0] == CLOSE:
                    return f"{len(got) - 1} frames came back, then a close with {got[-1][1]}"
            os.waitpid(child, 0)
            child = None
            wire.socket.sendall(frame(wire.is_client, CLOSE, struct.pack("!H", 1000)))
        got += frames
    except ParseFailed as error:
        return f"wrong frames came back: {error}"
    finally:
        if child:
            os.waitpid(child, 0)
    code = got.pop()[1] if got and got[-1][0] == CLOSE else None
    if code != (case.code or 1000):
        return f"closed with {code} instead of {case.code or 1000}"
    # What came before a fault or a close may be answered, but its answer may also be too late.
    if got == case.replies or (case.code is not None and got == case.replies[:len(got)]):
        return None
    return "the frames that came back are not the expected ones"


def run(role, target, patterns):
    """Plays the cases that match; returns all their names, and what went wrong by name."""
    cases = [case for case in all_cases()
             if any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)]
    failures = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        uri = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        for number, case in enumerate(cases, 1):
            client = None
            try:
                if role == "client":
                    client = subprocess.Popen([target, "run", uri, str(number)])
                    wire = Wire(listener.accept()[0], False, case.deflate)
                    wire.accept()
                else:
                    connection = socket.create_connection(("127.0.0.1", int(target)))
                    wire = Wire(connection, True, case.deflate)
                    wire.connect(target)
                with wire.socket:
                    problem = play(case, wire)
                if client and client.wait(SECONDS) != 0:
                    problem = f"our client ended with {client.returncode}"
            except (OSError, KeyError, subprocess.TimeoutExpired) as error:
                problem = f"{type(error).__name__}: {error}"
                if client:
                    client.kill()
            if problem:
                failures[case.name] = problem
    return {"cases": [case.name for case in cases], "failures": failures}


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("client", "server"):
        sys.exit(__doc__)
    print(json.dumps(run(sys.argv[1], sys.argv[2], sys.argv[3:])))
