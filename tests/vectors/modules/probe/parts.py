"""BSATN, module definitions, wasm patching and probe scripts: what the modules of the recordings are put together from."""
import struct

# ---------------------------------------------------------------- BSATN values
def u8(v): return struct.pack('<B', v)
def u16(v): return struct.pack('<H', v)
def u32(v): return struct.pack('<I', v & 0xffffffff)
def u64(v): return struct.pack('<Q', v & (1 << 64) - 1)
def i16(v): return struct.pack('<h', v)
def i32(v): return struct.pack('<i', v)
def i64(v): return struct.pack('<q', v)
def f32(v): return struct.pack('<f', v)
def f64(v): return struct.pack('<d', v)
def big(v, n): return (v & (1 << 8 * n) - 1).to_bytes(n, 'little')
def i128(v): return big(v, 16)
def u128(v): return big(v, 16)
def u256(v): return big(v, 32)
def i256(v): return big(v, 32)
def st(s):
    if isinstance(s, str): s = s.encode()
    return u32(len(s)) + s
def arr(xs): xs = list(xs); return u32(len(xs)) + b''.join(xs)
def opt(x): return b'\1' if x is None else b'\0' + x
def boolean(v): return b'\1' if v else b'\0'
def cols(cs): return arr(u16(c) for c in cs)

# ---------------------------------------------------------------- types
PRIM = dict(String=4, Bool=5, I8=6, U8=7, I16=8, U16=9, I32=10, U32=11, I64=12, U64=13, I128=14, U128=15, I256=16, U256=17, F32=18, F64=19)
def ref(i): return b'\0' + u32(i)
def named(xs): return arr(opt(None if n is None else st(n)) + t for n, t in xs)
def product(*xs): return b'\2' + named(xs)
def tsum(*xs): return b'\1' + named(xs)
def tarr(t): return b'\3' + t
UNIT = product()
def topt(t): return tsum(('some', t), ('none', UNIT))
def tres(t, e): return tsum(('ok', t), ('err', e))
for _n, _t in PRIM.items(): globals()['T' + _n] = bytes([_t])
TIdentity = product(('__identity__', TU256)); TConn = product(('__connection_id__', TU128))
TTimestamp = product(('__timestamp_micros_since_unix_epoch__', TI64)); TDuration = product(('__time_duration_micros__', TI64))
TUuid = product(('__uuid__', TU128)); TScheduleAt = tsum(('Interval', TDuration), ('Time', TTimestamp))
TBytes = tarr(TU8)
def tquery(r): return product(('__query__', ref(r)))

# ---------------------------------------------------------------- module definitions
def btree(*c): return b'\0' + cols(c)
def hashi(*c): return b'\1' + cols(c)
def direct(c): return b'\2' + u16(c)
def index(src, algo, acc=None): return opt(None if src is None else st(src)) + opt(None if acc is None else st(acc)) + algo
def unique(*c, name=None): return opt(None if name is None else st(name)) + b'\0' + cols(c)
def seq(col, start=None, mn=None, mx=None, inc=1, name=None):
    o = lambda v: opt(None if v is None else i128(v))
    return opt(None if name is None else st(name)) + u16(col) + o(start) + o(mn) + o(mx) + i128(inc)
def table(name, ty, pk=(), indexes=(), uniques=(), seqs=(), public=True, system=False, defaults=(), event=False):
    return (st(name) + u32(ty) + cols(pk) + arr(indexes) + arr(uniques) + arr(seqs) + (b'\0' if system else b'\1') + (b'\0' if public else b'\1')
            + arr(u16(c) + st(v) for c, v in defaults) + boolean(event))
def typedef(name, ty, custom=True, scope=()): return arr(st(s) for s in scope) + st(name) + u32(ty) + boolean(custom)
def reducer(name, params=(), vis=1, ok=UNIT, err=None): return st(name) + named(params) + u8(vis) + ok + (TString if err is None else err)
def procedure(name, params=(), ret=UNIT, vis=1): return st(name) + named(params) + ret + u8(vis)
def view(name, index, ret, public=True, anon=False, params=()): return st(name) + u32(index) + boolean(public) + boolean(anon) + named(params) + ret
def schedule(table, col, fn, name=None): return opt(None if name is None else st(name)) + st(table) + u16(col) + st(fn)
def lifecycle(kind, fn): return u8(kind) + st(fn)
class Def:
    """V10 definition; sections in SECT order. Any list may be replaced or left empty."""
    def __init__(s): s.types = []; s.typedefs = []; s.tables = []; s.reducers = []; s.procs = []; s.views = []; s.scheds = []; s.life = []; s.rls = []; s.policy = None; s.names = []; s.handlers = []; s.routes = []; s.viewpks = []; s.submods = []; s.extra = []
    def ty(s, t, name=None, custom=True, scope=()):
        s.types.append(t); i = len(s.types) - 1
        if name: s.typedefs.append(typedef(name, i, custom, scope))
        return i
    def body(s):
        o = []
        if s.policy is not None: o.append(b'\x09' + u8(s.policy))
        o.append(b'\0' + arr(s.types)); o.append(b'\1' + arr(s.typedefs))
        if s.tables: o.append(b'\2' + arr(s.tables))
        if s.reducers: o.append(b'\3' + arr(s.reducers))
        if s.procs: o.append(b'\4' + arr(s.procs))
        if s.views: o.append(b'\5' + arr(s.views))
        if s.scheds: o.append(b'\6' + arr(s.scheds))
        if s.life: o.append(b'\7' + arr(s.life))
        if s.rls: o.append(b'\x08' + arr(st(q) for q in s.rls))
        if s.names: o.append(b'\x0a' + arr(u8(k) + st(a) + st(b) for k, a, b in s.names))
        if s.handlers: o.append(b'\x0b' + arr(st(h) for h in s.handlers))
        if s.routes: o.append(b'\x0c' + arr(st(h) + m + st(p) for h, m, p in s.routes))
        if s.viewpks: o.append(b'\x0d' + arr(st(v) + arr(st(c) for c in cs) for v, cs in s.viewpks))
        if s.submods: o.append(b'\x0e' + arr(st(n) + m.body() for n, m in s.submods))
        return arr(o + s.extra)
    def bytes(s): return b'\2' + s.body()

# ---------------------------------------------------------------- wasm patching
def leb(b, p):
    r = sh = 0
    while True:
        x = b[p]; p += 1; r |= (x & 127) << sh; sh += 7
        if x < 128: return r, p
def uleb(v):
    o = bytearray()
    while True:
        x = v & 127; v >>= 7
        o.append(x | (128 if v else 0))
        if not v: return bytes(o)
def sleb(v):
    o = bytearray()
    while True:
        x = v & 127; v >>= 7
        if (v == 0 and not x & 64) or (v == -1 and x & 64): o.append(x); return bytes(o)
        o.append(x | 128)
def sections(w):
    p = 8
    while p < len(w):
        i = w[p]; n, q = leb(w, p + 1); yield i, w[q:q + n]; p = q + n
def add_data(w, segs, drop_exports=()):
    out = bytearray(w[:8]); segb = b''.join(b'\0\x41' + sleb(a) + b'\x0b' + uleb(len(d)) + d for a, d in segs)
    for i, c in sections(w):
        if i == 12: n, p = leb(c, 0); c = uleb(n + len(segs))
        if i == 11: n, p = leb(c, 0); c = uleb(n + len(segs)) + c[p:] + segb
        if i == 7 and drop_exports:
            n, p = leb(c, 0); keep = []
            for _ in range(n):
                s0 = p; l, p = leb(c, p); nm = c[p:p + l].decode(); p += l + 1; _x, p = leb(c, p)
                if nm not in drop_exports: keep.append(c[s0:p])
            c = uleb(len(keep)) + b''.join(keep)
        out += bytes([i]) + uleb(len(c)) + c
    return bytes(out)
DESCRIBE, PREINIT, SETUP, INITIALIZE = 0, 1, 2, 3
def RED(n): return 4 + n
RAW = 12
def PROC(n): return 16 + n
HANDLER = 20
def build(defn, template, scripts={}, drop=()):
    """defn: Def or bytes; scripts: slot -> script bytes"""
    b = defn if isinstance(defn, (bytes, bytearray)) else defn.bytes()
    w = open(template, 'rb').read()
    segs = [(0x400000, u32(len(b)) + bytes(b))]
    for k, v in scripts.items():
        v = v.b if isinstance(v, Script) else v
        assert len(v) < 0x3ff0
        if v: segs.append((0x480000 + k * 0x4000, u32(len(v)) + bytes(v)))
    return add_data(w, segs, drop)

# ---------------------------------------------------------------- scripts
FN = ['', 'table_id_from_name', 'index_id_from_name', 'datastore_table_row_count', 'datastore_table_scan_bsatn', 'datastore_index_scan_range_bsatn',
      'datastore_btree_scan_bsatn', 'datastore_delete_by_index_scan_range_bsatn', 'datastore_delete_by_btree_scan_bsatn', 'datastore_delete_all_by_eq_bsatn',
      'datastore_insert_bsatn', 'datastore_update_bsatn', 'row_iter_bsatn_advance', 'row_iter_bsatn_close', 'bytes_source_read', 'bytes_sink_write',
      'console_log', 'console_timer_start', 'console_timer_end', 'identity', 'volatile_nonatomic_schedule_immediate', 'bytes_source_remaining_length',
      'get_jwt', 'procedure_sleep_until', 'procedure_start_mut_tx', 'procedure_commit_mut_tx', 'procedure_abort_mut_tx', 'procedure_http_request',
      'datastore_index_scan_point_bsatn', 'datastore_delete_by_index_scan_point_bsatn', 'datastore_clear']
FNO = {n: i for i, n in enumerate(FN)}
class M:   # u32 loaded from guest memory when the call is made
    def __init__(s, a, label=None): s.a = a; s.label = label
class M64(M): pass
SINK, SOURCE, SINK2 = object(), object(), object()
BASE = 0x100000
class Script:
    def __init__(s): s.b = bytearray(); s.steps = []; s.p = BASE; s.quiet = False; s.data = {}
    def poke(s, a, d): s.b += b'\1' + u32(a) + u32(len(d)) + d; s.data[a] = bytes(d); return a
    def alloc(s, n): a = s.p; s.p += (n + 15) & ~15; return a
    def put(s, d): return s.poke(s.alloc(len(d) or 1), d)
    def call(s, f, *args, note=None, quiet_ok=False):
        s.b += b'\2' + u8(FNO[f]) + u8(len(args)); shown = []
        for a in args:
            if isinstance(a, M64): s.b += b'\2' + u64(a.a); shown.append('i64@%x' % a.a)
            elif isinstance(a, M): s.b += b'\1' + u64(a.a); shown.append(a.label or 'u32@%x' % a.a)
            elif a is SINK: s.b += b'\3' + u64(0); shown.append('sink')
            elif a is SOURCE: s.b += b'\4' + u64(0); shown.append('source')
            elif a is SINK2: s.b += b'\5' + u64(0); shown.append('sink2')
            else: s.b += b'\0' + u64(a); shown.append(a if a < BASE or a not in s.data else {'ptr': a, 'bytes': s.data[a].hex() if len(s.data[a]) < 200 else s.data[a][:64].hex() + '...(%d)' % len(s.data[a])})
        if not s.quiet: s.steps.append(('C', f, shown, note))
        return s
    def dump(s, a, n, what=''): s.b += b'\3' + u32(a) + u32(n); s.steps.append(('D', what)); return s
    def dumpv(s, a, la, what=''): s.b += b'\4' + u32(a) + u32(la); s.steps.append(('D', what)); return s
    def fill(s, a, n, v): s.b += b'\5' + u32(a) + u32(n) + u8(v); return s
    def trap(s, k, v=0): s.b += b'\6' + u8(k) + u64(v); s.steps.append(('T', k, v)); (s.steps.append(('M', '')) if k in (3, 7) else 0); return s
    def repeat(s, n, body): s.b += b'\7' + u32(n) + u32(len(body.b)) + body.b; return s
    def add(s, a, w, d): s.b += b'\x08' + u32(a) + u8(w) + u64(d); return s
    def glob(s): s.b += b'\x09'; s.steps.append(('G',)); return s
    def setquiet(s, f): s.b += b'\x0a' + u8(f); s.quiet = bool(f); return s
    def ret(s, code=0, mode=0): s.b += b'\x0b' + i32(code) + u8(mode); return s
    def mark(s, t): t = t.encode(); s.b += b'\x0c' + u32(len(t)) + t; s.steps.append(('M', t.decode())); return s
    def copy(s, d, src, n): s.b += b'\x0d' + u32(d) + u32(src) + u32(n); return s
    def runat(s, a, n): s.b += b'\x0e' + u32(a) + u32(n); return s
    def log(s, f): s.b += b'\x0f' + u8(f); return s
    # conveniences
    def tid(s, name, note=None):
        n = name.encode() if isinstance(name, str) else name
        o = s.put(b'\xdd' * 4); a = s.put(n); s.call('table_id_from_name', a, len(n), o, note=note); return M(o, 'id of table ' + repr(name))
    def iid(s, name, note=None):
        n = name.encode() if isinstance(name, str) else name
        o = s.put(b'\xdd' * 4); a = s.put(n); s.call('index_id_from_name', a, len(n), o, note=note); return M(o, 'id of index ' + repr(name))
    def insert(s, t, row, note=None, room=64, show=True):
        a = s.alloc(len(row) + room); s.poke(a, row + b'\xee' * room); s.data[a] = row; l = s.put(u32(len(row)))
        s.call('datastore_insert_bsatn', t, a, l, note=note)
        if show and not s.quiet: s.dump(l, 4, 'row_len after'); s.dump(a, len(row) + 8 if len(row) < 120 else 32, 'row buffer after (+8 guard bytes, filled with ee)')
        return s
    def update(s, t, i, row, note=None, show=True):
        a = s.alloc(len(row) + 16); s.poke(a, row + b'\xee' * 16); s.data[a] = row; l = s.put(u32(len(row)))
        s.call('datastore_update_bsatn', t, i, a, l, note=note)
        if show: s.dump(l, 4, 'row_len after'); s.dump(a, len(row) + 8 if len(row) < 120 else 32, 'row buffer after (+8 guard bytes, filled with ee)')
        return s
    def drain(s, it, cap=4096, times=1, note=None):
        for _ in range(times):
            b = s.alloc(cap); l = s.put(u32(cap)); s.call('row_iter_bsatn_advance', it, b, l, note=note); s.dumpv(b, l, 'rows')
        return s
    def scan(s, t, cap=4096, note=None):
        o = s.alloc(4); s.poke(o, b'\0\0\0\0'); s.call('datastore_table_scan_bsatn', t, o, note=note); s.drain(M(o, 'iter'), cap); return s
    def point(s, i, key, cap=4096, note=None, f='datastore_index_scan_point_bsatn'):
        o = s.alloc(4); s.poke(o, u32(0)); s.call(f, i, s.put(key), len(key), o, note=note); s.drain(M(o, 'iter'), cap); return s
    def range(s, i, prefix, n, lo, hi, cap=4096, note=None, f='datastore_index_scan_range_bsatn', same=False):
        o = s.alloc(4); s.poke(o, u32(0)); p = s.put(prefix); a = s.put(lo); b = a if same else s.put(hi)
        s.call(f, i, p, len(prefix), n, a, len(lo), b, len(hi), o, note=note)
        if 'scan_range' in f and 'delete' not in f or f == 'datastore_btree_scan_bsatn': s.drain(M(o, 'iter'), cap)
        else: s.dump(o, 4, 'out')
        return s
