#!/usr/bin/env python3
"""What can go wrong around a server: bad modules, changes under load, damaged files, abrupt ends. After each case an honest client is served (or, where
the server must not start, it says why and ends), nothing acknowledged is lost, memory is bounded (L1, L3, L11, L13).

    faults.py [--seed N] [case ...]        the binary is $LIGHTCONE
"""
import argparse, json, os, random, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(os.path.dirname(here)))
sys.path.insert(0, os.path.join(root, "tests", "support"))
from lightcone_client import Server, WebSocket, call_reducer, free_port, reducer_results

MEMORY_MAX_KIB = 1 << 20
BAD_INITS = {"spins": "spin();", "grows": "grow();", "traps": "__builtin_trap();", "fails": 'return lc_error("not today");'}


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("<I", len(value)) + value


def subscribe(request, query_set, *queries):
    return b"\0" + struct.pack("<III", request, query_set, len(queries)) + b"".join(text(q) for q in queries)


def unsubscribe(request, query_set):
    return b"\1" + struct.pack("<IIB", request, query_set, 0)


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("VmRSS")))


def drain(connection):
    """Reads until the connection ends."""
    try:
        while True:
            if connection.receive()[0] == 8:
                return
    except OSError:
        pass


class Caller(threading.Thread):
    """Calls `record` without pause; `acknowledged` holds the numbers of the calls whose success was confirmed durable."""

    def __init__(self, port, database, token, number):
        super().__init__(daemon=True)
        self.port, self.database, self.token, self.number = port, database, token, number
        self.acknowledged, self.sent, self.stopping, self.error = [], 0, False, None

    def run(self):
        try:
            connection = WebSocket(self.port, self.database, "v3", self.token, "compression=None&confirmed=true")
            connection.receive()
            for _ in range(16):
                self.call(connection)
            while not (self.stopping and self.sent == len(self.acknowledged)):
                opcode, payload = connection.receive()
                if opcode != 2:
                    return
                for request, outcome in reducer_results(payload):
                    if outcome not in (0, 1):
                        self.error = f"call {request} had outcome {outcome}"
                        return
                    self.acknowledged.append(request)
                    if not self.stopping:
                        self.call(connection)
            connection.close()
        except OSError:
            pass

    def call(self, connection):
        connection.send(call_reducer(self.sent, "record", struct.pack("<II", self.number, self.sent)))
        self.sent += 1


class Cases:
    def __init__(self, work, seed):
        self.work, self.random = work, random.Random(seed)
        self.binary = os.environ["LIGHTCONE"]
        self.wasm = {}
        self.build("good", "")
        for name, body in BAD_INITS.items():
            self.build(name, "\nLC_ON_INIT(bad) {\n  %s\n  return lc_ok();\n}\n" % body)
        self.build("more", "\nLC_TABLE(extra, Extra, public, (key, u32, id))\n")
        self.start()

    def build(self, name, more):
        module = os.path.join(self.work, "module-" + name)
        shutil.copytree(os.path.join(here, "module"), module)
        with open(os.path.join(module, "faults.c"), "a") as file:
            file.write(more)
        made = subprocess.run([self.binary, "build", "--module-path", module], capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(made.stderr)
        with open(os.path.join(module, "target", "module.wasm"), "rb") as file:
            self.wasm[name] = file.read()

    def start(self):
        directory = tempfile.mkdtemp(dir=self.work)
        self.data = os.path.join(directory, "lc")
        self.server = Server(directory, extra=["--call-budget", "0.2", "--data-dir", self.data]).start()
        self.owner, self.token = self.server.identity()
        self.publish("faults", "good")

    def publish(self, database, wasm, query=""):
        wasm = self.wasm[wasm] if isinstance(wasm, str) else wasm
        status, _, body = self.server.request("PUT", f"/v1/database/{database}{query}", wasm, self.token, {"Content-Type": "application/wasm"})
        return status, body.decode(errors="replace")

    def open(self, database="faults", query="compression=None", protocol="v2"):
        connection = WebSocket(self.server.port, database, protocol, self.token, query)
        connection.receive()
        return connection

    def rows(self, client, database="faults"):
        return sorted(row[0] for row in self.server.sql(database, f"SELECT seq FROM entry WHERE client = {client}", self.token))

    def check_served(self):
        assert self.server.process.poll() is None, f"the server ended with {self.server.process.returncode}"
        status, _, body = self.server.call("faults", "record", [0, 0], self.token)
        assert status == 200, f"{status} {body!r}"
        memory = memory_kib(self.server.process.pid)
        assert memory < MEMORY_MAX_KIB, f"the server holds {memory} KiB"

    # ---- modules ----

    def programs_that_are_none(self):
        good = self.wasm["good"]
        programs = [b"", b"\0asm", b"\0asm\1\0\0\0", self.random.randbytes(5000), good[:100], good[: len(good) // 2], good[:-1], good[:8] + bytes(8 << 20)]
        for _ in range(40):
            broken = bytearray(good)
            for _ in range(self.random.randrange(1, 20)):
                broken[self.random.randrange(8, len(broken))] = self.random.randrange(256)
            programs.append(bytes(broken))
        refused = 0
        for number, program in enumerate(programs):
            status, body = self.publish(f"none-{number}", program)
            assert status in (200, 400, 422, 500, 530), f"{status} {body}"
            assert status == 200 or body, f"{status} without a reason"
            refused += status != 200
        assert refused >= 8

    def inits_that_misbehave(self):
        for name in BAD_INITS:
            status, body = self.publish("bad-init", name)
            assert status >= 400 and body, f"init {name}: {status} {body}"
            status, _, _ = self.server.request("GET", "/v1/database/bad-init")
            assert status == 404, f"after an init that {name} the database is there: {status}"
        status, body = self.publish("bad-init", "good")
        assert status == 200, f"{status} {body}"

    def reducers_that_misbehave(self):
        for name in ("run_for_ever", "take_all_memory", "recurse"):
            for _ in range(3):
                status, _, body = self.server.call("faults", name, [], self.token)
                assert status in (402, 530), f"{name}: {status} {body!r}"
        connection = self.open()
        for seq in range(400):
            connection.send(call_reducer(seq, "trap_after_writing", struct.pack("<I", seq)))
        answered = 0
        while answered < 400:
            for _, outcome in reducer_results(connection.receive()[1]):
                assert outcome in (2, 3), f"outcome {outcome}"
                answered += 1
        connection.close()
        assert self.rows(2000) == [], "a call that trapped has left rows"

    # ---- changes under load ----

    def deleted_while_clients_are_connected(self):
        assert self.publish("doomed", "good")[0] == 200
        callers = [Caller(self.server.port, "doomed", self.token, i) for i in range(4)]
        watchers = [self.open("doomed") for _ in range(10)]
        for watcher in watchers:
            watcher.send(subscribe(1, 1, "SELECT * FROM entry"))
        for caller in callers:
            caller.start()
        time.sleep(0.3)
        status, _, body = self.server.request("DELETE", "/v1/database/doomed", token=self.token)
        assert status == 200, f"{status} {body!r}"
        for caller in callers:
            caller.join(20)
            assert not caller.is_alive() and not caller.error, caller.error or "a client of a deleted database was left hanging"
        for watcher in watchers:
            drain(watcher)
        assert self.publish("doomed", "good")[0] == 200
        assert self.server.sql("doomed", "SELECT * FROM entry", self.token) == []

    def published_while_calls_are_under_way(self):
        assert self.publish("busy", "good")[0] == 200
        callers = [Caller(self.server.port, "busy", self.token, i) for i in range(4)]
        for caller in callers:
            caller.start()
        for name in ("more", "more", "traps", "grows", "more"):
            time.sleep(0.1)
            status, body = self.publish("busy", name)
            assert status == 200 or name != "more", f"{status} {body}"
        for caller in callers:
            caller.stopping = True
            caller.join(30)
            assert not caller.is_alive() and not caller.error, caller.error or "calls were left without an answer"
            missing = set(caller.acknowledged) - set(self.rows(caller.number, "busy"))
            assert caller.acknowledged and not missing, f"{len(missing)} of {len(caller.acknowledged)} acknowledged calls are lost"

    def resets_while_clients_are_connected(self):
        assert self.publish("again", "good")[0] == 200
        for _ in range(5):
            watchers = [self.open("again") for _ in range(5)]
            for watcher in watchers:
                watcher.send(subscribe(1, 1, "SELECT * FROM entry") )
                watcher.send(call_reducer(2, "record", struct.pack("<II", 1, 1)))
            status, body = self.publish("again", "good", "?clear=true")
            assert status == 200, f"{status} {body}"
            for watcher in watchers:
                drain(watcher)

    # ---- clients ----

    def subscriptions_that_come_and_go(self):
        connections = [self.open() for _ in range(5)]
        before = memory_kib(self.server.process.pid)
        for number in range(3000):
            for connection in connections:
                connection.send(subscribe(number, number, "SELECT * FROM entry", f"SELECT * FROM entry WHERE client = {number}") + b"" )
                connection.send(unsubscribe(number, number))
            if number % 50 == 49:
                for connection in connections:
                    for _ in range(100):
                        assert connection.receive()[0] == 2
        grown = memory_kib(self.server.process.pid) - before
        assert "build-asan" in self.binary or grown < 100 << 10, f"30,000 subscriptions that are gone hold {grown} KiB"
        for connection in connections:
            connection.close()

    def connections_by_the_thousand(self):
        for _ in range(4):
            held = []
            for number in range(500):
                sock = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
                if number % 3 == 1:
                    sock.sendall(b"GET /v1/database/faults/subscribe HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upg")
                elif number % 3 == 2:
                    sock.sendall(b"GET /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
                held.append(sock)
            self.check_served()
            for sock in held:
                sock.close()

    def a_reader_that_does_not_read(self):
        slow = []
        for _ in range(2):
            connection = WebSocket(self.server.port, "faults", "v3", self.token, "compression=None&confirmed=false")
            connection.send(subscribe(1, 1, "SELECT * FROM noise"))
            slow.append(connection)
        time.sleep(0.2)
        for _ in range(150):
            status, _, body = self.server.call("faults", "make_noise", [200, 10000], self.token)
            assert status == 200, f"{status} {body!r}"
        self.check_served()
        for connection in slow:
            connection.socket.settimeout(20)
            drain(connection)  # which ends only when the server has given the connection up

    # ---- the end of the server, and its files ----

    def asked_to_end_under_load(self):
        callers = [Caller(self.server.port, "faults", self.token, 100 + i) for i in range(4)]
        for caller in callers:
            caller.start()
        time.sleep(0.4)
        process = self.server.process
        process.terminate()
        for _ in range(100):  # impatience is no reason to crash
            if process.poll() is not None:
                break
            process.send_signal(self.random.choice([signal.SIGTERM, signal.SIGINT]))
            time.sleep(0.005)
        assert process.wait(30) == 0, f"the server ended with {process.returncode}"
        self.server.check_log()
        for caller in callers:
            caller.join(20)
        self.server.start()
        for caller in callers:
            missing = set(caller.acknowledged) - set(self.rows(caller.number))
            assert caller.acknowledged and not missing, f"{len(missing)} of {len(caller.acknowledged)} acknowledged calls are lost"

    def refused(self, expected, *arguments):
        """A server that must not start: it says why and ends."""
        ended = subprocess.run([self.binary, "start", "--non-interactive", *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                               env=dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.work, "config")))
        said = ended.stderr + ended.stdout
        assert ended.returncode not in (0, None) and ended.returncode > 0, f"it ended with {ended.returncode}: {said}"
        assert "Sanitizer" not in said and "broken invariant" not in said, said
        assert any(part in said for part in expected), f"it said {said!r}, not {expected}"

    def places_that_are_taken(self):
        self.refused(["another server"], "--data-dir", self.data, "--listen-addr", "127.0.0.1:0")
        empty = tempfile.mkdtemp(dir=self.work)
        self.refused(["in use"], "--data-dir", empty, "--listen-addr", f"127.0.0.1:{self.server.port}")
        file = os.path.join(self.work, "a-file")
        open(file, "w").close()
        self.refused(["ot a directory"], "--data-dir", file, "--listen-addr", "127.0.0.1:0")
        self.refused(["ermission", "ead-only", "No such file"], "--data-dir", "/proc/lightcone", "--listen-addr", "127.0.0.1:0")

    def log_files(self, directory):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(directory) for name in names if name.endswith(".log"))

    def damage(self, path, at):
        with open(path, "r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 0x41]))

    def a_damaged_database(self):
        assert self.publish("damaged", "good")[0] == 200
        identity = json.loads(self.server.request("GET", "/v1/database/damaged")[2])["database_identity"]
        identity = identity["__identity__"].removeprefix("0x") if isinstance(identity, dict) else identity
        for seq in range(200):
            assert self.server.call("damaged", "record", [1, seq], self.token)[0] == 200
        assert self.server.stop() == 0
        folders = [f for f, _, names in os.walk(os.path.join(self.data, "databases")) if identity in f and any(n.endswith(".log") for n in names)]
        self.damage(self.log_files(folders[0])[0], 9000)
        self.server.start()
        status, _, body = self.server.call("damaged", "record", [1, 1], self.token)
        assert status >= 500 and body, f"a damaged database answers {status} {body!r}"
        with open(self.server.log) as file:
            assert "is not available" in file.read(), "the log does not say that a database is damaged"
        self.check_served()
        status, _, body = self.server.request("DELETE", "/v1/database/damaged", token=self.token)
        assert status == 200, f"deleting a damaged database: {status} {body!r}"

    def damaged_compiled_code(self):
        assert self.server.stop() == 0
        cached = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(self.data, "cache")) for name in names]
        assert cached
        for number, path in enumerate(cached):
            size = os.path.getsize(path)
            if number % 3 == 0:
                os.truncate(path, size // 2)
            elif number % 3 == 1:
                os.truncate(path, 0)
            for _ in range(200):
                if os.path.getsize(path):
                    self.damage(path, self.random.randrange(os.path.getsize(path)))
        self.server.start()
        self.check_served()

    def a_damaged_control_database(self):
        assert self.server.stop() == 0
        control = self.log_files(os.path.join(self.data, "control"))[0]
        with open(control, "rb") as file:
            whole = file.read()
        for at in (3, 70, 200):
            self.damage(control, at)
            self.refused(["amage", "orrupt"], "--data-dir", self.data, "--listen-addr", "127.0.0.1:0")
            with open(control, "r+b") as file:
                file.write(whole)
        self.server.start()
        self.check_served()


CASES = ["programs_that_are_none", "inits_that_misbehave", "reducers_that_misbehave", "deleted_while_clients_are_connected",
         "published_while_calls_are_under_way", "resets_while_clients_are_connected", "subscriptions_that_come_and_go", "connections_by_the_thousand",
         "a_reader_that_does_not_read", "asked_to_end_under_load", "places_that_are_taken", "a_damaged_database", "damaged_compiled_code",
         "a_damaged_control_database"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("cases", nargs="*", default=CASES)
    options = parser.parse_args()
    os.environ.setdefault("LIGHTCONE_SDK", os.path.join(root, "sdk", "module-c"))
    work = tempfile.mkdtemp(prefix="lc-faults-")
    failed, cases = 0, None
    try:
        cases = Cases(work, options.seed)
        for name in options.cases:
            started = time.monotonic()
            try:
                getattr(cases, name)()
                cases.check_served()
                print(f"pass  {name}  {time.monotonic() - started:.2f} s, {memory_kib(cases.server.process.pid) // 1024} MiB", flush=True)
            except (AssertionError, OSError, RuntimeError, ValueError) as problem:
                failed += 1
                print(f"FAIL  {name}: {type(problem).__name__} {problem}", flush=True)
                with open(cases.server.log, errors="replace") as file:
                    print("    the server's log: " + file.read()[-3000:], flush=True)
                cases.server.process.kill()
                cases.server.process.wait()
                cases.start()
        code = cases.server.stop()
        if code != 0:
            failed += 1
            print(f"FAIL  the server ended with {code}")
    finally:
        if cases and cases.server.process.poll() is None:
            cases.server.process.kill()
            cases.server.process.wait()
        shutil.rmtree(work)
    print(f"{len(options.cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
