/*
 * Imports that only procedures and HTTP handlers may use. A module has one list of imports for all of its functions, so they exist for
 * every instance and answer as the ABI says for reducers: the transaction is the host's, and waiting is not possible.
 */
#include "host/abi_internal.h"

int64_t lc__abi_procedure_sleep_until(lc_abi *abi, int64_t wake_at_micros) {
  return lc__abi_trap(abi, "procedure_sleep_until: a reducer cannot sleep; only a procedure can");
}

uint32_t lc__abi_procedure_start_mut_tx(lc_abi *abi, uint32_t out) {
  if (!lc__abi_in_transaction(abi)) return lc__abi_trap(abi, "procedure_start_mut_tx: only a procedure can start a transaction");
  return LC_GUEST_WOULD_BLOCK_TRANSACTION;
}

uint32_t lc__abi_procedure_commit_mut_tx(lc_abi *abi) {
  return LC_GUEST_TRANSACTION_NOT_ANONYMOUS;
}

uint32_t lc__abi_procedure_abort_mut_tx(lc_abi *abi) {
  return LC_GUEST_TRANSACTION_NOT_ANONYMOUS;
}

uint32_t lc__abi_procedure_http_request(lc_abi *abi, uint32_t request, uint32_t request_len, uint32_t body, uint32_t body_len,
                                        uint32_t out) {
  return lc__abi_trap(abi, "procedure_http_request: a reducer cannot make HTTP requests; only a procedure can");
}
