"""The module of tests/vectors/abi: the compiled probe with this definition and the scripts of its entry points. usage: abi.py PROBE.wasm OUT.wasm"""
import sys

from parts import *

def sched_row(): return product(('scheduled_id', TU64), ('scheduled_at', TScheduleAt), ('note', TString))
def abi_def(name_reducer='run'):
    d = Def()
    plain = d.ty(product(('a', TU32), ('s', TString)), 'Plain')
    kind = d.ty(tsum(('A', UNIT), ('B', UNIT), ('C', UNIT)), 'Kind')
    uniq = d.ty(product(('id', TU32), ('name', TString), ('kind', ref(kind))), 'Uniq')
    two = d.ty(product(('a', TU32), ('b', TString), ('c', TU64)), 'TwoUniq')
    auto2 = d.ty(product(('id', TU32), ('s', TString), ('n', TI16)), 'Auto2')
    auto8 = d.ty(product(('id', TU8),), 'Auto8')
    multi = d.ty(product(('a', TU32), ('b', TString), ('c', TI16), ('d', TU64)), 'Multi')
    hashed = d.ty(product(('k', TU64), ('v', TU32)), 'Hashed')
    direct_ = d.ty(product(('k', TU8), ('v', TU16), ('e', ref(kind))), 'Direct')
    fixed = d.ty(product(('x', TU32), ('b', TBool), ('f', TF64)), 'Fixed')
    inner = d.ty(product(('p', TU8), ('q', topt(TString))), 'Inner')
    payload = d.ty(tsum(('None', UNIT), ('Num', TI32), ('In', ref(inner))), 'Payload')
    varied = d.ty(product(('id', TU32), ('o', topt(TU32)), ('e', ref(payload)), ('i', ref(inner)), ('l', tarr(TU16)), ('by', TBytes), ('big', TI256), ('ts', TTimestamp), ('ident', TIdentity), ('at', TScheduleAt), ('u', TUuid), ('r', tres(TU32, TString)), ('f', TF32), ('t', TBool)), 'Varied')
    evt = d.ty(product(('id', TU32), ('v', TI32)), 'Evt')
    sched = d.ty(sched_row(), 'Sched'); psched = d.ty(sched_row(), 'PSched')
    vscript = d.ty(product(('id', TU32), ('script', TBytes)), 'VScript')
    fidx = d.ty(product(('f', TF32), ('g', TF64)), 'FIdx')
    bigt = d.ty(product(('s', TString),), 'Big')
    zero = d.ty(UNIT, 'Zero')
    camel = d.ty(product(('colOne', TU32), ('Col2', TU32)), 'Camel')
    named_ = d.ty(product(('x', TU32),), 'Named')
    counter = d.ty(product(('id', TU32), ('n', TU64)), 'Counter')
    noauto = d.ty(product(('id', TU64), ('w', TU32)), 'WideAuto')
    ident = d.ty(product(('who', TIdentity), ('n', TU32)), 'Who')
    T = d.tables
    T.append(table('plain', plain, public=False))
    T.append(table('uniq', uniq, [0], [index('uniq_id_idx_btree', btree(0), 'id'), index('uniq_name_idx_btree', btree(1), 'name'), index('uniq_kind_idx_btree', btree(2))], [unique(0)]))
    T.append(table('two_uniq', two, [0], [index('two_uniq_a_idx_btree', btree(0)), index('two_uniq_b_idx_hash', hashi(1))], [unique(0), unique(1)]))
    T.append(table('auto_two', auto2, [0], [index('auto_two_id_idx_btree', btree(0))], [unique(0)], [seq(0), seq(2)]))
    T.append(table('auto_eight', auto8, [0], [index('auto_eight_id_idx_btree', btree(0))], [unique(0)], [seq(0)]))
    T.append(table('multi', multi, [], [index('multi_a_b_c_idx_btree', btree(0, 1, 2), 'abc'), index('multi_d_idx_btree', btree(3))]))
    T.append(table('hashed', hashed, [0], [index('hashed_k_idx_hash', hashi(0)), index('hashed_v_idx_hash', hashi(1)), index('hashed_k_v_idx_hash', hashi(0, 1))], [unique(0)]))
    T.append(table('directs', direct_, [0], [index('directs_k_idx_direct', direct(0)), index('directs_v_idx_direct', direct(1)), index('directs_e_idx_direct', direct(2))], [unique(0)]))
    T.append(table('fixed', fixed)); T.append(table('varied', varied, [0], [index('varied_id_idx_btree', btree(0))], [unique(0)]))
    T.append(table('evt', evt, [0], [index('evt_id_idx_btree', btree(0))], [unique(0)], event=True))
    T.append(table('sched', sched, [0], [index('sched_scheduled_id_idx_btree', btree(0))], [unique(0)], [seq(0)]))
    T.append(table('psched', psched, [0], [index('psched_scheduled_id_idx_btree', btree(0))], [unique(0)], [seq(0)]))
    T.append(table('vscript', vscript, [0], [index('vscript_id_idx_btree', btree(0))], [unique(0)], public=False))
    T.append(table('fidx', fidx, [], [index('fidx_f_idx_btree', btree(0)), index('fidx_g_idx_btree', btree(1))], [unique(1)]))
    T.append(table('big', bigt)); T.append(table('zero', zero))
    T.append(table('camelCase9', camel, [0], [index('camelCase9_colOne_idx_btree', btree(0)), index('srcIndexName', btree(1))], [unique(0)]))
    T.append(table('srcTable', named_, [], [index('srcTable_x_idx_btree', btree(0))]))
    T.append(table('counter', counter, [0], [index('counter_id_idx_btree', btree(0))], [unique(0)]))
    T.append(table('wide_auto', noauto, [], [index('wide_auto_id_idx_btree', btree(0))], [], [seq(0)]))
    T.append(table('who', ident, [0], [index('who_who_idx_btree', btree(0))], [unique(0)]))
    d.names = [(0, 'srcTable', 'Canon_Table'), (2, 'srcIndexName', 'Canon_Index')]
    d.reducers = [reducer('run', [('script', TBytes)]), reducer('init'), reducer('client_connected'), reducer('client_disconnected'),
                  reducer('tick', [('row', ref(sched))]), reducer('other', [('x', TU32)]), reducer('srcReducer'), reducer('spare'), reducer('raw', [('a', TU32), ('b', TString)])]
    d.procs = [procedure('prun', [('script', TBytes)], TString), procedure('ptick', [('row', ref(psched))], UNIT), procedure('pspare', [], TU32), procedure('pbytes', [('n', TU32)], TBytes)]
    d.names.append((1, 'srcReducer', 'CanonReducer'))
    d.views = [view('v_sender', 0, tarr(ref(counter))), view('v_sender_opt', 1, topt(ref(counter))), view('v_anon', 0, tarr(ref(counter)), anon=True), view('v_query', 1, tquery(counter), anon=True), view('v_camel', 2, tquery(camel), anon=True)]
    d.scheds = [schedule('sched', 1, 'tick'), schedule('psched', 1, 'ptick')]
    d.life = [lifecycle(0, 'init'), lifecycle(1, 'client_connected'), lifecycle(2, 'client_disconnected')]
    d.handlers = ['h_one']; d.routes = [('h_one', b'\0', '/h')]
    return d

init = Script(); init.mark('in init'); t = init.tid('plain'); init.insert(t, u32(99) + st('from init')); init.call('datastore_table_row_count', t, init.alloc(8)); o = init.alloc(4)
init.call('get_jwt', 0xff020, o, note='connection id of init is zero'); init.dump(0xff000, 68, 'sender, connection, timestamp, id, source, sink'); init.dump(o, 4); init.call('identity', 0xff100); init.dump(0xff100, 32, 'identity')
def ctx_script(tag):
    s = Script(); s.mark('in ' + tag); o = s.alloc(8); s.tid('plain'); s.iid('uniq_id_idx_btree')
    s.call('datastore_table_row_count', 1, o); s.call('datastore_table_scan_bsatn', 1, o); s.insert(4096, u32(1)); s.call('datastore_clear', 4096, o)
    s.call('get_jwt', s.put(bytes(16)), o); s.call('identity', s.alloc(32)); s.call('console_timer_end', 77); s.call('row_iter_bsatn_close', 9)
    s.call('bytes_source_remaining_length', 1, o); s.call('procedure_commit_mut_tx'); s.call('procedure_abort_mut_tx')
    s.call('datastore_index_scan_point_bsatn', 1, s.put(u32(1)), 4, o); s.call('datastore_delete_all_by_eq_bsatn', 4096, s.put(u32(0)), 4, o)
    return s
scripts = {RED(1): init, DESCRIBE: ctx_script('describe'), PREINIT: ctx_script('preinit'), SETUP: ctx_script('setup'), INITIALIZE: ctx_script('_initialize')}
conn = Script(); conn.mark('connected'); conn.dump(0xff000, 68, 'ctx'); o = conn.alloc(4); conn.call('get_jwt', 0xff020, o); b = conn.alloc(2048); l = conn.put(u32(2048)); conn.call('bytes_source_read', M(o), b, l); conn.dumpv(b, l, 'jwt payload'); scripts[RED(2)] = conn
disc = Script(); disc.mark('disconnected'); disc.dump(0xff000, 68, 'ctx'); o = disc.alloc(4); disc.call('get_jwt', 0xff020, o); b = disc.alloc(2048); l = disc.put(u32(2048)); disc.call('bytes_source_read', M(o), b, l); disc.dumpv(b, l, 'jwt payload'); scripts[RED(3)] = disc
tick = Script(); tick.mark('tick'); tick.dump(0xff000, 68, 'ctx'); tick.dumpv(0x300000, 0xff044, 'args'); scripts[RED(4)] = tick
oth = Script(); oth.mark('other'); oth.dump(0xff000, 68, 'ctx'); oth.dumpv(0x300000, 0xff044, 'args'); scripts[RED(5)] = oth
srcr = Script(); srcr.mark('srcReducer'); scripts[RED(6)] = srcr
raw = Script(); raw.mark('raw'); o = raw.alloc(8); b = raw.alloc(64); l = raw.alloc(4)
raw.call('bytes_source_remaining_length', SOURCE, o); raw.dump(o, 4, 'remaining'); raw.poke(l, u32(3)); raw.call('bytes_source_read', SOURCE, b, l); raw.dumpv(b, l, 'read'); raw.call('bytes_source_remaining_length', SOURCE, o); raw.dump(o, 4, 'remaining')
raw.poke(l, u32(0)); raw.call('bytes_source_read', SOURCE, b, l, note='capacity 0'); raw.dump(l, 4, 'len'); raw.poke(l, u32(64)); raw.call('bytes_source_read', SOURCE, b, l, note='rest; -1 with the last bytes'); raw.dumpv(b, l, 'read')
raw.poke(l, u32(64)); raw.call('bytes_source_read', SOURCE, b, l, note='after exhaustion'); raw.call('bytes_source_remaining_length', SOURCE, o, note='after exhaustion'); raw.call('bytes_source_read', 0, b, l, note='handle 0'); raw.call('bytes_source_read', 99, b, l)
raw.call('bytes_source_remaining_length', 0, o); raw.call('bytes_source_remaining_length', 0xffffffff, o); raw.ret(1, 1); scripts[RAW] = raw
ptick = Script(); ptick.mark('ptick'); ptick.dump(0xff000, 68, 'ctx'); ptick.dumpv(0x300000, 0xff044, 'args'); scripts[PROC(1)] = ptick
hnd = Script(); hnd.mark('handler'); hnd.dump(0xff000, 68, 'ctx'); hnd.dumpv(0x300000, 0xff044, 'request'); o = hnd.alloc(8); hnd.tid('plain'); hnd.call('procedure_start_mut_tx', o); hnd.tid('plain'); hnd.call('procedure_abort_mut_tx')
l = hnd.alloc(4); b = hnd.alloc(4096); hnd.poke(l, u32(4096)); hnd.call('bytes_source_read', M(0xff048), b, l, note='request body source'); hnd.dumpv(b, l, 'request body')
resp = arr([st('content-type') + st(b'text/x-probe')]) + u8(2) + u16(202); a = hnd.put(resp); l = hnd.put(u32(len(resp))); hnd.call('bytes_sink_write', SINK, a, l); body = b'probe says hi'; a = hnd.put(body); l = hnd.put(u32(len(body))); hnd.call('bytes_sink_write', SINK2, a, l); hnd.ret(0); scripts[HANDLER] = hnd
if __name__ == '__main__':
    open(sys.argv[2], 'wb').write(build(abi_def(), sys.argv[1], scripts))
