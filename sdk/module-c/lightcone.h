#pragma once
/*
 * Lightcone modules in C: tables and reducers that run inside the database. A module is one .c file (see examples/chat-c):
 *
 *   #include <lightcone.h>
 *
 *   LC_TABLE(score, Score, public,
 *     (key, identity, player),          // kind, type, name
 *     (index, u32, points))
 *
 *   LC_REDUCER(add_points, (u32, points)) {                   // called with a transaction open
 *     Score mine = {.player = ctx->sender};
 *     bool known = score_find_by_player(ctx->sender, &mine);
 *     mine.points += points;
 *     if (known) score_update_by_player(&mine);
 *     else score_insert(&mine);
 *     return lc_ok();                                           // lc_error("…") rolls everything back
 *   }
 *
 * `lightcone build` compiles it; by hand: clang --target=wasm32-unknown-unknown -std=gnu2x -O2 -ffreestanding -nostdlib -Wl,--no-entry
 * module.c lightcone.c -o module.wasm.
 *
 * What you read from the database, and what lc_format makes, stays valid until the reducer returns; nothing needs to be freed. Globals do
 * not survive reliably from call to call: keep state in tables.
 *
 *   types      u8 u16 u32 u64 u128 u256, i8 … i256, f32 f64, bool, string, bytes, identity, connection_id, timestamp, time_duration,
 *              uuid, schedule_at, unit; option_T and array_T for each of these and for T declared with LC_OPTION(T), LC_ARRAY(T);
 *              and what LC_PRODUCT, LC_SUM, LC_ENUM and LC_TABLE declare.
 *   kinds      column; key (primary key); auto_key (a primary key that the database numbers: insert with 0); unique; index (ordered);
 *              hash_index and hash_key (equality only).
 *   visibility public, private, event, private_event (rows of an event table reach subscribers and are not kept).
 *
 * For LC_TABLE(t, Row, …) there are: t_insert, t_try_insert, t_count, t_clear, t_delete, t_scan, t_next; for a unique column c:
 * t_find_by_c, t_update_by_c, t_delete_by_c; for an indexed column c: t_filter_by_c, t_delete_by_c, and (ordered) t_range_by_c.
 * LC_FOR_EACH walks a scan.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __wasm32__
#error "Modules are compiled for WebAssembly: use `lightcone build`, or clang --target=wasm32-unknown-unknown."
#endif

/* ---- values ---- */

typedef struct lc_string { const char *ptr; uint32_t len; } lc_string; /* UTF-8, not terminated */
typedef struct lc_bytes { const uint8_t *ptr; uint32_t len; } lc_bytes;
typedef struct lc_u256 { uint8_t bytes[32]; } lc_u256; /* little endian */
typedef struct lc_identity { uint8_t bytes[32]; } lc_identity;
typedef struct lc_connection_id { uint8_t bytes[16]; } lc_connection_id;
typedef struct lc_uuid { uint8_t bytes[16]; } lc_uuid;
typedef struct lc_timestamp { int64_t micros; } lc_timestamp; /* since the Unix epoch */
typedef struct lc_time_duration { int64_t micros; } lc_time_duration;
typedef struct lc_unit {} lc_unit;
typedef struct lc_schedule_at {
  enum lc_schedule_kind : uint8_t { LC_INTERVAL, LC_TIME } kind;
  int64_t micros; /* between two calls, or since the Unix epoch */
} lc_schedule_at;

#define LC_S(literal) ((lc_string){"" literal, sizeof(literal) - 1})
#define lc_some(type, v) ((option_##type){.some = true, .value = (v)})
#define lc_none(type) ((option_##type){.some = false})
lc_string lc_string_of(const char *text);
bool lc_string_equal(lc_string a, lc_string b);
static inline bool lc_identity_equal(lc_identity a, lc_identity b) { return __builtin_memcmp(a.bytes, b.bytes, 32) == 0; }
lc_string lc_identity_hex(lc_identity identity);
/* printf with %s %.*s %c %d %i %u %x (with h, l, ll, z) and %%. */
lc_string lc_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline lc_schedule_at lc_every(int64_t micros) { return (lc_schedule_at){LC_INTERVAL, micros}; }
static inline lc_schedule_at lc_at(lc_timestamp time) { return (lc_schedule_at){LC_TIME, time.micros}; }
/* Memory until the reducer returns, zeroed. */
void *lc_alloc(size_t size);

/* ---- reducers ---- */

typedef struct lc_context {
  lc_identity sender;
  lc_connection_id connection;
  bool has_connection;
  lc_timestamp timestamp; /* of the transaction: the only clock there is */
} lc_context;

/* What a reducer returns; an error rolls the transaction back and its text goes to the caller. */
typedef struct [[nodiscard]] lc_result { const char *error; uint32_t len; } lc_result;
static inline lc_result lc_ok(void) { return (lc_result){0}; }
lc_result lc_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Logs and traps: for what cannot happen. Rolls back; the caller sees only that the module failed. */
_Noreturn void lc_panic_at(const char *file, uint32_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define lc_panic(...) lc_panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define lc_assert(condition) ((condition) ? (void)0 : lc_panic("assertion failed: %s", #condition))

typedef enum lc_level { LC_LEVEL_ERROR, LC_LEVEL_WARN, LC_LEVEL_INFO, LC_LEVEL_DEBUG, LC_LEVEL_TRACE } lc_level;
void lc_log_at(lc_level level, const char *file, uint32_t line, const char *format, ...) __attribute__((format(printf, 4, 5)));
#define lc_log_error(...) lc_log_at(LC_LEVEL_ERROR, __FILE__, __LINE__, __VA_ARGS__)
#define lc_log_warn(...) lc_log_at(LC_LEVEL_WARN, __FILE__, __LINE__, __VA_ARGS__)
#define lc_log_info(...) lc_log_at(LC_LEVEL_INFO, __FILE__, __LINE__, __VA_ARGS__)
#define lc_log_debug(...) lc_log_at(LC_LEVEL_DEBUG, __FILE__, __LINE__, __VA_ARGS__)

lc_identity lc_database_identity(void);

#include "lightcone_codec.h"
#include "lightcone_macros.h"

/* LC_TABLE(name, Row, visibility, (kind, type, column), …) */
#define LC_TABLE(name, Row, visibility, ...) LC__TABLE(name, Row, visibility, __VA_ARGS__)
/* An ordered index over several columns: LC_INDEX(message, by_room_time, (u32, room), (timestamp, sent)).
 * Its rows: LC_FILTER(message, by_room_time, room, sent) */
#define LC_INDEX(table, name, ...) LC__INDEX(table, name, __VA_ARGS__)
/* LC_PRODUCT(Point, (f32, x), (f32, y)) */
#define LC_PRODUCT(Name, ...) LC__PRODUCT(Name, __VA_ARGS__)
/* LC_SUM(Shape, (unit, Empty), (f32, Circle)): {.tag = Shape_Circle, .Circle = 2} */
#define LC_SUM(Name, ...) LC__SUM(Name, __VA_ARGS__)
/* LC_ENUM(Mood, Calm, Busy): Mood_Calm */
#define LC_ENUM(Name, ...) LC__ENUM(Name, __VA_ARGS__)
/* LC_REDUCER(name, (type, parameter), …) { … return lc_ok(); } with `ctx`, a const lc_context * */
#define LC_REDUCER(name, ...) LC__REDUCER(name, LC__CLIENT, LC__NO_LIFECYCLE, __VA_ARGS__)
/* Only the owner may call it. */
#define LC_PRIVATE_REDUCER(name, ...) LC__REDUCER(name, LC__PRIVATE, LC__NO_LIFECYCLE, __VA_ARGS__)
/* Once, in the transaction that creates the tables; when a client comes; when it has gone. */
#define LC_ON_INIT(name) LC__REDUCER(name, LC__PRIVATE, 0)
#define LC_ON_CONNECT(name) LC__REDUCER(name, LC__PRIVATE, 1)
#define LC_ON_DISCONNECT(name) LC__REDUCER(name, LC__PRIVATE, 2)
/* Rows of the table (an auto_key of type u64 and a column of type schedule_at) call the reducer, whose one parameter is the row. */
#define LC_SCHEDULE(table, at_column, reducer) LC__SCHEDULE(table, at_column, reducer)

/* LC_FOR_EACH(message, m, message_scan()) { … m.text … } */
#define LC_FOR_EACH(table, row, ...)                                                      \
  for (table##_row row = {0}, *lc__once_##row = &row; lc__once_##row; lc__once_##row = NULL) \
    for (lc_scan lc__scan_##row __attribute__((cleanup(lc_scan_close))) = (__VA_ARGS__); table##_next(&lc__scan_##row, &row);)
