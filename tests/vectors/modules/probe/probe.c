/* Scriptable probe module.
 *
 * Every entry point the host may call runs a little byte-code script; the script can call each host import with
 * any argument words, write and dump guest memory, trap, loop, recurse and return any code.  The module definition
 * and the scripts of the entry points without arguments (init, connect, describe, ...) are added to the compiled
 * template as data segments at fixed addresses, so one template serves for all test modules (parts.py).
 *
 * Script operations (all integers little-endian):
 *   01 POKE   addr:u32 len:u32 bytes
 *   02 CALL   fn:u8 n:u8 n*(kind:u8 val:u64)   kinds: 0 immediate, 1 u32@val, 2 u64@val, 3 sink, 4 source, 5 second sink
 *   03 DUMP   addr:u32 len:u32
 *   04 DUMPV  addr:u32 lenaddr:u32
 *   05 FILL   addr:u32 len:u32 byte:u8
 *   06 TRAP   kind:u8 val:u64        0 unreachable, 1 endless loop, 2 endless recursion, 3 memory.grow val, 4 load @val,
 *                                    5 integer divide by zero, 6 spin val iterations, 7 memory.size, 8 float->int overflow
 *   07 REPEAT count:u32 len:u32 body
 *   08 ADD    addr:u32 width:u8 delta:i64
 *   09 GLOBAL                        increments a guest global, reports its value
 *   0a QUIET  flag:u8                1: no report of successful (0) calls
 *   0b RETURN code:i32 mode:u8       mode 0: as is; 1: first write the report as raw text to the sink;
 *                                    2: write it as a BSATN string
 *   0c MARK   len:u32 text
 *   0d COPY   dst:u32 src:u32 len:u32
 *   0e RUNAT  addr:u32 len:u32       continue with a script in memory (returns here)
 *   0f LOG    flag:u8                0: stop sending report lines to console_log
 *   10 SINKROWS                      marker only
 * Report lines: "C fn ret", "D addr len hex", "G n", "T kind val", "M text".
 * Memory map: script-visible scratch 0x100000 .. 0x300000, call context at 0x0ff000:
 *   +0 sender(32) +32 connection(16) +48 timestamp(8) +56 function id(4) +60 args source(4) +64 sink(4)
 *   args of the call (if any) are copied to 0x300000 with their length at 0x0ff044.
 */
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
typedef int i32; typedef long long i64; typedef short i16;
#define I(ns, name) __attribute__((import_module("spacetime_" ns), import_name(#name)))
I("10.0", table_id_from_name) u32 table_id_from_name(u32, u32, u32);
I("10.0", index_id_from_name) u32 index_id_from_name(u32, u32, u32);
I("10.0", datastore_table_row_count) u32 datastore_table_row_count(u32, u32);
I("10.0", datastore_table_scan_bsatn) u32 datastore_table_scan_bsatn(u32, u32);
I("10.0", datastore_index_scan_range_bsatn) u32 datastore_index_scan_range_bsatn(u32, u32, u32, u32, u32, u32, u32, u32, u32);
I("10.0", datastore_btree_scan_bsatn) u32 datastore_btree_scan_bsatn(u32, u32, u32, u32, u32, u32, u32, u32, u32);
I("10.0", datastore_delete_by_index_scan_range_bsatn) u32 datastore_delete_by_index_scan_range_bsatn(u32, u32, u32, u32, u32, u32, u32, u32, u32);
I("10.0", datastore_delete_by_btree_scan_bsatn) u32 datastore_delete_by_btree_scan_bsatn(u32, u32, u32, u32, u32, u32, u32, u32, u32);
I("10.0", datastore_delete_all_by_eq_bsatn) u32 datastore_delete_all_by_eq_bsatn(u32, u32, u32, u32);
I("10.0", datastore_insert_bsatn) u32 datastore_insert_bsatn(u32, u32, u32);
I("10.0", datastore_update_bsatn) u32 datastore_update_bsatn(u32, u32, u32, u32);
I("10.0", row_iter_bsatn_advance) i32 row_iter_bsatn_advance(u32, u32, u32);
I("10.0", row_iter_bsatn_close) u32 row_iter_bsatn_close(u32);
I("10.0", bytes_source_read) i32 bytes_source_read(u32, u32, u32);
I("10.0", bytes_sink_write) u32 bytes_sink_write(u32, u32, u32);
I("10.0", console_log) void console_log(u32, u32, u32, u32, u32, u32, u32, u32);
I("10.0", console_timer_start) u32 console_timer_start(u32, u32);
I("10.0", console_timer_end) u32 console_timer_end(u32);
I("10.0", identity) void identity(u32);
I("10.0", volatile_nonatomic_schedule_immediate) void volatile_nonatomic_schedule_immediate(u32, u32, u32, u32);
I("10.1", bytes_source_remaining_length) i32 bytes_source_remaining_length(u32, u32);
I("10.2", get_jwt) u32 get_jwt(u32, u32);
I("10.3", procedure_sleep_until) i64 procedure_sleep_until(i64);
I("10.3", procedure_start_mut_tx) u32 procedure_start_mut_tx(u32);
I("10.3", procedure_commit_mut_tx) u32 procedure_commit_mut_tx(void);
I("10.3", procedure_abort_mut_tx) u32 procedure_abort_mut_tx(void);
I("10.3", procedure_http_request) u32 procedure_http_request(u32, u32, u32, u32, u32);
I("10.4", datastore_index_scan_point_bsatn) u32 datastore_index_scan_point_bsatn(u32, u32, u32, u32);
I("10.4", datastore_delete_by_index_scan_point_bsatn) u32 datastore_delete_by_index_scan_point_bsatn(u32, u32, u32, u32);
I("10.5", datastore_clear) u32 datastore_clear(u32, u32);

/* the module definition (u32 length, bytes) sits at 0x400000, script slot i (same form) at 0x480000 + i * 0x4000;
 * parts.py adds them as data segments */
#define DEF 0x400000u
#define CTXN 24
#define CTXCAP 0x4000u

static u8 out[1 << 18]; static u32 outn; static u32 global; static int quiet, nolog;
static u32 SINK, SINK2, SOURCE;
static u32 rd32(u32 a) { return (u32)*(volatile u8 *)a | (u32)((volatile u8 *)a)[1] << 8 | (u32)((volatile u8 *)a)[2] << 16 | (u32)((volatile u8 *)a)[3] << 24; }
static void wr32(u32 a, u32 v) { for (int i = 0; i < 4; i++) ((volatile u8 *)a)[i] = v >> (8 * i); }
static u64 rd64(u32 a) { return rd32(a) | (u64)rd32(a + 4) << 32; }
static void wr64(u32 a, u64 v) { wr32(a, (u32)v); wr32(a + 4, (u32)(v >> 32)); }
void *memcpy(void *d, const void *s, unsigned long n) { u8 *a = d; const u8 *b = s; while (n--) *a++ = *b++; return d; }
void *memset(void *d, int c, unsigned long n) { u8 *a = d; while (n--) *a++ = c; return d; }

static u8 line[1 << 17]; static u32 ln;
static void pc(u8 c) { if (ln < sizeof line) line[ln++] = c; }
static void ps(const char *s) { while (*s) pc(*s++); }
static void pd(i64 v) { char b[24]; int n = 0; u64 u = v < 0 ? -(u64)v : (u64)v; if (v < 0) pc('-'); do b[n++] = '0' + u % 10; while (u /= 10); while (n) pc(b[--n]); }
static void ph(u32 a, u32 n) { static const char h[] = "0123456789abcdef"; for (u32 i = 0; i < n; i++) { u8 b = ((volatile u8 *)a)[i]; pc(h[b >> 4]); pc(h[b & 15]); } }
static void flush(void) {
  if (!nolog) console_log(2, 0, 0, 0, 0, 0xffffffffu, (u32)line, ln);
  if (outn + ln + 1 < sizeof out) { memcpy(out + outn, line, ln); outn += ln; out[outn++] = '\n'; }
  ln = 0;
}
static i64 call(u8 f, i64 *a) {
#define A(i) ((u32)a[i])
  switch (f) {
  case 1: return table_id_from_name(A(0), A(1), A(2));
  case 2: return index_id_from_name(A(0), A(1), A(2));
  case 3: return datastore_table_row_count(A(0), A(1));
  case 4: return datastore_table_scan_bsatn(A(0), A(1));
  case 5: return datastore_index_scan_range_bsatn(A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7), A(8));
  case 6: return datastore_btree_scan_bsatn(A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7), A(8));
  case 7: return datastore_delete_by_index_scan_range_bsatn(A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7), A(8));
  case 8: return datastore_delete_by_btree_scan_bsatn(A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7), A(8));
  case 9: return datastore_delete_all_by_eq_bsatn(A(0), A(1), A(2), A(3));
  case 10: return datastore_insert_bsatn(A(0), A(1), A(2));
  case 11: return datastore_update_bsatn(A(0), A(1), A(2), A(3));
  case 12: return row_iter_bsatn_advance(A(0), A(1), A(2));
  case 13: return row_iter_bsatn_close(A(0));
  case 14: return bytes_source_read(A(0), A(1), A(2));
  case 15: return bytes_sink_write(A(0), A(1), A(2));
  case 16: console_log(A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7)); return 0;
  case 17: return console_timer_start(A(0), A(1));
  case 18: return console_timer_end(A(0));
  case 19: identity(A(0)); return 0;
  case 20: volatile_nonatomic_schedule_immediate(A(0), A(1), A(2), A(3)); return 0;
  case 21: return bytes_source_remaining_length(A(0), A(1));
  case 22: return get_jwt(A(0), A(1));
  case 23: return procedure_sleep_until(a[0]);
  case 24: return procedure_start_mut_tx(A(0));
  case 25: return procedure_commit_mut_tx();
  case 26: return procedure_abort_mut_tx();
  case 27: return procedure_http_request(A(0), A(1), A(2), A(3), A(4));
  case 28: return datastore_index_scan_point_bsatn(A(0), A(1), A(2), A(3));
  case 29: return datastore_delete_by_index_scan_point_bsatn(A(0), A(1), A(2), A(3));
  case 30: return datastore_clear(A(0), A(1));
  }
  return -9999;
}
static volatile u32 spin;
static u32 __attribute__((noinline)) recurse(volatile u32 *p) { volatile u32 x[16]; x[0] = *p + 1; return recurse(x) + x[0]; }
static void trap(u8 k, u64 v) {
  ps("T "); pd(k); pc(' '); pd(v); flush();
  volatile u32 z = 0; volatile float fl = 1e30f;
  switch (k) {
  case 0: __builtin_trap();
  case 1: for (;;) spin++;
  case 2: spin = recurse(&spin); break;
  case 3: { u32 r = __builtin_wasm_memory_grow(0, (u32)v); ps("M grow="); pd((i32)r); ps(" size="); pd(__builtin_wasm_memory_size(0)); flush(); break; }
  case 4: spin = *(volatile u8 *)(u32)v; break;
  case 5: spin = spin / z; break;
  case 6: for (u64 i = 0; i < v; i++) spin++; break;
  case 7: ps("M size="); pd(__builtin_wasm_memory_size(0)); flush(); break;
  case 8: spin = __builtin_wasm_trunc_s_i32_f32(fl); break;
  }
}
static i32 rcode; static int done;
static void run(u32 p, u32 n) {
  u32 e = p + n;
  while (p < e && !done) switch (*(volatile u8 *)p++) {
  case 1: { u32 a = rd32(p), l = rd32(p + 4); memcpy((void *)a, (void *)(p + 8), l); p += 8 + l; break; }
  case 2: {
    u8 f = *(u8 *)p, c = ((u8 *)p)[1]; i64 a[10] = { 0 }; p += 2;
    for (u8 i = 0; i < c; i++) { u8 k = *(u8 *)p; u64 v = rd64(p + 1); p += 9;
      a[i] = k == 1 ? rd32((u32)v) : k == 2 ? (i64)rd64((u32)v) : k == 3 ? SINK : k == 4 ? SOURCE : k == 5 ? SINK2 : (i64)v; }
    i64 r = call(f, a);
    if (!(quiet && r == 0)) { ps("C "); pd(f); pc(' '); pd(r); flush(); }
    break; }
  case 3: { u32 a = rd32(p), l = rd32(p + 4); p += 8; ps("D "); pd(a); pc(' '); pd(l); pc(' '); ph(a, l); flush(); break; }
  case 4: { u32 a = rd32(p), l = rd32(rd32(p + 4)); p += 8; if (l > 60000) l = 60000; ps("D "); pd(a); pc(' '); pd(l); pc(' '); ph(a, l); flush(); break; }
  case 5: { u32 a = rd32(p), l = rd32(p + 4); memset((void *)a, ((u8 *)p)[8], l); p += 9; break; }
  case 6: { u8 k = *(u8 *)p; u64 v = rd64(p + 1); p += 9; trap(k, v); break; }
  case 7: { u32 c = rd32(p), l = rd32(p + 4); p += 8; while (c--) run(p, l); p += l; break; }
  case 8: { u32 a = rd32(p); u8 w = ((u8 *)p)[4]; u64 d = rd64(p + 5), v = 0; p += 13;
    for (int i = 0; i < w; i++) v |= (u64)((u8 *)a)[i] << (8 * i);
    v += d; for (int i = 0; i < w; i++) ((u8 *)a)[i] = v >> (8 * i); break; }
  case 9: global++; ps("G "); pd(global); flush(); break;
  case 10: quiet = *(u8 *)p++; break;
  case 11: { rcode = (i32)rd32(p); u8 m = ((u8 *)p)[4]; p += 5; done = 1;
    if (m == 2) { u32 l = outn; wr32(0xff080, 4); wr32(0xff090, l); bytes_sink_write(SINK, 0xff090, 0xff080); }
    if (m) { wr32(0xff080, outn); bytes_sink_write(SINK, (u32)out, 0xff080); }
    break; }
  case 12: { u32 l = rd32(p); p += 4; ps("M "); for (u32 i = 0; i < l; i++) pc(((u8 *)p)[i]); p += l; flush(); break; }
  case 13: { u32 d = rd32(p), s = rd32(p + 4), l = rd32(p + 8); p += 12; memcpy((void *)d, (void *)s, l); break; }
  case 14: { u32 a = rd32(p), l = rd32(p + 4); p += 8; run(a, l); break; }
  case 15: nolog = !*(u8 *)p++; break;
  default: ps("M bad-op"); flush(); return;
  }
}
static void begin(u32 id, u64 a, u64 b, u64 c, u64 d, u64 x, u64 y, u64 ts, u32 src, u32 sink) {
  u32 m = 0xff000; wr64(m, a); wr64(m + 8, b); wr64(m + 16, c); wr64(m + 24, d); wr64(m + 32, x); wr64(m + 40, y); wr64(m + 48, ts);
  wr32(m + 56, id); wr32(m + 60, src); wr32(m + 64, sink); wr32(m + 68, 0);
  SINK = sink; SOURCE = src; rcode = 0; done = 0; outn = 0; quiet = 0; nolog = 0; ln = 0;
}
static u32 readargs(u32 src) { /* to 0x300000 */
  u32 n = 0;
  if (src) for (;;) { wr32(0xff084, 0x100000 - n); i32 r = bytes_source_read(src, 0x300000 + n, 0xff084); n += rd32(0xff084); if (r) break; }
  wr32(0xff044, n);
  return n;
}
static void ctx(u32 i) { u32 a = 0x480000u + i * CTXCAP; if (i < CTXN) { u32 l = rd32(a); if (l > 0 && l < CTXCAP - 4) run(a + 4, l); } }
#define X(n) __attribute__((export_name(n)))
/* context slots: 0 describe, 1 preinit, 2 setup, 3 _initialize, 4+n reducer n (n>0), 16+n procedure n (n>0) , 20 handler */
#ifndef NO_DESCRIBE
X("__describe_module__") void describe(u32 sink) {
  begin(0, 0, 0, 0, 0, 0, 0, 0, 0, sink); ctx(0);
  u32 a = DEF, l = rd32(a);
  wr32(0xff080, l); bytes_sink_write(sink, a + 4, 0xff080);
}
#endif
X("__preinit__10_probe") void preinit(void) { begin(0, 0, 0, 0, 0, 0, 0, 0, 0, 0); ctx(1); }
X("__setup__") i32 setup(u32 sink) { begin(0, 0, 0, 0, 0, 0, 0, 0, 0, sink); ctx(2); return rcode; }
X("_initialize") void initialize(void) { begin(0, 0, 0, 0, 0, 0, 0, 0, 0, 0); ctx(3); }
#ifndef NO_REDUCER
X("__call_reducer__") i32 call_reducer(u32 id, u64 a, u64 b, u64 c, u64 d, u64 x, u64 y, u64 ts, u32 src, u32 sink) {
  begin(id, a, b, c, d, x, y, ts, src, sink);
  if (id == 0) { u32 n = readargs(src); if (n >= 4) run(0x300004, rd32(0x300000)); }
  else if (id == 8) { /* raw: source is left unread, script comes from context slot 12 */ ctx(12); }
  else { readargs(src); ctx(4 + (id < 8 ? id : 7)); }
  return rcode;
}
#endif
X("__call_procedure__") i32 call_procedure(u32 id, u64 a, u64 b, u64 c, u64 d, u64 x, u64 y, u64 ts, u32 src, u32 sink) {
  begin(id, a, b, c, d, x, y, ts, src, sink);
  if (id == 0) { u32 n = readargs(src); if (n >= 4) run(0x300004, rd32(0x300000)); }
  else { readargs(src); ctx(16 + (id < 4 ? id : 3)); }
  return rcode;
}
/* views: script = column `script` of the row of table `vscript` with id = 100+n (sender views) or 200+n (anonymous) */
static i32 view(u32 key, u32 sink) {
  static const char tn[] = "vscript", in[] = "vscript_id_idx_btree";
  u32 t = 0xff0a0, ix = 0xff0a4, it = 0xff0a8, kp = 0xff0ac, lp = 0xff0b0;
  (void)tn; (void)t;
  wr32(kp, key);
  if (index_id_from_name((u32)in, sizeof in - 1, ix) == 0 && datastore_index_scan_point_bsatn(rd32(ix), kp, 4, it) == 0) {
    wr32(lp, 0x10000);
    if (row_iter_bsatn_advance(rd32(it), 0x300000, lp) <= 0 && rd32(lp) > 8) { rcode = 0; run(0x300008, rd32(0x300004)); return rcode; }
  }
  static const u8 none[5] = { 0, 0, 0, 0, 0 };
  wr32(lp, 5); bytes_sink_write(sink, (u32)none, lp);
  return 2;
}
X("__call_view__") i32 call_view(u32 id, u64 a, u64 b, u64 c, u64 d, u32 src, u32 sink) { begin(id, a, b, c, d, 0, 0, 0, src, sink); return view(100 + id, sink); }
X("__call_view_anon__") i32 call_view_anon(u32 id, u32 src, u32 sink) { begin(id, 0, 0, 0, 0, 0, 0, 0, src, sink); return view(200 + id, sink); }
X("__call_http_handler__") i32 call_handler(u32 id, u64 ts, u32 rq, u32 rb, u32 rs, u32 rbs) {
  begin(id, 0, 0, 0, 0, 0, 0, ts, rq, rs); SINK2 = rbs; wr32(0xff048, rb); wr32(0xff04c, rbs); readargs(rq); ctx(20); return rcode;
}
