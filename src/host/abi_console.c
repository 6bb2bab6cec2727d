/* What a module writes to its log: records, and timers that end as records. */
#include <stdlib.h>

#include "host/abi_internal.h"

static lc_module_log_level level_of(uint8_t level) {
  return level <= LC_MODULE_TRACE || level == LC_MODULE_PANIC ? (lc_module_log_level)level : LC_MODULE_DEBUG;
}

static void refuse_text(lc_abi *abi) {
  lc__abi_trap(abi, "a call may write at most %d bytes to the module's log", LC_LOG_BYTES_MAX);
}

/* Passes the record on, unless the call has written too much (A3): a module may not fill the disk. */
static void emit(lc_abi *abi, const lc_module_log_record *record) {
  size_t bytes = record->message.len + record->target.len + record->filename.len + 64;
  if (bytes > LC_LOG_BYTES_MAX - abi->log_bytes) {
    refuse_text(abi);
    return;
  }
  abi->log_bytes += bytes;
  if (abi->services.log) abi->services.log(abi->services.database, record);
}

/* A null pointer means absent; false when it is neither null nor valid, or too long (then the guest traps): checked before the copy, which
 * grows threefold where it is not UTF-8. */
static bool optional_text(lc_abi *abi, uint32_t ptr, uint32_t len, lc_buf *scratch, lc_str *text) {
  *text = (lc_str){0};
  if (ptr == 0) return true;
  if (!lc__guest_slice_is_valid(abi, ptr, len)) return false;
  if (len > LC_LOG_BYTES_MAX) {
    refuse_text(abi);
    return false;
  }
  *text = lc__text_lossy(lc_span_of(abi->memory.base + ptr, len), scratch);
  return true;
}

/* Bad pointers drop the record without a trap: logging is what a module does when things are bad already. */
void lc__abi_console_log(lc_abi *abi, uint32_t level, uint32_t target, uint32_t target_len, uint32_t filename, uint32_t filename_len,
                         uint32_t line_number, uint32_t message, uint32_t message_len) {
  lc_module_log_record record = {.level = level_of((uint8_t)level), .function = abi->function, .line_number = line_number};
  if (!optional_text(abi, target, target_len, &abi->scratch[0], &record.target)) return;
  if (!optional_text(abi, filename, filename_len, &abi->scratch[1], &record.filename)) return;
  if (message == 0 || !optional_text(abi, message, message_len, &abi->scratch[2], &record.message)) return;
  if (record.level == LC_MODULE_PANIC && abi->backtrace) {
    lc_buf_clear(&abi->scratch[3]);
    abi->backtrace(abi, &abi->scratch[3]);
    record.trace_json = lc_buf_str(&abi->scratch[3]);
  }
  emit(abi, &record);
}

static uint64_t now_nanos(lc_abi *abi) {
  if (abi->services.monotonic_nanos) return abi->services.monotonic_nanos(abi->services.database);
  return abi->services.now_micros ? (uint64_t)abi->services.now_micros(abi->services.database) * 1000 : 0;
}

uint32_t lc__abi_console_timer_start(lc_abi *abi, uint32_t name, uint32_t name_len) {
  const uint8_t *bytes = lc__guest_slice(abi, name, name_len);
  if (bytes == NULL) return 0;
  if (name_len > LC_TIMER_NAME_BYTES_MAX)
    return lc__abi_trap(abi, "console_timer_start: a name may have at most %d bytes", LC_TIMER_NAME_BYTES_MAX);
  lc_str text = lc__text_lossy(lc_span_of(bytes, name_len), &abi->scratch[0]);
  uint32_t position = abi->timer_free;
  if (position) {
    abi->timer_free = abi->timers.items[position - 1].next_free;
  } else {
    if (abi->timers.count == LC_TIMER_COUNT_MAX) return lc__abi_trap(abi, "a module may run at most %d console timers", LC_TIMER_COUNT_MAX);
    lc_vec_push(&abi->timers, (lc_abi_timer){0});
    position = (uint32_t)abi->timers.count;
  }
  char *copy = malloc(text.len + 1);
  lc_assert(copy != NULL);
  memcpy(copy, text.ptr, text.len);
  abi->timers.items[position - 1] = (lc_abi_timer){copy, text.len, now_nanos(abi), 0, true};
  return position;
}

uint32_t lc__abi_console_timer_end(lc_abi *abi, uint32_t id) {
  if (id == 0 || id > abi->timers.count || !abi->timers.items[id - 1].running) return LC_GUEST_NO_SUCH_CONSOLE_TIMER;
  lc_abi_timer *timer = &abi->timers.items[id - 1];
  uint64_t now = now_nanos(abi);
  lc_buf *text = &abi->scratch[0];
  lc_buf_clear(text);
  lc_buf_put_text(text, "Timing span \"");
  lc_buf_append(text, timer->name, timer->name_len);
  lc_buf_put_text(text, "\": ");
  lc__text_put_duration(text, now > timer->start_nanos ? now - timer->start_nanos : 0);
  free(timer->name);
  *timer = (lc_abi_timer){.next_free = abi->timer_free};
  abi->timer_free = id;
  emit(abi,
       &(lc_module_log_record){.level = LC_MODULE_INFO, .function = abi->function, .message = lc_buf_str(text), .line_number = UINT32_MAX});
  return LC_GUEST_OK;
}
