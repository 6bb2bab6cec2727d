"""Raw HTTP requests and raw WebSocket connections, so that a replayed byte is sent as it was recorded."""
import base64
import collections
import gzip
import os
import select
import socket
import struct
import time

HOST = "127.0.0.1"
OPCODES = {"continuation": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
NAMES = {v: k for k, v in OPCODES.items()}


def parse_head(data):
    """(status line, [(name, value)], rest) of a response whose head is complete."""
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin1").split("\r\n")
    return lines[0], [tuple(x.split(": ", 1)) if ": " in x else (x.rstrip(":"), "") for x in lines[1:]], rest


def unchunk(body):
    out, at = b"", 0
    while at < len(body):
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        out += body[end + 2 : end + 2 + size]
        at = end + size + 4
        if size == 0:
            break
    return out


def http(port, method, path, headers=(), body=b"", raw=None, timeout=60):
    """One request on a connection of its own: (status line, [(name, value)], body)."""
    sock = socket.create_connection((HOST, port), timeout=timeout)
    fields = [("Host", "localhost")] + list(headers)
    if body or method in ("POST", "PUT"):
        fields.append(("Content-Length", str(len(body))))
    fields.append(("Connection", "close"))
    head = raw or (f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields) + "\r\n").encode("latin1")
    try:
        sock.sendall(head + body)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the answer came before the body was read
    data = b""
    while True:
        try:
            part = sock.recv(1 << 16)
        except (ConnectionResetError, socket.timeout):
            break
        if not part:
            break
        data += part
    sock.close()
    status, response_headers, rest = parse_head(data)
    if any(k.lower() == "transfer-encoding" for k, _ in response_headers):
        rest = unchunk(rest)
    return status, response_headers, rest


def frame(opcode, payload, fin=True, mask=True, rsv=0):
    head = bytearray([(0x80 if fin else 0) | (rsv << 4) | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head.append(bit | len(payload))
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
    if not mask:
        return bytes(head) + payload
    key = os.urandom(4)
    whole = int.from_bytes((key * (len(payload) // 4 + 1))[: len(payload)], "little") ^ int.from_bytes(payload, "little")
    return bytes(head) + key + whole.to_bytes(len(payload), "little")


class WebSocket:
    """A client connection. `events` is what came, in order: (kind, payload), kind being binary, text, close, ping, pong or end."""

    def __init__(self, port, path, protocols, headers):
        self.sock = socket.create_connection((HOST, port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = [("Host", "localhost"), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                  ("Sec-WebSocket-Key", base64.b64encode(b"0123456789abcdef").decode()), ("Sec-WebSocket-Protocol", protocols)]
        self.sock.sendall((f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields + list(headers)) + "\r\n").encode())
        self.buffer = bytearray()
        while b"\r\n\r\n" not in self.buffer and self.receive(30):
            pass
        self.status, self.headers, rest = parse_head(bytes(self.buffer))
        self.is_open = " 101 " in self.status
        self.buffer = bytearray(rest)
        self.events = collections.deque()
        self.message, self.message_kind = bytearray(), None
        self.ended = False
        if self.is_open:
            self.parse()

    def receive(self, timeout):
        """More bytes, if any come in time. False when not, or at the end."""
        if not select.select([self.sock], [], [], max(0, timeout))[0]:
            return False
        try:
            part = self.sock.recv(1 << 18)
        except (ConnectionResetError, OSError):
            part = b""
        self.buffer += part
        return len(part) > 0 or self.end()

    def end(self):
        if hasattr(self, "events") and not self.ended:
            self.events.append(("end", b""))
        self.ended = True
        return False

    def parse(self):
        while len(self.buffer) >= 2:
            size, at = self.buffer[1] & 0x7F, 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if len(self.buffer) < 2 + width:
                    return
                size, at = int.from_bytes(self.buffer[2 : 2 + width], "big"), 2 + width
            if len(self.buffer) < at + size:
                return
            first, payload = self.buffer[0], bytes(self.buffer[at : at + size])
            del self.buffer[: at + size]
            self.take_frame(first, payload)

    def take_frame(self, first, payload):
        opcode = first & 15
        if opcode == OPCODES["ping"]:
            self.send(frame(OPCODES["pong"], payload))
        if opcode >= 8:
            self.events.append((NAMES[opcode], payload))
            return
        if opcode:
            self.message, self.message_kind = bytearray(), NAMES[opcode]
        self.message += payload
        if first & 0x80:
            self.events.append((self.message_kind, bytes(self.message)))

    def next(self, timeout):
        """The next event that is no ping; None when there is none in time."""
        deadline = time.monotonic() + timeout
        while True:
            while self.events and self.events[0][0] == "ping":
                self.events.popleft()
            if self.events:
                return self.events.popleft()
            if self.ended:
                return ("end", b"")
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.receive(left)
            self.parse()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass  # the server has ended the connection, which the events will say

    def close(self):
        self.sock.close()
        self.events.clear()
        self.ended = True


def plain(payload):
    """A binary message without compression, its tag byte included."""
    if payload[:1] == b"\2":
        return b"\0" + gzip.decompress(payload[1:])
    return payload
