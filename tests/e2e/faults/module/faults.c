/* A module that misbehaves on request. faults.py appends an `init` that does, for some of its cases. */
#include <lightcone.h>

LC_TABLE(entry, Entry, public, (auto_key, u64, id), (column, u32, client), (column, u32, seq))
LC_TABLE(noise, Noise, event, (column, u32, seq), (column, bytes, body))

static volatile uint32_t sink;

static void spin(void) {
  for (;;) sink++;
}

static void grow(void) {
  while (__builtin_wasm_memory_grow(0, 16) != (unsigned long)-1) sink++;
  lc_panic("no more memory after %u steps", sink);
}

LC_REDUCER(record, (u32, client), (u32, seq)) {
  entry_insert(&(Entry){.client = client, .seq = seq});
  return lc_ok();
}

LC_REDUCER(make_noise, (u32, count), (u32, size)) {
  const uint8_t *body = lc_alloc(size);
  for (uint32_t i = 0; i < count; i++) noise_insert(&(Noise){.seq = i, .body = {body, size}});
  return lc_ok();
}

LC_REDUCER(run_for_ever) {
  spin();
  return lc_ok();
}

LC_REDUCER(take_all_memory) {
  grow();
  return lc_ok();
}

static uint32_t dive(uint32_t depth) {
  volatile uint32_t frame[64];
  frame[depth % 64] = depth;
  return dive(depth + 1) + frame[depth % 64];
}

LC_REDUCER(recurse) {
  sink = dive(0);
  return lc_ok();
}

LC_REDUCER(trap_after_writing, (u32, seq)) {
  entry_insert(&(Entry){.client = 2000, .seq = seq});
  __builtin_trap();
}
