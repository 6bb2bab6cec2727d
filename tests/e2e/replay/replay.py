#!/usr/bin/env python3
"""Replays the recordings of tests/vectors/ws and tests/vectors/http against a running server and says what differs.

    replay.py --port PORT --wasm DIR [--vectors DIR] [-v] [scenario ...]
    replay.py --server BINARY --wasm DIR ...        starts the server itself, on a free port with a fresh data directory

A scenario is a name such as `v2_updates` or `http/identity`, with `*` as in a shell; all of status.tsv without one.

status.tsv has a row per scenario file, and further rows for lines of a file that do not count:

    file <tab> status <tab> lines <tab> why

`must pass`, `not yet <capability>`, `differs`. Lines are numbers and ranges of the recording's `n`: they are neither sent nor expected; `~n` is expected
(a message, an answer) but not compared; `*` is the whole file. What is not named counts and must pass.
"""
import argparse
import collections
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import http_compare
import messages
import peer
from messages import Mismatch

PATIENCE = 5  # seconds for an answer
NOTICED = 0.3  # seconds in which the server hears of a connection that is gone
SHORT = 0.25  # seconds of silence that count as quiet


# ---- status.tsv ----

class Status:
    """What is expected of one file."""

    def __init__(self):
        self.verdict, self.skip, self.loose = "must pass", set(), set()

    def add(self, verdict, lines):
        if lines == "*":
            self.verdict = verdict
            return
        for part in lines.split(","):
            target = self.loose if part.startswith("~") else self.skip
            first, _, last = part.lstrip("~").partition("-")
            target.update(range(int(first), int(last or first) + 1))


def read_status(path):
    table = collections.OrderedDict()
    with open(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            cells = line.rstrip("\n").split("\t")
            if len(cells) != 4 or not re.match(r"must pass$|not yet [a-z]|differs$", cells[1]):
                sys.exit(f"{path}:{number}: wanted: file, status, lines, why, with tabs between")
            table.setdefault(cells[0], Status()).add(cells[1], cells[2])
    return table


# ---- the server and its databases ----

# Uploads that are no programs, by the words of the recording.
UPLOADS = {"the 8 bytes of an empty wasm module": b"\0asm\1\0\0\0", "'hello'": b"hello", "'[', 2097150 spaces, ']'": b"[" + b" " * 2097150 + b"]",
           "the same and one space": b"[" + b" " * 2097150 + b"] ", "3145728 spaces": b" " * 3145728}


class Target:
    """A server with the modules published at the identities of the recordings."""

    def __init__(self, port, vectors, wasm):
        self.port, self.vectors = port, vectors
        with open(os.path.join(vectors, "keys", "tokens.json")) as file:
            keys = json.load(file)
        self.tokens = {name: person["token"] for name, person in keys["people"].items()}
        self.databases = {name: identity for name, identity in keys["databases"].items() if os.path.exists(os.path.join(wasm, name + ".wasm"))}
        self.programs = {}
        for name in os.listdir(wasm):
            if name.endswith(".wasm"):
                with open(os.path.join(wasm, name), "rb") as file:
                    self.programs[name[:-5]] = file.read()

        self.forget()

    def upload(self, request):
        """The bytes that a recorded request sent: `body`, `body_hex`, or what `body_is` says in words."""
        if "body_hex" in request:
            return bytes.fromhex(request["body_hex"])
        words = request.get("body_is")
        if words is None:
            return (request.get("body") or "").encode()
        if words in UPLOADS:
            return UPLOADS[words]
        name = re.sub(r", feature (\w+)$", lambda found: "" if found[1] == "none" else "-" + found[1], words.replace("modules/", ""))
        if name not in self.programs:
            raise Mismatch(f"no program for {words!r}")
        return self.programs[name]

    def forget(self):
        """At the start of a scenario: what this server calls the things of the recording. Migration tokens depend on the build, identities are random,
        and some paths are written in words."""
        self.ours = {}  # recorded text: this server's

    def learn(self, want, got):
        """The recorded and the present answer of a publish, a plan, or a request for an identity, as JSON values."""
        if not isinstance(want, dict) or not isinstance(got, dict):
            return
        for kind, key in (("AutoMigrate", "token"), ("Success", "database_identity")):
            if kind in want and kind in got:
                self.ours[want[kind][key]] = got[kind][key]
        if "Success" in got:
            self.ours["<that identity>"] = got["Success"]["database_identity"]
        if got.keys() == {"identity", "token"}:
            self.ours["<new identity>"], self.ours["<its token>"] = got["identity"], got["token"]

    def translate(self, text):
        for recorded, ours in self.ours.items():
            text = text.replace(recorded, ours)
        return text

    def path(self, request):
        """The path of a recorded request. A migration token is that of an earlier plan, otherwise of one asked for now, as the recording scripts did."""
        path = request["path"]
        found = re.search(r"\btoken=(0x[0-9a-f]{64})\b", path)
        if found and found[1] not in self.ours:
            plan = self.http("POST", path.partition("?")[0] + "/pre_publish", body=self.upload(request))[2]
            self.learn({"AutoMigrate": {"token": found[1]}}, json.loads(plan))
        return self.translate(path)

    def authorization(self, who):
        return [("Authorization", "Bearer " + self.tokens[who])] if who in self.tokens else []

    def http(self, method, path, who="owner", body=b"", headers=()):
        return peer.http(self.port, method, path, self.authorization(who) + list(headers), body)

    def reset(self, module):
        """The module with no data, at its fixed identity, under its name and no other."""
        identity = self.databases[module]
        status, _, body = self.http("PUT", f"/v1/database/{identity}?clear=true", body=self.programs[module])
        if " 200 " not in status:
            raise Mismatch(f"publishing {module}: {status} {body.decode('utf-8', 'replace')}")
        _, _, names = self.http("GET", f"/v1/database/{identity}/names")
        if json.loads(names)["names"] != [module]:
            for names in ([], [module]):
                self.http("PUT", f"/v1/database/{identity}/names", body=json.dumps(names).encode(), headers=[("Content-Type", "application/json")])


# ---- WebSocket scenarios ----

class Connection:
    """A replayed connection: its socket, and the messages that came but were not asked for yet."""

    def __init__(self, socket, protocol):
        self.socket, self.protocol = socket, protocol
        self.queue = collections.deque()
        self.answered_close = False

    def next(self, timeout):
        """(kind, payload, message): for binary frames one decoded message at a time."""
        if self.queue:
            return self.queue.popleft()
        event = self.socket.next(timeout)
        if event is None:
            return None
        kind, payload = event
        if kind != "binary":
            return (kind, payload, None)
        payload = peer.plain(payload)
        try:
            decoded, reader = messages.decode(self.protocol, payload)
        except messages.Malformed as problem:
            return (kind, payload, f"not decodable: {problem}")
        if not self.protocol.startswith("v3") and len(decoded) != 1:
            return (kind, payload, f"{len(decoded)} messages in one frame")
        self.queue.extend((kind, payload, m) for m in decoded)
        return self.queue.popleft()


def uncompressed(path):
    """Without brotli, which Python does not read, compression is asked for as gzip; where the recording asked for nothing, as none."""
    if "compression=" not in path:
        return path + ("&" if "?" in path else "?") + "compression=None"
    return path.replace("compression=Brotli", "compression=Gzip")


def causes_first(lines):
    """A request over HTTP is recorded when its answer was there, which may be after messages that it caused. Such a line goes before them: after a
    time of quiet nothing comes by itself."""
    lines = list(lines)
    for i, line in enumerate(lines):
        cause = i
        while cause + 1 < len(lines) and lines[cause + 1].get("dir") == "s>c":
            cause += 1
        if line.get("ev") == "quiet" and cause > i and lines[cause + 1].get("ev") == "http":
            lines.insert(i + 1, lines.pop(cause + 1))
    return lines


def only_deletes(message):
    """The update that says of a table whose shape changed that its rows are gone. Whether the reference sends it before it closes the connections
    (client-protocol 10) is chance, as its recordings show; here it always comes (a test in tests/engine/publish_test.c)."""
    if not isinstance(message, tuple) or message[0] != "TransactionUpdate":
        return False
    changes = [change for _, tables in message[1] for _, rows in tables for change in rows]
    return all(len(change) == 3 and not change[1].rows and change[2].rows for change in changes)


class WebSocketScenario:
    def __init__(self, target, header, lines, status):
        self.target, self.header, self.lines, self.status = target, header, causes_first(lines), status
        self.connections = {}
        self.problems = []
        target.forget()

    def run(self):
        if "module" in self.header:
            self.target.reset(self.header["module"])
        for line in self.lines:
            number = line["n"]
            if number in self.status.skip:
                continue
            try:
                self.line(line, number in self.status.loose)
            except Mismatch as problem:
                self.problems.append((number, str(problem)))
            except OSError as problem:
                self.problems.append((number, f"{type(problem).__name__}: {problem}"))
        for connection in self.connections.values():
            connection.socket.close()
        return self.problems

    def line(self, line, is_loose):
        if line.get("ev") == "open":
            self.open(line)
        elif line.get("ev") == "opened":
            self.opened(line, is_loose)
        elif line.get("ev") == "http":
            self.http(line, is_loose)
        elif line.get("ev") == "quiet":
            self.quiet(line)
        elif line.get("says") == "HTTP on the socket":
            self.connections[line["conn"]].socket.send(b"GET / HTTP/1.1\r\n\r\n")
        elif line.get("ev") == "drop":
            self.connections[line["conn"]].socket.close()
            time.sleep(NOTICED)
        elif line.get("ev") == "request":
            self.upgrade(line)
        elif line.get("ev") == "response":
            self.upgraded(line, is_loose)
        elif line.get("dir") == "c>s":
            self.send(line)
        elif line.get("dir") == "s>c" and line.get("kind") != "ping":
            self.expect(line, is_loose)

    def open(self, line):
        headers = self.target.authorization(line.get("as"))
        socket = peer.WebSocket(self.target.port, uncompressed(line["path"]), line["protocol"], headers)
        self.connections[line["conn"]] = Connection(socket, line["protocol"])

    def opened(self, line, is_loose):
        socket = self.connections[line["conn"]].socket
        if is_loose:
            return
        http_compare.check_status(line["status"], socket.status)
        http_compare.check_headers(line["headers"], socket.headers, [name for name, _ in line["vary"]], upgraded=socket.is_open)

    def upgrade(self, line):
        request = line["req"]
        raw = (f"{request['method']} {request['path']} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in request["headers"]) + "\r\n").encode()
        import socket as sockets
        sock = sockets.create_connection((peer.HOST, self.target.port), timeout=PATIENCE)
        sock.sendall(raw)
        data = b""
        while b"\r\n\r\n" not in data and (part := sock.recv(65536)):
            data += part
        status, headers, body = peer.parse_head(data)
        size = int({k.lower(): v for k, v in headers}.get("content-length", "0"))
        while len(body) < size and (part := sock.recv(65536)):
            body += part
        sock.close()
        self.answer = (status, headers, body[:size])

    def upgraded(self, line, is_loose):
        status, headers, _ = self.answer
        if is_loose:
            return
        http_compare.check_status(line["res"]["status"], status)
        http_compare.check_headers(line["res"]["headers"], headers, [name for name, _ in line["vary"]], upgraded=" 101 " in status)

    def http(self, line, is_loose):
        request = line["req"]
        status, _, answer = self.target.http(request["method"], self.target.path(request), request.get("as"), self.target.upload(request),
                                             [tuple(h) for h in request.get("headers", [])])
        if is_loose:
            return
        if status.split()[1] != str(line["res"]["status"]):
            raise Mismatch(f"{request['method']} {request['path']}: {status} {answer[:300]!r}, recorded {line['res']['status']}")
        if line["res"].get("body", "").startswith(("{", "[")):
            got, vary = json.loads(answer), [v if isinstance(v, str) else v[0] for v in line.get("vary", [])]
            self.target.learn(json.loads(line["res"]["body"]), got)
            http_compare.check_json(json.loads(self.target.translate(line["res"]["body"])), got, vary)

    def send(self, line):
        connection = self.connections[line["conn"]]
        if "close" in line:
            code = line["close"]
            connection.answered_close = True
            connection.socket.send(peer.frame(8, code.to_bytes(2, "big") + (line.get("reason") or "").encode() if code else b""))
        elif line["kind"] == "text":
            connection.socket.send(peer.frame(1, line["text"].encode()))
        elif line["kind"] == "binary" and "hex" in line:
            connection.socket.send(peer.frame(2, bytes.fromhex(line["hex"])))
        elif line["kind"] == "frame" and "hex" in line:
            options = {k: line[k] for k in ("fin", "rsv", "mask") if k in line}
            connection.socket.send(peer.frame(line["opcode"], bytes.fromhex(line["hex"]), **options))
        else:
            raise Mismatch(f"cannot be replayed: {line.get('says')}")

    def quiet(self, line):
        event = self.connections[line["conn"]].next(min(SHORT, line["ms"] / 1000))
        if event is not None and event[0] != "end":
            raise Mismatch(f"quiet was expected, there came {event[0]} {event[2]!r}")

    def expect(self, line, is_loose):
        connection = self.connections[line["conn"]]
        wanted = self.wanted(line, connection.protocol)
        for want in wanted:
            event = connection.next(PATIENCE)
            while event and event[0] in ("binary", "text") and (self.may_overtake(line, connection) or line.get("close") == 1001 and only_deletes(event[2])):
                event = connection.next(PATIENCE)
            if event is None:
                raise Mismatch(f"nothing came; recorded: {line.get('says') or line}")
            if not is_loose:
                self.compare(line, want, event)

    @staticmethod
    def may_overtake(line, connection):
        """Whether messages that were on their way may come before this line, or not: when the client closed, or when it sent garbage behind good requests."""
        return ("close" in line or "end" in line) and (connection.answered_close or line.get("close") == 1011)

    def wanted(self, line, protocol):
        """The messages of a recorded frame, or one item for everything else."""
        text = line.get("hex") or line.get("plain_hex") or line.get("plain_head") or line.get("head")
        if line.get("kind") != "binary" or line.get("plain_sha256") or line.get("sha256"):
            return [None]
        if line.get("packed"):
            text = line["plain_hex"]
        return messages.decode(protocol, bytes.fromhex(text), line.get("vary", []))[0]

    def compare(self, line, want, event):
        kind, payload, message = event
        if "end" in line:
            if kind != "end":
                raise Mismatch(f"the end of the connection was expected, there came {kind} {message or payload!r}")
        elif "close" in line:
            self.compare_close(line, kind, payload, message)
        elif kind != line["kind"]:
            raise Mismatch(f"there came {kind} {message or payload[:200]!r}; recorded: {line.get('says')}")
        elif kind == "text":
            http_compare.check_message_text(line, payload)
        elif kind == "pong":
            if payload != bytes.fromhex(line.get("hex", "")):
                raise Mismatch(f"pong with {payload.hex()}")
        elif want is None:
            self.compare_large(line, payload)
        else:
            difference = message if isinstance(message, str) else messages.differ(want, message)
            if difference:
                raise Mismatch(f"{difference}\n        recorded {want!r}\n        received {message!r}")

    @staticmethod
    def compare_close(line, kind, payload, message):
        if kind != "close":
            raise Mismatch(f"Close {line['close']} was expected, there came {kind} {message or payload!r}")
        code = int.from_bytes(payload[:2], "big") if payload else None
        if code != line["close"]:
            raise Mismatch(f"Close {code} {payload[2:]!r}, recorded {line['close']} {line['reason']!r}")
        if bool(payload[2:]) != bool(line["reason"]):
            raise Mismatch(f"Close {code} with the reason {payload[2:]!r}, recorded {line['reason']!r}")

    def compare_large(self, line, payload):
        rows = line.get("rows_sorted_sha256")
        size = line.get("plain_len") or line["len"]
        if len(payload) != size:
            raise Mismatch(f"{len(payload)} bytes, recorded {size}")
        _, reader = messages.decode(self.connections[line["conn"]].protocol, payload)
        if rows and messages.bag_hash(reader.rows) != rows:
            raise Mismatch("the rows are others than those recorded")


# ---- running ----

def load(path):
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    return lines[0], lines[1:]


def run_scenario(target, vectors, name, status):
    header, lines = load(os.path.join(vectors, name + ".jsonl"))
    if name.startswith("http/"):
        for module in target.databases:
            target.reset(module)
        return http_compare.run(target, vectors, header["scenario"], lines, status)
    return WebSocketScenario(target, header, lines, status).run()


def start_server(binary, vectors, directory, *more):
    keys = os.path.join(directory, "keys")
    os.makedirs(keys)
    for name in ("id_ecdsa", "id_ecdsa.pub"):
        shutil.copy(os.path.join(vectors, "keys", name), keys)
    log = open(os.path.join(directory, "server.log"), "w")
    process = subprocess.Popen([binary, "start", "--listen-addr", "127.0.0.1:0", "--data-dir", os.path.join(directory, "data"), "--jwt-key-dir", keys, *more],
                               stdout=subprocess.PIPE, stderr=log, text=True)
    for text in process.stdout:
        found = re.search(r"127\.0\.0\.1:(\d+)", text)
        if found:
            return process, int(found[1])
    sys.exit(f"{binary} did not say where it listens; see its output:\n" + open(log.name).read())


SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: |broken invariant: ")


def stop_server(process, directory):
    """Asks the server to end. What was wrong with it: an exit code that is no success, a report of a sanitizer in its log, or nothing (None)."""
    was = process.poll()
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with open(os.path.join(directory, "server.log"), errors="replace") as file:
        log = file.read()
    report = SANITIZER_REPORT.search(log)
    if process.returncode == 0 and not report:
        return None
    when = "in the middle of it" if was is not None else "when it was asked to"
    return f"the server ended {when}, with {process.returncode}; its log:\n{log[report.start():][:8000] if report else log[-4000:]}"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int)
    parser.add_argument("--server")
    parser.add_argument("--wasm", required=True, help="directory with everything.wasm and so on")
    parser.add_argument("--vectors", default=os.path.join(here, "..", "..", "vectors"))
    parser.add_argument("-v", action="store_true", help="all differences, not the first three of a file")
    parser.add_argument("scenarios", nargs="*")
    options = parser.parse_args()
    table = read_status(os.path.join(options.vectors, "status.tsv"))
    recorded = sorted(f"{folder}/{file[:-6]}" for folder in ("ws", "http") for file in os.listdir(os.path.join(options.vectors, folder)) if file.endswith(".jsonl"))
    missing = [name for name in recorded if name not in table]
    if missing:
        sys.exit(f"status.tsv says nothing of {', '.join(missing)}")
    chosen = [n for n in recorded if not options.scenarios or any(fnmatch.fnmatch(n, p) or fnmatch.fnmatch(n.split("/")[1], p) for p in options.scenarios)]
    directory, process, port = tempfile.mkdtemp(prefix="lc-replay-"), None, options.port
    trouble = None
    try:
        if options.server:
            process, port = start_server(options.server, options.vectors, directory)
        result = replay(Target(port, options.vectors, options.wasm), options, table, chosen)
    finally:
        if process:
            trouble = stop_server(process, directory)
            print(trouble or "the server ended well")
        shutil.rmtree(directory)
    return 1 if trouble else result


def replay(target, options, table, chosen):
    failed = passed = waiting = 0
    for name in chosen:
        status = table[name]
        if status.verdict != "must pass" and not options.scenarios:
            waiting += 1
            continue
        started = time.monotonic()
        try:
            problems = run_scenario(target, options.vectors, name, status)
        except (Mismatch, OSError, IndexError) as problem: # the last: an answer that is not there
            problems = [(0, f"{type(problem).__name__} {problem}")]
        passed, failed = passed + (not problems), failed + bool(problems)
        print(f"{'FAIL' if problems else 'pass'}  {name}  {time.monotonic() - started:.2f} s", flush=True)
        for number, text in problems if options.v else problems[:3]:
            print(f"    line {number}: {text}")
    print(f"{passed} passed, {failed} failed, {waiting} not yet")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
