/*
 * The module of the engine tests, freestanding C for wasm32, compiled when the tests run. It writes a V9 definition by hand, so that it
 * depends on nothing but the ABI. EDITION chooses which version of it is built:
 *
 *   1  as below          2  one more table and reducer        3  a column changes its type (refused)
 *   4  a column more, with a default (clients break)          5  init fails        6  __setup__ traps        7  the table `note` is gone
 *   8  a row rule on `note`, and a view                           9  one more index, on the balance
 */
#ifndef EDITION
#define EDITION 1
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define IMPORT(space, name) __attribute__((import_module("spacetime_" space), import_name(#name)))
IMPORT("10.0", table_id_from_name) u16 table_id_from_name(const char *name, u32 len, u32 *out);
IMPORT("10.0", index_id_from_name) u16 index_id_from_name(const char *name, u32 len, u32 *out);
IMPORT("10.0", datastore_insert_bsatn) u16 datastore_insert_bsatn(u32 table, u8 *row, u32 *len);
IMPORT("10.0", datastore_update_bsatn) u16 datastore_update_bsatn(u32 table, u32 index, u8 *row, u32 *len);
IMPORT("10.0", row_iter_bsatn_advance) short row_iter_bsatn_advance(u32 iter, u8 *to, u32 *len);
IMPORT("10.0", bytes_source_read) short bytes_source_read(u32 source, u8 *to, u32 *len);
IMPORT("10.0", bytes_sink_write) u16 bytes_sink_write(u32 sink, const u8 *from, u32 *len);
IMPORT("10.0", console_log)
void console_log(u32 level, const char *target, u32 target_len, const char *file, u32 file_len, u32 line, const char *text, u32 len);
IMPORT("10.0", volatile_nonatomic_schedule_immediate)
void schedule_immediate(const char *name, u32 len, const u8 *arguments, u32 arguments_len);
IMPORT("10.2", get_jwt) u16 get_jwt(const u8 *connection, u32 *source);
IMPORT("10.4", datastore_index_scan_point_bsatn) u16 index_scan_point(u32 index, const u8 *point, u32 len, u32 *iter);
IMPORT("10.4", datastore_delete_by_index_scan_point_bsatn) u16 delete_by_point(u32 index, const u8 *point, u32 len, u32 *deleted);

#define EXPORT(name) __attribute__((export_name(#name), used))

void *memcpy(void *to, const void *from, unsigned long len) {
  u8 *t = to;
  const u8 *f = from;
  while (len--) *t++ = *f++;
  return to;
}
void *memset(void *to, int value, unsigned long len) {
  u8 *t = to;
  while (len--) *t++ = (u8)value;
  return to;
}
static u32 text_len(const char *text) {
  u32 len = 0;
  while (text[len]) len++;
  return len;
}

/* ---- the definition ---- */

static u8 out[8192];
static u32 out_len;
static void put(const void *bytes, u32 len) {
  memcpy(out + out_len, bytes, len);
  out_len += len;
}
static void put8(u32 v) {
  put(&v, 1);
}
static void put16(u32 v) {
  put(&v, 2);
}
static void put32(u32 v) {
  put(&v, 4);
}
static void put64(i64 v) {
  put(&v, 8);
}
static void put_text(const char *text) {
  put32(text_len(text));
  put(text, text_len(text));
}
static void put_name(const char *name) {
  put8(0);
  put_text(name);
}

enum { T_SUM = 1, T_PRODUCT = 2, T_STRING = 4, T_U8 = 7, T_U32 = 11, T_I64 = 12, T_U64 = 13 };
static void put_wrapped(const char *field) { /* a product of one i64 */
  put8(T_PRODUCT);
  put32(1);
  put_name(field);
  put8(T_I64);
}
static void put_schedule_at(void) {
  put8(T_SUM);
  put32(2);
  put_name("Interval");
  put_wrapped("__time_duration_micros__");
  put_name("Time");
  put_wrapped("__timestamp_micros_since_unix_epoch__");
}
static void put_field(const char *name, u32 type) {
  put_name(name);
  put8(type);
}
static void put_none(void) {
  put8(1);
}
static void put_columns1(u32 column) {
  put32(1);
  put16(column);
}

static void put_index(const char *name, const char *accessor, u32 column) {
  put_name(name);
  put_name(accessor);
  put8(0);
  put_columns1(column);
}

/* A table whose key is column 0, with a btree index and a unique constraint on it; `auto_inc`: and a sequence. */
static void put_table(const char *name, const char *index, u32 type, int auto_inc, const char *scheduled, int is_private) {
  int has_second = EDITION == 9 && type == 0;
  put_text(name);
  put32(type);
  put_columns1(0);
  put32(1 + has_second);
  put_index(index, "id", 0);
  if (has_second) put_index("account_balance_idx_btree", "balance", 1);
  put32(1);
  put_none();
  put8(0);
  put_columns1(0);
  put32(auto_inc);
  if (auto_inc) {
    put_none();
    put16(0);
    put_none();
    put_none();
    put_none();
    put64(1);
    put64(0);
  }
  if (scheduled) {
    put8(0);
    put_none();
    put_text(scheduled);
    put16(1);
  } else {
    put_none();
  }
  put8(1);
  put8(is_private);
}

typedef struct reducer {
  const char *name;
  int lifecycle;      /* -1: none */
  const char *params; /* a letter each: b u8, w u32, q i64, Q u64, s string, r the row of alarm */
  int (*run)(void);
} reducer;
static const reducer reducers[];
static const u32 reducer_count;

static void put_types(void) {
  put32(EDITION == 2 ? 5 : 4);
  put8(T_PRODUCT); /* 0 account */
  put32(EDITION == 4 ? 3 : 2);
  put_field("id", T_U32);
  put_field("balance", EDITION == 3 ? T_U64 : T_I64);
  if (EDITION == 4) put_field("overdraft", T_I64);
  put8(T_PRODUCT); /* 1 note */
  put32(2);
  put_field("id", T_U64);
  put_field("text", T_STRING);
  put8(T_PRODUCT); /* 2 alarm */
  put32(2);
  put_field("id", T_U64);
  put_name("at");
  put_schedule_at();
  put8(T_PRODUCT); /* 3 rung */
  put32(3);
  put_field("id", T_U64);
  put_field("alarm", T_U64);
  put_field("at", T_I64);
  if (EDITION == 2) {
    put8(T_PRODUCT); /* 4 extra */
    put32(1);
    put_field("id", T_U32);
  }
}

static void put_reducers(void) {
  put32(reducer_count);
  for (u32 i = 0; i < reducer_count; i++) {
    put_text(reducers[i].name);
    put32(text_len(reducers[i].params));
    for (const char *p = reducers[i].params; *p; p++) {
      char name[2] = {(char)('a' + (p - reducers[i].params)), 0};
      put_name(name);
      if (*p == 'r') {
        put8(0);
        put32(2);
      } else {
        put8(*p == 'b' ? T_U8 : *p == 'w' ? T_U32 : *p == 'q' ? T_I64 : *p == 'Q' ? T_U64 : T_STRING);
      }
    }
    if (reducers[i].lifecycle < 0) {
      put_none();
    } else {
      put8(0);
      put8(reducers[i].lifecycle);
    }
  }
}

EXPORT(__describe_module__) void describe(u32 sink) {
  out_len = 0;
  put8(1); /* V9 */
  put_types();
  put32(3 + (EDITION != 7) + (EDITION == 2));
  put_table("account", "account_id_idx_btree", 0, 0, 0, 0);
  if (EDITION != 7) put_table("note", "note_id_idx_btree", 1, 1, 0, 0);
  put_table("alarm", "alarm_id_idx_btree", 2, 1, "ring", 0);
  put_table("rung", "rung_id_idx_btree", 3, 1, 0, 1);
  if (EDITION == 2) put_table("extra", "extra_id_idx_btree", 4, 0, 0, 0);
  put_reducers();
  put32(EDITION == 8); /* types */
  if (EDITION == 8) {
    put32(0);
    put_text("Note");
    put32(1);
    put8(1);
  }
  put32(EDITION == 4 || EDITION == 8);
  if (EDITION == 4) { /* the default of account.overdraft */
    put8(0);
    put_text("account");
    put16(2);
    put32(8);
    put64(500);
  }
  if (EDITION == 8) {
    put8(2);
    put_text("all_notes");
    put32(0);
    put8(1);
    put8(1);
    put32(0);
    put8(3); /* an array of the type 1 */
    put8(0);
    put32(1);
  }
  put32(EDITION == 8);
  if (EDITION == 8) put_text("SELECT n.* FROM account JOIN note AS n ON account.id = n.id");
  bytes_sink_write(sink, out, &out_len);
}

/* ---- the reducers ---- */

static u8 arguments[4096], row[4096];
static u32 arguments_len, error_sink;
static u64 connection[2], timestamp;

static u32 table(const char *name) {
  u32 id = 0;
  if (table_id_from_name(name, text_len(name), &id)) __builtin_trap();
  return id;
}
static u32 index(const char *name) {
  u32 id = 0;
  if (index_id_from_name(name, text_len(name), &id)) __builtin_trap();
  return id;
}
static int refuse(const char *text) {
  u32 len = text_len(text);
  bytes_sink_write(error_sink, (const u8 *)text, &len);
  return 1;
}
static void insert(const char *name, u32 len) {
  if (datastore_insert_bsatn(table(name), row, &len)) __builtin_trap();
}
static void add_note(const char *text, u32 len) {
  memset(row, 0, 8);
  memcpy(row + 8, &len, 4);
  memcpy(row + 12, text, len);
  insert("note", 12 + len);
}
static void add_account(u32 id, i64 balance) {
  memcpy(row, &id, 4);
  memcpy(row + 4, &balance, 8);
  u32 len = 12;
  if (EDITION == 4) memset(row + 12, 0, 8), len = 20;
  insert("account", len);
}

static u32 account_table, account_index; /* cached as bindings do */
static int find(u32 id, i64 *balance) {
  u32 iter, len = sizeof row;
  if (index_scan_point(account_index, (const u8 *)&id, 4, &iter)) __builtin_trap();
  row_iter_bsatn_advance(iter, row, &len);
  if (len == 0) return 0;
  memcpy(balance, row + 4, 8);
  return 1;
}
static void store(u32 id, i64 balance) {
  u32 len = 12;
  memcpy(row, &id, 4);
  memcpy(row + 4, &balance, 8);
  if (datastore_update_bsatn(account_table, account_index, row, &len)) __builtin_trap();
}

static int init(void) {
  if (EDITION == 5) return refuse("init says no");
  add_account(1, 100);
  add_account(2, 100);
  return 0;
}
static int hello(void) {
  i64 gate;
  account_index = account_index ? account_index : index("account_id_idx_btree");
  if (find(4040, &gate)) return refuse("closed today");
  u32 source = 0, len = 64;
  char text[80] = "hello ";
  if (get_jwt((const u8 *)connection, &source)) __builtin_trap();
  if (source)
    bytes_source_read(source, (u8 *)text + 6, &len);
  else
    len = 0;
  add_note(text, 6 + len);
  return 0;
}
static int goodbye(void) {
  add_note("goodbye", 7);
  i64 gate;
  account_index = account_index ? account_index : index("account_id_idx_btree");
  return find(4041, &gate) ? refuse("stay") : 0;
}
static int open_account(void) {
  u32 id;
  i64 balance;
  memcpy(&id, arguments, 4);
  memcpy(&balance, arguments + 4, 8);
  add_account(id, balance);
  return 0;
}
static int transfer(void) {
  u32 from, to;
  i64 amount, from_balance, to_balance;
  memcpy(&from, arguments, 4);
  memcpy(&to, arguments + 4, 4);
  memcpy(&amount, arguments + 8, 8);
  if (!account_table) account_table = table("account");
  if (!account_index) account_index = index("account_id_idx_btree");
  if (!find(from, &from_balance) || !find(to, &to_balance)) return refuse("account_missing");
  if (from_balance < amount) return refuse("insufficient_funds");
  store(from, from_balance - amount);
  store(to, to_balance + amount);
  return 0;
}
static int fail(void) {
  add_account(999, 1);
  u32 len;
  memcpy(&len, arguments, 4);
  bytes_sink_write(error_sink, arguments + 4, &len);
  return 1;
}
static int crash(void) {
  add_account(998, 1);
  __builtin_trap();
}
static int spin(void) {
  add_account(997, 1);
  for (volatile u32 i = 0;; i++) {
  }
}
static int odd(void) {
  return 7;
}
static int say(void) {
  u32 len;
  memcpy(&len, arguments, 4);
  console_log(2, "bank", 4, "bank.c", 6, 12, (const char *)arguments + 4, len);
  return 0;
}
static int set_alarm(void) { /* kind, micros */
  memset(row, 0, 8);
  row[8] = arguments[0];
  memcpy(row + 9, arguments + 1, 8);
  u32 len = 17;
  u16 error = datastore_insert_bsatn(table("alarm"), row, &len);
  return error == 13 ? refuse("too long") : error ? refuse("other") : 0;
}
static int set_alarm_and_fail(void) {
  return set_alarm() || refuse("after all not");
}
static int clear_alarm(void) {
  u32 deleted;
  if (delete_by_point(index("alarm_id_idx_btree"), arguments, 8, &deleted)) __builtin_trap();
  return 0;
}
static int ring(void) {
  memset(row, 0, 8);
  memcpy(row + 8, arguments, 8);
  memcpy(row + 16, &timestamp, 8);
  insert("rung", 24);
  i64 gate;
  account_index = account_index ? account_index : index("account_id_idx_btree");
  if (find(4042, &gate)) return refuse("no ringing");
  return 0;
}
static int later(void) {
  schedule_immediate("say", 3, arguments, arguments_len);
  return refuse("but later");
}
static int wipe(void) {
  u32 deleted;
  if (delete_by_point(index("account_id_idx_btree"), arguments, 4, &deleted)) __builtin_trap();
  return 0;
}

static const reducer reducers[] = {
    {"init", 0, "", init},
    {"hello", 1, "", hello},
    {"goodbye", 2, "", goodbye},
    {"open_account", -1, "wq", open_account},
    {"transfer", -1, "wwq", transfer},
    {"fail", -1, "s", fail},
    {"crash", -1, "", crash},
    {"spin", -1, "", spin},
    {"odd", -1, "", odd},
    {"say", -1, "s", say},
    {"set_alarm", -1, "bq", set_alarm},
    {"set_alarm_and_fail", -1, "bq", set_alarm_and_fail},
    {"clear_alarm", -1, "Q", clear_alarm},
    {"ring", -1, "r", ring},
    {"later", -1, "s", later},
    {"wipe", -1, "w", wipe},
#if EDITION == 2
    {"answer", -1, "", odd},
#endif
};
static const u32 reducer_count = sizeof reducers / sizeof *reducers;

#if EDITION == 6
EXPORT(__setup__) u32 setup(u32 sink) {
  __builtin_trap();
}
#endif

EXPORT(__call_reducer__)
u32 call_reducer(u32 id, u64 sender0, u64 sender1, u64 sender2, u64 sender3, u64 connection0, u64 connection1, u64 at, u32 source,
                 u32 sink) {
  connection[0] = connection0;
  connection[1] = connection1;
  timestamp = at;
  error_sink = sink;
  arguments_len = 0;
  if (source) {
    arguments_len = sizeof arguments;
    bytes_source_read(source, arguments, &arguments_len);
  }
  return (u32)reducers[id].run();
}
