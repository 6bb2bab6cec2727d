#!/usr/bin/env python3
"""Hostile input against a running server: after each attack an honest client must still be served, the process must be the same, its memory bounded (L11, L13, N14).

    hostile.py --server BINARY --wasm DIR [--seed N] [attack ...]
"""
import argparse
import json
import os
import random
import shutil
import socket
import struct
import sys
import tempfile
import time

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "replay"))
import messages
import peer
import replay

V2 = "v2.bsatn.spacetimedb"
PROTOCOLS = ["v1.json.spacetimedb", "v1.bsatn.spacetimedb", V2, "v3.bsatn.spacetimedb"]
MEMORY_MAX_KIB = 1 << 20


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("<I", len(value)) + value


def call(request, reducer, arguments=b""):
    return b"\3" + struct.pack("<I", request) + b"\0" + text(reducer) + text(arguments)


def subscribe(request, query_set, *queries):
    return b"\0" + struct.pack("<III", request, query_set, len(queries)) + b"".join(text(q) for q in queries)


class Attack:
    def __init__(self, target, seed):
        self.target, self.port, self.random = target, target.port, random.Random(seed)

    def open(self, protocol=V2, who="alice", query="compression=None"):
        return peer.WebSocket(self.port, f"/v1/database/everything/subscribe?{query}", protocol, self.target.authorization(who))

    def raw(self, data, patience=0.0):
        """Sends bytes on a connection of its own and drops it."""
        sock = socket.create_connection((peer.HOST, self.port), timeout=5)
        try:
            sock.sendall(data)
            if patience:
                sock.settimeout(patience)
                while sock.recv(65536):
                    pass
        except OSError:
            pass
        sock.close()

    # ---- the attacks ----

    def random_bytes(self):
        for _ in range(200):
            self.raw(self.random.randbytes(self.random.randrange(1, 3000)))

    def heads_that_never_end(self):
        held = []
        for i in range(150):
            sock = socket.create_connection((peer.HOST, self.port), timeout=5)
            sock.sendall(b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nX-" + b"a" * i)
            held.append(sock)
        self.raw(b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 200_000, 1)
        self.raw(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000, 1)
        return held

    def lengths_that_lie(self):
        for length in ("99999999999", "18446744073709551616", "-1", "1e9", "0x10"):
            self.raw(f"POST /v1/database/everything/sql HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nSELECT".encode(), 0.2)
        self.raw(b"POST /v1/database/everything/sql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nSELECT", 0.2)
        self.raw(b"POST /v1/database/everything/sql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0.2)

    def messages_cut_anywhere(self):
        good = [call(1, "add_person", text("Ann") + b"\x11" + text("Oslo")), subscribe(2, 1, "SELECT * FROM person", "SELECT * FROM pet")]
        for whole in good:
            for cut in range(len(whole)):
                ws = self.open(self.random.choice(PROTOCOLS[1:]))
                ws.send(peer.frame(2, whole[:cut]))
                ws.close()

    def frames_cut_anywhere(self):
        whole = peer.frame(2, call(1, "noop"))
        for cut in range(1, len(whole)):
            ws = self.open()
            ws.send(whole[:cut])
            ws.close()

    def random_messages(self):
        for _ in range(300):
            ws = self.open(self.random.choice(PROTOCOLS))
            seed = self.random.choice([call(1, "noop"), subscribe(1, 1, "SELECT * FROM person"), b"\2" + struct.pack("<I", 7) + text("SELECT * FROM person"), b'{"CallReducer":{"reducer":"noop"}}'])
            data = bytearray(seed)
            for _ in range(self.random.randrange(1, 6)):
                at = self.random.randrange(len(data))
                choice = self.random.randrange(3)
                if choice == 0:
                    data[at] = self.random.randrange(256)
                elif choice == 1:
                    data[at:at] = self.random.randbytes(self.random.randrange(1, 9))
                elif len(data) > 1:
                    del data[at]
            ws.send(peer.frame(self.random.choice([1, 2]), bytes(data)))
            ws.close()

    def random_frames(self):
        for _ in range(150):
            ws = self.open(self.random.choice(PROTOCOLS))
            for _ in range(4):
                ws.send(peer.frame(self.random.randrange(16), self.random.randbytes(self.random.randrange(300)), fin=self.random.random() < 0.6,
                                   mask=self.random.random() < 0.9, rsv=self.random.choice([0, 0, 0, 4])))
            ws.close()

    def frames_too_long(self):
        for length in (32 * 2**20 + 1, 2**40, 2**63, 2**64 - 1):
            ws = self.open()
            ws.send(b"\x82\xff" + struct.pack(">Q", length) + b"\0\0\0\0" + b"x" * 1000)
            event = ws.next(5)
            while event and event[0] not in ("end", "close"):
                event = ws.next(5)
            assert event is not None, f"a frame of {length} bytes was not refused"
            ws.close()

    def bad_arguments(self):
        ws = self.open()
        ws.next(5)
        status, _, body = self.target.http("GET", "/v1/database/everything/schema?version=9")
        assert " 200 " in status
        names = [r["name"] for r in json.loads(body)["reducers"]]
        sent = 0
        for name in names:
            for _ in range(12):
                ws.send(peer.frame(2, call(sent, name, self.random.randbytes(self.random.choice([0, 1, 3, 8, 40, 200])))))
                sent += 1
        answered = 0
        while answered < sent:
            event = ws.next(10)
            assert event and event[0] == "binary", f"{answered} of {sent} calls answered, then {event}"
            kind = messages.decode(V2, event[1])[0][0][0]
            answered += kind == "ReducerResult"
        ws.close()

    def readers_that_do_not_read(self):
        slow = []
        for i in range(4):
            ws = self.open(who="bob", query="compression=None&confirmed=false")
            ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            ws.send(peer.frame(2, subscribe(1, 1, "SELECT * FROM note")))
            slow.append(ws)
        time.sleep(0.2)
        ws = self.open()
        ws.next(5)
        body = "x" * 50_000
        for i in range(400):
            ws.send(peer.frame(2, call(i, "add_note", struct.pack("<I", 10_000 + i) + text(body))))
        answered = 0
        while answered < 400:
            event = ws.next(10)
            assert event and event[0] == "binary", f"{answered} of 400 calls answered, then {event}"
            answered += 1
        ws.close()
        return [s.sock for s in slow]

    def clients_that_vanish(self):
        for i in range(200):
            ws = self.open(self.random.choice(PROTOCOLS), query=f"compression=None&connection_id={i + 1:032x}")
            ws.send(peer.frame(2, subscribe(1, 1, "SELECT * FROM person")))
            for j in range(5):
                ws.send(peer.frame(2, call(j, "noop")))
            ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            ws.close()


ATTACKS = ["random_bytes", "heads_that_never_end", "lengths_that_lie", "messages_cut_anywhere", "frames_cut_anywhere", "random_messages", "random_frames", "frames_too_long",
           "bad_arguments", "readers_that_do_not_read", "clients_that_vanish"]


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("VmRSS")))


def check_served(target, witness, number):
    """The client that was there before, and a new one, get their answers."""
    witness.send(peer.frame(2, call(number, "noop")))
    event = witness.next(10)
    assert event and event[0] == "binary", f"the honest client got {event}"
    kind, request, _, outcome = messages.decode(V2, event[1])[0][0]
    assert (kind, request, outcome[0]) == ("ReducerResult", number, "Ok"), f"the honest client got {kind} {request} {outcome}"
    status, _, body = target.http("POST", "/v1/database/everything/call/noop", headers=[("Content-Type", "application/json")], body=b"[]")
    assert " 200 " in status, f"{status} {body!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--wasm", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("attacks", nargs="*", default=ATTACKS)
    options = parser.parse_args()
    vectors = os.path.join(here, "..", "..", "vectors")
    directory = tempfile.mkdtemp(prefix="lc-hostile-")
    process, port = replay.start_server(options.server, vectors, directory, "--call-budget", "0.1")
    failed = 0
    try:
        target = replay.Target(port, vectors, options.wasm)
        target.reset("everything")
        witness = Attack(target, 0).open(who="owner")
        witness.next(5)
        for number, name in enumerate(options.attacks):
            started = time.monotonic()
            try:
                held = getattr(Attack(target, options.seed), name)()
                check_served(target, witness, number)
                assert process.poll() is None, f"the server ended with {process.returncode}"
                memory = memory_kib(process.pid)
                assert memory < MEMORY_MAX_KIB, f"the server holds {memory} KiB"
                print(f"pass  {name}  {time.monotonic() - started:.2f} s, {memory // 1024} MiB", flush=True)
                for sock in held or []:
                    sock.close()
            except (AssertionError, OSError, messages.Malformed) as problem:
                failed += 1
                print(f"FAIL  {name}: {type(problem).__name__} {problem}", flush=True)
    finally:
        trouble = replay.stop_server(process, directory)
        if trouble:
            failed += 1
            print(trouble)
        elif failed:
            print(open(os.path.join(directory, "server.log")).read()[-4000:])
        shutil.rmtree(directory)
    print(f"{len(options.attacks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
