/* What a module may ask about the world around its call: the database's identity, the caller's token, its configuration. */
#include "host/abi_internal.h"

void lc__abi_identity(lc_abi *abi, uint32_t out) {
  uint8_t *to = lc__guest_slice(abi, out, 32);
  if (to) memcpy(to, abi->services.identity.bytes, 32);
}

/* `*out`: a source with the claims of the connection's token as JSON text, 0 when there is none. */
uint32_t lc__abi_get_jwt(lc_abi *abi, uint32_t connection_ptr, uint32_t out) {
  const uint8_t *at = lc__guest_slice(abi, connection_ptr, 16);
  if (at == NULL) return 0;
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to == NULL) return 0;
  lc_connection_id connection = {lc_load64(at), lc_load64(at + 8)};
  lc_str payload;
  uint32_t source = 0;
  if (abi->services.jwt && abi->services.jwt(abi->services.database, connection, &payload)) {
    source = lc__abi_source_add(abi, lc_str_span(payload));
    if (source == 0) return lc__abi_trap(abi, "get_jwt: %d byte sources are still unread", LC_SOURCE_COUNT_MAX);
  }
  lc_store32(to, source);
  return LC_GUEST_OK;
}

void lc__abi_volatile_nonatomic_schedule_immediate(lc_abi *abi, uint32_t name, uint32_t name_len, uint32_t arguments,
                                                   uint32_t arguments_len) {
  lc_str function;
  if (!lc__guest_text(abi, name, name_len, &function)) return;
  const uint8_t *bytes = lc__guest_slice(abi, arguments, arguments_len);
  if (bytes == NULL) return;
  if (abi->services.schedule_immediate)
    abi->services.schedule_immediate(abi->services.database, function, lc_span_of(bytes, arguments_len));
}

static bool is_env_key(lc_str key) {
  for (size_t i = 0; i < key.len; i++) {
    char c = key.ptr[i];
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    if (!letter && !(i > 0 && c >= '0' && c <= '9')) return false;
  }
  return true;
}

static const lc_environment_def *env_declaration(lc_abi *abi, lc_str key) {
  const lc_module_def *def = abi->services.def ? abi->services.def(abi->services.database) : NULL;
  for (uint32_t i = 0; def && i < def->environment_count; i++) {
    if (lc_str_equal(def->environment[i].name, key)) return &def->environment[i];
  }
  return NULL;
}

/*
 * The order of the checks is part of the ABI. Unlike elsewhere an empty value is a real source: 0 means that the key has no value.
 * An undeclared key, or a required one without a value, is a mistake of configuration that must not stay hidden: a trap.
 */
uint32_t lc__abi_env_get(lc_abi *abi, uint32_t key_ptr, uint32_t key_len, uint32_t out) {
  if (key_len == 0 || key_len > LC_ENV_KEY_BYTES_MAX) return LC_GUEST_HOST_CALL_FAILURE;
  lc_str key;
  if (!lc__guest_text(abi, key_ptr, key_len, &key)) return 0;
  if (!is_env_key(key)) return LC_GUEST_HOST_CALL_FAILURE;
  if (abi->function.ptr == NULL) return lc__abi_trap(abi, "env_get: only a function that the host has called may read the environment");
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  const lc_environment_def *declared = env_declaration(abi, key);
  if (declared == NULL) return lc__abi_trap(abi, "env_get: the module does not declare `%.*s`", LC_STR_ARGS(key));
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to == NULL) return 0;
  lc_str value;
  uint32_t source = 0;
  if (abi->services.env && abi->services.env(abi->services.database, key, &value)) {
    source = lc__abi_source_add(abi, lc_str_span(value));
    if (source == 0) return LC_GUEST_NO_SPACE;
  } else if (declared->required) {
    return lc__abi_trap(abi, "env_get: `%.*s` is required but has no value; set it when publishing", LC_STR_ARGS(key));
  }
  lc_store32(to, source);
  return LC_GUEST_OK;
}
