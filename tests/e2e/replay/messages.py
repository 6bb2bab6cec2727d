"""Server messages as values that can be compared: fields that vary between runs match anything, rows compare as a bag.

A message decodes to nested tuples and lists of fields. Any matches everything; Prose is an error text for people, Rows a row list, Unordered a list
whose order means nothing.
"""
import hashlib
import struct


class Any:
    def __repr__(self):
        return "*"


ANY = Any()


class Prose(str):
    pass


class Rows:
    def __init__(self, hint, rows):
        self.hint, self.rows = hint, rows  # rows: (bytes, set of positions that vary)

    def __repr__(self):
        return f"{self.hint}[{', '.join(r.hex() for r, _ in self.rows[:20])}{'…' if len(self.rows) > 20 else ''}]"


class Unordered(list):
    pass


class Malformed(Exception):
    pass


class Mismatch(Exception):
    """The server did something else than what was recorded."""


class Reader:
    def __init__(self, data, vary=()):
        self.data, self.at, self.rows = data, 0, []
        self.vary = {p for offset, length, *_ in vary for p in range(offset, offset + length)}

    def take(self, size):
        if self.at + size > len(self.data):
            raise Malformed(f"{size} bytes wanted at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def varies(self, start):
        return bool(self.vary) and any(p in self.vary for p in range(start, self.at))

    def field(self, size):
        start, value = self.at, self.take(size)
        return ANY if self.varies(start) else value

    def number(self, size):
        value = self.field(size)
        return value if value is ANY else int.from_bytes(value, "little")

    def length(self):
        return int.from_bytes(self.take(4), "little")

    def duration(self, size=8):
        self.take(size)
        return ANY

    def bytes(self):
        start = self.at
        value = self.take(self.length())
        return ANY if self.varies(start) else value

    def text(self):
        value = self.bytes()
        return value if value is ANY else value.decode("utf-8", "replace")

    def prose(self):
        value = self.text()
        return value if value is ANY else Prose(value)

    def option(self, read):
        return read() if self.choice("some", "none") == "some" else None

    def choice(self, *names):
        tag = self.take(1)[0]
        if tag >= len(names):
            raise Malformed(f"tag {tag} where {', '.join(names)} are possible")
        return names[tag]

    def list(self, read):
        return [read() for _ in range(self.length())]

    def row_list(self):
        if self.choice("fixed", "offsets") == "fixed":
            size = struct.unpack("<H", self.take(2))[0]
            total = self.length()
            if size == 0 or total % size:
                raise Malformed(f"{total} bytes of rows of {size}")
            bounds, hint = [(i, i + size) for i in range(0, total, size)], f"fixed({size})"
        else:
            offsets = struct.unpack(f"<{(n := self.length())}Q", self.take(8 * n))
            total = self.length()
            bounds, hint = list(zip(offsets, list(offsets[1:]) + [total])), "offsets"
        base, data = self.at, self.take(total)
        rows = [(data[a:b], frozenset(p - base - a for p in self.vary if base + a <= p < base + b)) for a, b in bounds]
        self.rows += [r for r, _ in rows]
        return Rows(hint, rows)


# ---- v2 and v3 ----

def query_rows(r):
    return r.list(lambda: (r.text(), r.row_list()))


def table_rows(r):
    kind = r.choice("persistent", "event")
    return (kind, r.row_list(), r.row_list()) if kind == "persistent" else (kind, r.row_list())


def query_sets(r):
    return r.list(lambda: (r.number(4), r.list(lambda: (r.text(), r.list(lambda: table_rows(r))))))


def reducer_outcome(r):
    kind = r.choice("Ok", "OkEmpty", "Err", "InternalError")
    if kind == "Ok":
        return (kind, r.bytes(), query_sets(r))
    return (kind, *([] if kind == "OkEmpty" else [r.bytes() if kind == "Err" else r.text()]))


def message_v2(r):
    kind = r.choice("InitialConnection", "SubscribeApplied", "UnsubscribeApplied", "SubscriptionError", "TransactionUpdate", "OneOffQueryResult", "ReducerResult",
                    "ProcedureResult", "SubscribeBatchApplied")
    fields = {
        "InitialConnection": lambda: (r.field(32), r.field(16), r.text()),
        "SubscribeApplied": lambda: (r.number(4), r.number(4), query_rows(r)),
        "UnsubscribeApplied": lambda: (r.number(4), r.number(4), r.option(lambda: query_rows(r))),
        "SubscriptionError": lambda: (r.option(lambda: r.number(4)), r.number(4), r.prose()),
        "TransactionUpdate": lambda: (query_sets(r),),
        "OneOffQueryResult": lambda: (r.number(4), query_rows(r) if r.choice("ok", "err") == "ok" else r.prose()),
        "ReducerResult": lambda: (r.number(4), r.number(8), reducer_outcome(r)),
        "ProcedureResult": lambda: (r.bytes() if (k := r.choice("Returned", "InternalError")) == "Returned" else (k, r.prose()), r.number(8), r.duration(), r.number(4)),
        "SubscribeBatchApplied": lambda: (r.number(4), r.list(lambda: (r.number(4), query_rows(r) if r.choice("applied", "error") == "applied" else r.prose()))),
    }[kind]
    return (kind, *fields())


# ---- v1 ----

def query_update(r):
    if r.choice("plain", "brotli", "gzip") != "plain":
        raise Malformed("a compressed query update")
    return (r.row_list(), r.row_list())


def table_update(r):
    return (r.number(4), r.text(), r.number(8), r.list(lambda: query_update(r)))


def database_update(r):
    return Unordered(r.list(lambda: table_update(r)))


def update_status(r):
    kind = r.choice("Committed", "Failed", "OutOfEnergy")
    return (kind, *([database_update(r)] if kind == "Committed" else [r.text()] if kind == "Failed" else []))


def procedure_status_v1(r):
    kind = r.choice("Returned", "OutOfEnergy", "InternalError")
    return (kind, *([r.bytes()] if kind == "Returned" else [r.prose()] if kind == "InternalError" else []))


def message_v1(r):
    kind = r.choice("InitialSubscription", "TransactionUpdate", "TransactionUpdateLight", "IdentityToken", "OneOffQueryResponse", "SubscribeApplied", "UnsubscribeApplied",
                    "SubscriptionError", "SubscribeMultiApplied", "UnsubscribeMultiApplied", "ProcedureResult")
    single = lambda: (r.number(4), r.duration(), r.number(4), r.number(4), r.text(), table_update(r))
    multi = lambda: (r.number(4), r.duration(), r.number(4), database_update(r))
    number = lambda: r.number(4)
    fields = {
        "InitialSubscription": lambda: (database_update(r), r.number(4), r.duration()),
        "TransactionUpdate": lambda: (update_status(r), r.number(8), r.field(32), r.field(16), r.text(), r.number(4), r.bytes(), r.number(4), r.duration(16), r.duration()),
        "TransactionUpdateLight": lambda: (r.number(4), database_update(r)),
        "IdentityToken": lambda: (r.field(32), r.text(), r.field(16)),
        "OneOffQueryResponse": lambda: (r.bytes(), r.option(r.prose), r.list(lambda: (r.text(), r.row_list())), r.duration()),
        "SubscribeApplied": single,
        "UnsubscribeApplied": single,
        "SubscriptionError": lambda: (r.duration(), r.option(number), r.option(number), r.option(number), r.prose()),
        "SubscribeMultiApplied": multi,
        "UnsubscribeMultiApplied": multi,
        "ProcedureResult": lambda: (procedure_status_v1(r), r.number(8), r.duration(), r.number(4)),
    }[kind]
    return (kind, *fields())


def decode(protocol, payload, vary=()):
    """The messages of one plain frame (tag byte first) and the reader that read them."""
    r = Reader(payload, vary)
    r.take(1)
    messages = []
    while not messages or r.at < len(payload):
        messages.append((message_v1 if protocol.startswith("v1") else message_v2)(r))
    return messages, r


def bag_hash(rows):
    return hashlib.sha256(b"".join(sorted(rows))).hexdigest()


# ---- comparing ----

def row_matches(want, got):
    row, varies = want
    return len(row) == len(got) and all(a == b or i in varies for i, (a, b) in enumerate(zip(row, got)))


def rows_differ(want, got, path):
    if want.hint != got.hint:
        return f"{path}: rows are {got.hint}, recorded {want.hint}"
    left = [r for r, _ in got.rows]
    for row in want.rows:
        found = next((i for i, r in enumerate(left) if row_matches(row, r)), None)
        if found is None:
            return f"{path}: the row {row[0].hex()} is missing; there are {', '.join(r.hex() for r in left) or 'none'}"
        del left[found]
    return f"{path}: the rows {', '.join(r.hex() for r in left)} are too many" if left else None


def differ(want, got, path="message"):
    """What differs, or None. `want` was recorded."""
    if want is ANY or got is ANY or (isinstance(want, Prose) and isinstance(got, Prose) and bool(want) == bool(got)):
        return None
    if isinstance(want, Rows) and isinstance(got, Rows):
        return rows_differ(want, got, path)
    if isinstance(want, (tuple, list)) and isinstance(got, (tuple, list)):
        if isinstance(want, Unordered):
            want, got = sorted(want, key=lambda t: t[1]), sorted(got, key=lambda t: t[1])
        if len(want) != len(got):
            return f"{path}: {got!r} instead of {want!r}"
        return next((d for i, (a, b) in enumerate(zip(want, got)) if (d := differ(a, b, f"{path}.{i}"))), None)
    return None if want == got else f"{path}: {got!r} instead of {want!r}"
