"""Comparing HTTP answers and JSON messages with recorded ones, and replaying tests/vectors/http."""
import json
import os

import peer
from messages import Mismatch

IGNORED = {"date", "content-length", "connection", "transfer-encoding"}
ALWAYS_VARIES = {"total_host_execution_duration", "total_host_execution_duration_micros", "energy_quanta_used", "total_duration_micros"}
# Lists of definitions that the reference keeps in hash maps: their order means nothing.
UNORDERED = {"Types", "Tables", "tables", "indexes", "constraints", "entries"}
# What the recording scripts did before a line (by its `says`) without recording it: calls of the owner, to `everything` or the database of DATABASES.
DATABASES = {"publish": "evolve-pub"}
PREPARATIONS = {
    ("publish", "plan of a unique constraint that the rows break"): [("put", '[1,"same"]'), ("put", '[2,"same"]')],
    ("sql", None): [("add_person", '["Ann",17,"Oslo"]'), ("add_person", '["Bea",18,"Rome"]'), ("add_person", '["Cy",40,"Oslo"]'), ("put_sample", "[0]"),
                    ("put_sample", "[1]"), ("put_sample", "[2]"), ("add_nil", "[]")],
    ("sql", "the connect reducer refuses"): [("set_gate", "[1]")],
}
VARYING_HEADERS = {"spacetime-energy-used", "spacetime-execution-duration-micros"}


def fail(text):
    raise Mismatch(text)


def check_status(want, got):
    if want.split()[1] != got.split()[1]:
        fail(f"{got}, recorded {want}")


def check_headers(want, got, vary, upgraded=False):
    ignored = IGNORED - ({"connection"} if upgraded else set())
    want = {k.lower(): v for k, v in want if k.lower() not in ignored}
    got = {k.lower(): v for k, v in got if k.lower() not in ignored}
    varying = {v.replace("header ", "") for v in vary} | VARYING_HEADERS
    for name, value in want.items():
        if name not in got:
            fail(f"the header {name} is missing")
        if name not in varying and got[name].lower() != value.lower():
            fail(f"{name}: {got[name]}, recorded {value}")
    for name in got:
        if name not in want:
            fail(f"the header {name}: {got[name]} was not recorded")


# ---- JSON ----

def blank(value, pointer):
    """Replaces what a JSON pointer names by None."""
    keys = pointer.strip("/").split("/")
    for key in keys[:-1]:
        value = value[int(key)] if isinstance(value, list) else value.get(key)
        if value is None:
            return
    last = int(keys[-1]) if isinstance(value, list) else keys[-1]
    if isinstance(value, dict) and last in value or isinstance(value, list) and last < len(value):
        value[last] = None


def blank_always(value):
    if isinstance(value, dict):
        for key in value:
            if key in ALWAYS_VARIES:
                value[key] = None
            else:
                blank_always(value[key])
    elif isinstance(value, list):
        for item in value:
            blank_always(item)


def positional(value):
    """Rows come as objects or as lists of their columns; both mean the same."""
    if isinstance(value, dict):
        return [positional(v) for v in value.values()]
    return [positional(v) for v in value] if isinstance(value, list) else value


def bag(rows):
    return sorted(json.dumps(positional(json.loads(row)) if isinstance(row, str) else positional(row)) for row in rows)


def unorder(value):
    """Row lists become bags, lists of tables are sorted."""
    if isinstance(value, dict):
        for key in value:
            if key in ("inserts", "deletes", "rows") and isinstance(value[key], list):
                value[key] = bag(value[key])
            elif key == "tables" and isinstance(value[key], list):
                value[key] = sorted((unorder(t) for t in value[key]), key=lambda t: t.get("table_name", ""))
            else:
                unorder(value[key])
    elif isinstance(value, list):
        for item in value:
            unorder(item)
    return value


def sort_definitions(value):
    if isinstance(value, dict):
        return {k: sorted((sort_definitions(i) for i in v), key=json.dumps) if k in UNORDERED and isinstance(v, list) else sort_definitions(v) for k, v in value.items()}
    return [sort_definitions(v) for v in value] if isinstance(value, list) else value


def hide_prose(value, key):
    """Error texts are for people: only whether there is one is compared."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key and isinstance(item, str):
                value[name] = bool(item)
            elif name == key and isinstance(item, dict) and isinstance(item.get("some"), str):
                item["some"] = bool(item["some"])
            else:
                hide_prose(item, key)


def check_json(want, got, vary, prose=()):
    for pointer in vary:
        blank(want, pointer)
        blank(got, pointer)
    for value in (want, got):
        blank_always(value)
        unorder(value)
    for key in prose:
        hide_prose(want, key)
        hide_prose(got, key)
    if want != got:
        fail(f"{json.dumps(got)[:1500]}\n        recorded {json.dumps(want)[:1500]}")


def check_message_text(line, payload):
    """A message of v1.json."""
    try:
        got = json.loads(payload)
    except ValueError:
        fail(f"no JSON: {payload[:200]!r}")
    if "text" not in line:
        return
    check_json(json.loads(line["text"]), got, [pointer for pointer, _ in line.get("vary", [])], prose=("error", "InternalError"))


# ---- tests/vectors/http ----

def send(target, request):
    if "raw" in request:
        return peer.http(target.port, None, None, raw=request["raw"].encode("latin1"), timeout=5)
    headers = [(name, target.translate(value)) for name, value in request.get("headers", [])]
    names = [name.lower() for name, _ in headers]
    if "authorization" not in names:
        headers += target.authorization(request.get("as"))
    return peer.http(target.port, request["method"], target.path(request), headers, target.upload(request))


def check_body(target, vectors, want, content_type, body, vary):
    if "body_file" in want:
        with open(os.path.join(vectors, "http", want["body_file"].split()[0])) as file:
            check_json(sort_definitions(json.load(file)), sort_definitions(json.loads(body)), [])
        return
    if "body" in vary or "body" not in want:
        return
    if content_type == "application/json":
        try:
            got = json.loads(body)
        except ValueError:
            fail(f"no JSON: {body[:200]!r}")
        target.learn(json.loads(want["body"]), got)
        check_json(json.loads(target.translate(want["body"])), got, [v for v in vary if v.startswith("/")])
    elif want["status"].split()[1] == "200" and content_type.startswith("text/plain"):
        if body.decode() != want["body"]:
            fail(f"{body[:300]!r}, recorded {want['body'][:300]!r}")
    elif bool(body) != bool(want["body"]):
        fail(f"the body {body[:300]!r}, recorded {want['body'][:300]!r}")


def check_line(target, vectors, line):
    want = line["res"]
    status, headers, body = send(target, line["req"])
    vary = [v if isinstance(v, str) else v[0] for v in line.get("vary", [])]
    if want["status"].split()[1] != status.split()[1]:
        fail(f"{status} {body[:300]!r}, recorded {want['status']} {str(want.get('body'))[:300]!r}")
    if line["req"].get("as") is None:
        vary += ["header spacetime-identity", "header spacetime-identity-token"]
    check_headers(want["headers"], headers, [v for v in vary if v.startswith("header ")])
    content_type = {k.lower(): v for k, v in headers}.get("content-type", "")
    if line["req"].get("method") != "HEAD":
        check_body(target, vectors, want, content_type, body, vary)


def prepare(target, scenario, says):
    for reducer, arguments in PREPARATIONS.get((scenario, says), []):
        target.http("POST", f"/v1/database/{DATABASES.get(scenario, 'everything')}/call/{reducer}", body=arguments.encode(), headers=[("Content-Type", "application/json")])


def run(target, vectors, scenario, lines, status):
    problems = []
    target.forget()
    prepare(target, scenario, None)
    for line in lines:
        if "req" not in line or line["n"] in status.skip:
            continue
        prepare(target, scenario, line.get("says"))
        try:
            if line["n"] in status.loose:
                send(target, line["req"])
            else:
                check_line(target, vectors, line)
        except (Mismatch, OSError, ValueError, KeyError) as problem:
            problems.append((line["n"], f"{line.get('says')}: {type(problem).__name__ if not isinstance(problem, Mismatch) else ''}{problem}"))
    return problems
