/* What the crash test calls: every call leaves one row, so a call that is applied twice leaves two. */
#include <lightcone.h>

LC_TABLE(entry, Entry, public, (auto_key, u64, id), (column, u32, client), (column, u32, seq))

LC_REDUCER(record, (u32, client), (u32, seq)) {
  entry_insert(&(Entry){.client = client, .seq = seq});
  return lc_ok();
}
