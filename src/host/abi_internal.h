#pragma once
/*
 * The module ABI, independent of the engine that runs the code: what an import does to the store and to guest memory. An engine
 * binding (host/wasm) owns one lc_abi per instance, keeps `memory` pointing at the guest's memory and calls lc__abi_<import> with the
 * guest's arguments. After each call it looks at `trap`: when set, the guest must be stopped with that text.
 *
 * Invariants
 *   A1  Guest bytes are reached only through lc__guest_slice and what builds on it: ptr is not 0 and ptr + len lies in memory. A stale
 *       `memory.len` can only be too small (linear memory never shrinks), and the slow path asks the engine before it traps.
 *   A2  Out-parameters are written after the operation succeeded and never on an errno, except where the ABI says so.
 *   A3  What one call or instance can make the host hold is bounded: see the limits below. Beyond them the guest traps.
 *   A4  Nothing here allocates on the way of a point scan, insert, update or delete once the buffers are warm (H3).
 *
 * Threads: one at a time, the instance's.
 */
#include "base/vec.h"
#include "host/host.h"

/* What imports answer (module-abi errno table). Negative: "done" of sources and iterators, sign-extended from i16. */
enum lc_guest_errno {
  LC_GUEST_OK = 0,
  LC_GUEST_HOST_CALL_FAILURE = 1,
  LC_GUEST_NOT_IN_TRANSACTION = 2,
  LC_GUEST_BSATN_DECODE_ERROR = 3,
  LC_GUEST_NO_SUCH_TABLE = 4,
  LC_GUEST_NO_SUCH_INDEX = 5,
  LC_GUEST_NO_SUCH_ITER = 6,
  LC_GUEST_NO_SUCH_CONSOLE_TIMER = 7,
  LC_GUEST_NO_SUCH_BYTES = 8,
  LC_GUEST_NO_SPACE = 9,
  LC_GUEST_BUFFER_TOO_SMALL = 11,
  LC_GUEST_UNIQUE_ALREADY_EXISTS = 12,
  LC_GUEST_SCHEDULE_AT_DELAY_TOO_LONG = 13,
  LC_GUEST_INDEX_NOT_UNIQUE = 14,
  LC_GUEST_NO_SUCH_ROW = 15,
  LC_GUEST_AUTO_INC_OVERFLOW = 16,
  LC_GUEST_WOULD_BLOCK_TRANSACTION = 17,
  LC_GUEST_TRANSACTION_NOT_ANONYMOUS = 18,
};
#define LC_GUEST_DONE ((uint32_t)-1)

/* Limits per instance or call (A3). */
enum {
  LC_SOURCE_COUNT_MAX = 256, /* unread sources at a time (the ABI names this number for env_get) */
  LC_SINK_COUNT = 2,
  LC_SINK_BYTES_MAX = 64 << 20, /* one sink: a result, an error text, a module description */
  LC_ITERATOR_COUNT_MAX = 1 << 16,
  LC_ITERATOR_BYTES_KEPT_MAX = 16 << 20, /* buffers of closed iterators that stay for reuse */
  LC_ITERATOR_CHUNK_BYTES = 32 << 10,    /* a chunk is closed by the row that takes it over this */
  LC_TIMER_COUNT_MAX = 4096,
  LC_TIMER_NAME_BYTES_MAX = 4096,
  LC_LOG_BYTES_MAX = 16 << 20, /* text per call */
  LC_ENV_KEY_BYTES_MAX = 256,
};

typedef struct lc_guest_memory {
  uint8_t *base;
  uint64_t len;
} lc_guest_memory;

typedef struct lc_abi_source {
  uint32_t id;
  lc_span rest;
} lc_abi_source;

/* The snapshot of a scan: rows back to back. Chunks end at `ends` (all but the last, which ends with the rows). */
typedef struct lc_abi_iterator {
  lc_buf rows;
  LC_VEC(size_t) ends;
  size_t chunk_start; /* of the chunk being filled, while scanning */
  size_t taken;       /* bytes that the guest has had */
  size_t next_end;
  uint32_t next_free; /* position + 1 of the next free slot, 0: none */
  bool open;
} lc_abi_iterator;

typedef struct lc_abi_timer {
  char *name; /* valid UTF-8, owned */
  size_t name_len;
  uint64_t start_nanos;
  uint32_t next_free;
  bool running;
} lc_abi_timer;

typedef struct lc_abi lc_abi;
struct lc_abi {
  lc_guest_memory memory;
  void (*refresh_memory)(lc_abi *abi);          /* asks the engine for base and length anew */
  void (*backtrace)(lc_abi *abi, lc_buf *json); /* the guest's stack as a JSON array of frames */
  const char *trap;                             /* why the guest must be stopped; NULL: it goes on */
  char trap_text[384];
  lc_host_services services;
  uint64_t iterator_bytes_max;

  /* The call that is running. */
  lc_str function; /* ptr NULL during start-up */
  lc_abi_source sources[LC_SOURCE_COUNT_MAX];
  uint32_t source_count, source_last_id;
  lc_buf sinks[LC_SINK_COUNT]; /* sink n has id n + 1 */
  uint32_t sink_count;
  size_t log_bytes;
  const lc_table *changed_catalogue; /* a system table that no call may change: then the call fails at its end */

  /* What lives as long as the instance. */
  LC_VEC(lc_abi_iterator) iterators; /* iterator n has id n + 1 */
  uint32_t iterator_free;
  uint64_t iterator_bytes; /* held by all of them */
  LC_VEC(lc_abi_timer) timers;
  uint32_t timer_free;
  LC_VEC(uint32_t) row_ids; /* scratch of delete-by-scan */
  lc_buf scratch[4];        /* texts made valid, backtraces */
};

/* ---- abi.c: life of a call, guest memory ---- */
void lc__abi_init(lc_abi *abi, const lc_host_services *services, uint64_t iterator_bytes_max);
void lc__abi_deinit(lc_abi *abi);
void lc__abi_call_begin(lc_abi *abi, lc_str function);
void lc__abi_call_end(lc_abi *abi);
/* Id of a new source over borrowed bytes, 0 when there are too many. */
uint32_t lc__abi_source_add(lc_abi *abi, lc_span bytes);
uint32_t lc__abi_sink_add(lc_abi *abi);
static inline lc_buf *lc__abi_sink(lc_abi *abi, uint32_t id) {
  return &abi->sinks[id - 1];
}
/* Marks the guest to be stopped; the answer of the failing import. */
uint32_t lc__abi_trap(lc_abi *abi, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t lc__abi_trap_store(lc_abi *abi, const char *what, lc_err err);

/* Whether the call may see this table at all; a change of one that describes the schema is noted, and refused when the call ends. */
static inline bool lc__abi_may_change(lc_abi *abi, const lc_table *table) {
  uint32_t id = lc_table_id(table);
  if (__builtin_expect(id >= LC_ST_FIRST_USER, 1)) return true;
  if (id == LC_ST_ENV) return false;
  if (lc_store_is_catalogue(id)) abi->changed_catalogue = table;
  return true;
}

static inline bool lc__abi_in_transaction(const lc_abi *abi) {
  return abi->services.store != NULL && lc_store_in_transaction(abi->services.store);
}

uint8_t *lc__guest_slice_slow(lc_abi *abi, uint32_t ptr, uint32_t len);
/* `len` bytes of guest memory at `ptr`, or NULL: then the guest traps. */
static inline uint8_t *lc__guest_slice(lc_abi *abi, uint32_t ptr, uint32_t len) {
  if (__builtin_expect(ptr != 0 && (uint64_t)ptr + len <= abi->memory.len, 1)) return abi->memory.base + ptr;
  return lc__guest_slice_slow(abi, ptr, len);
}
/* As lc__guest_slice, but a bad pointer is only reported. */
bool lc__guest_slice_is_valid(lc_abi *abi, uint32_t ptr, uint32_t len);
/* UTF-8 text at `ptr`; false: the guest traps. Borrows guest memory. */
bool lc__guest_text(lc_abi *abi, uint32_t ptr, uint32_t len, lc_str *text);

/* ---- text.c ---- */
/* The text with every maximal ill-formed part replaced by U+FFFD; borrows `bytes` when they are valid, else `scratch`. */
lc_str lc__text_lossy(lc_span bytes, lc_buf *scratch);
/* `1.5s`, `31.23579ms`, `19.075µs`, `12ns`: as Rust prints a Duration. */
void lc__text_put_duration(lc_buf *to, uint64_t nanos);

/* ---- the imports ---- */
#define LC_ABI_PARAMS_0
#define LC_ABI_PARAMS_1 , uint32_t
#define LC_ABI_PARAMS_2 LC_ABI_PARAMS_1, uint32_t
#define LC_ABI_PARAMS_3 LC_ABI_PARAMS_2, uint32_t
#define LC_ABI_PARAMS_4 LC_ABI_PARAMS_3, uint32_t
#define LC_ABI_PARAMS_5 LC_ABI_PARAMS_4, uint32_t
#define LC_ABI_PARAMS_8 LC_ABI_PARAMS_5, uint32_t, uint32_t, uint32_t
#define LC_ABI_PARAMS_9 LC_ABI_PARAMS_8, uint32_t
#define LC_IMPORT(minor, name, arity) uint32_t lc__abi_##name(lc_abi *abi LC_ABI_PARAMS_##arity);
#define LC_IMPORT_VOID(minor, name, arity) void lc__abi_##name(lc_abi *abi LC_ABI_PARAMS_##arity);
#define LC_IMPORT_I64(minor, name) int64_t lc__abi_##name(lc_abi *abi, int64_t);
#include "host/abi_imports.def"
#undef LC_IMPORT
#undef LC_IMPORT_VOID
#undef LC_IMPORT_I64
