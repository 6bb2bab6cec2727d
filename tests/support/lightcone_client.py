"""A small client for tests, standard library only: HTTP calls and a v2/v3 WebSocket connection, written from the protocol's description."""
import base64, http.client, json, os, re, socket, struct, subprocess, time

TROUBLE = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: |broken invariant: ")


class Server:
    """A `lightcone start` on a free port of the loopback address, with a data and configuration directory of its own."""

    def __init__(self, directory, binary=None, extra=(), port=None):
        self.directory = directory
        self.binary = binary or os.environ.get("LIGHTCONE") or "bin/lightcone"
        self.extra = list(extra)
        self.port = port or free_port()
        self.process = None
        self.log = os.path.join(directory, "server.log")

    def start(self, timeout=30):
        environment = dict(os.environ, XDG_DATA_HOME=os.path.join(self.directory, "data"), XDG_CONFIG_HOME=os.path.join(self.directory, "config"))
        log = open(self.log, "ab")
        self.process = subprocess.Popen([self.binary, "start", "--listen-addr", f"127.0.0.1:{self.port}", *self.extra], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}; its log: {open(self.log, errors='replace').read()[-2000:]}")
            try:
                status, _, _ = self.request("GET", "/v1/ping")
                if status == 200:
                    return self
            except OSError:
                time.sleep(0.01)
        raise RuntimeError("the server did not answer in time")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.check_log()

    def check_log(self):
        """A report of a sanitizer or of a broken invariant is a failure, whatever the clients saw."""
        with open(self.log, errors="replace") as file:
            log = file.read()
        found = TROUBLE.search(log)
        if found:
            raise RuntimeError(f"the server's log: {log[found.start():][:8000]}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError("the server did not end when asked to")
            self.check_log()
        return self.process.returncode if self.process else None

    def request(self, method, path, body=None, token=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            all_headers = dict(headers)
            if token:
                all_headers["Authorization"] = "Bearer " + token
            connection.request(method, path, body, all_headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def identity(self):
        status, _, body = self.request("POST", "/v1/identity")
        assert status == 200, body
        answer = json.loads(body)
        return answer["identity"], answer["token"]

    def publish(self, name, wasm, token):
        with open(wasm, "rb") as file:
            status, _, body = self.request("PUT", f"/v1/database/{name}", file.read(), token, {"Content-Type": "application/wasm"})
        if status != 200:
            raise RuntimeError(f"publish: {status} {body.decode(errors='replace')}")

    def sql(self, name, text, token):
        status, _, body = self.request("POST", f"/v1/database/{name}/sql", text.encode(), token)
        if status != 200:
            raise RuntimeError(f"sql: {status} {body.decode(errors='replace')}")
        return json.loads(body)[0]["rows"]

    def call(self, name, reducer, arguments, token):
        return self.request("POST", f"/v1/database/{name}/call/{reducer}", json.dumps(arguments).encode(), token, {"Content-Type": "application/json"})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WebSocket:
    """One connection. Messages come out of receive() as (opcode, payload); pings are answered on the way."""

    def __init__(self, port, database, protocol="v3", token=None, query="compression=None", timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        lines = [f"GET /v1/database/{database}/subscribe?{query} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
                 f"Sec-WebSocket-Protocol: {protocol}.bsatn.spacetimedb"]
        if token:
            lines.append("Authorization: Bearer " + token)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        self.head = head.decode(errors="replace")
        if self.status != 101:
            raise ConnectionError(self.head)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive(self):
        payload, opcode = b"", None
        while True:
            first, second = self._take(2)
            size = second & 127
            if size == 126:
                (size,) = struct.unpack(">H", self._take(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self._take(8))
            data = self._take(size)
            kind = first & 15
            if kind == 9:
                self.send_frame(10, data)
                continue
            if kind == 10:
                continue
            opcode = kind if kind else opcode
            payload += data
            if first & 0x80:
                return opcode, payload

    def send_frame(self, opcode, payload, final=True, mask=True):
        size = len(payload)
        head = bytes([(0x80 if final else 0) | opcode])
        flag = 0x80 if mask else 0
        head += bytes([flag | size]) if size < 126 else bytes([flag | 126]) + struct.pack(">H", size) if size < 65536 else bytes([flag | 127]) + struct.pack(">Q", size)
        self.socket.sendall(head + (b"\0\0\0\0" if mask else b"") + payload)

    def send(self, payload):
        self.send_frame(2, payload)

    def close(self):
        self.socket.close()


def call_reducer(request_id, name, arguments):
    """A v2 CallReducer message."""
    name = name.encode()
    return struct.pack("<BIBI", 3, request_id, 0, len(name)) + name + struct.pack("<I", len(arguments)) + arguments


def reducer_results(payload):
    """The (request id, outcome tag) of each ReducerResult in a plain v2/v3 payload that holds only those, without row changes."""
    at = 1
    while at < len(payload):
        tag, request_id = struct.unpack_from("<BI", payload, at)
        if tag != 6:
            raise ValueError(f"message tag {tag} is not a ReducerResult")
        outcome = payload[at + 13]
        at += 14
        if outcome == 0:
            (ret,) = struct.unpack_from("<I", payload, at)
            (sets,) = struct.unpack_from("<I", payload, at + 4 + ret)
            if sets:
                raise ValueError("a ReducerResult with row changes")
            at += 8 + ret
        elif outcome in (2, 3):
            (size,) = struct.unpack_from("<I", payload, at)
            at += 4 + size
        yield request_id, outcome
