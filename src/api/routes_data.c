/* What a database holds and looks like: the schema, and SQL (http-api 9, 11). */
#include "api/api_internal.h"
#include "sats/json.h"

void lc__route_schema(lc_exchange *exchange) {
  static const char *const versions[] = {"9", "10", NULL};
  int version = -1;
  lc_hosted *hosted;
  if (!lc__query_choice(exchange, "version", versions, &version)) return;
  if (version < 0) {
    lc__text(exchange, 400, "Failed to deserialize query string: missing field `version`");
    return;
  }
  if (!lc__hosted(exchange, &hosted)) return;
  const lc_module_def *def = lc_database_def(hosted->database);
  if (def == NULL) {
    const char *trouble = lc_database_module_error(hosted->database);
    lc__text(exchange, 404, "%s", trouble ? trouble : "module not found");
    return;
  }
  lc_module_def_print_json(lc__json(exchange, 200), def, version == 0 ? 9 : 10);
}

/* ---- SQL ---- */

static void put_schema(lc_buf *json, const lc_sql_result *result) {
  lc_buf_put_text(json, "[{\"schema\":{\"elements\":[");
  for (uint32_t i = 0; i < result->column_count; i++) {
    lc_buf_put_text(json, i ? ",{\"name\":" : "{\"name\":");
    if (result->columns[i].name.ptr) {
      lc_buf_put_text(json, "{\"some\":");
      lc_json_put_string(json, result->columns[i].name);
    } else {
      lc_buf_put_text(json, "{\"none\":[]");
    }
    lc_buf_put_text(json, "},\"algebraic_type\":");
    lc_type_print_json(json, result->columns[i].type);
    lc_buf_put8(json, '}');
  }
  lc_buf_put_text(json, "]},\"rows\":[");
}

static void put_rows(lc_buf *json, const lc_sql_result *result) {
  for (uint32_t i = 0; i < result->rows.count; i++) {
    const uint8_t *at = lc_row_list_get(&result->rows, i).ptr;
    lc_buf_put_text(json, i ? ",[" : "[");
    for (uint32_t column = 0; column < result->column_count; column++) {
      if (column) lc_buf_put8(json, ',');
      lc_value_print_json(json, result->columns[column].type, &at, LC_JSON_POSITIONAL);
    }
    lc_buf_put8(json, ']');
  }
}

static int failure_status(lc_err err) {
  switch (lc_err_class_of(err)) {
    case LC_CLASS_INPUT:
    case LC_CLASS_DENIED:
    case LC_CLASS_CONFLICT:
    case LC_CLASS_NOT_FOUND:
      return 400;
    case LC_CLASS_LIMIT:
      return err.code == LC_ERR_SEQUENCE || err.code == LC_ERR_TOO_LARGE ? 400 : 503;
    default:
      return err.code == LC_ERR_NO_SPACE ? 503 : 500;
  }
}

/* Runs the statement, and returns the offset that the answer depends on. */
static uint64_t run_sql(lc_exchange *exchange, lc_hosted *hosted) {
  lc_sql_result result = {0};
  uint64_t offset = 0, started = lc_io_monotonic_nanos(exchange->api->site.io);
  lc_str sql = {(const char *)exchange->upload.ptr, exchange->upload.len};
  lc_err err = lc_database_sql(hosted->database, exchange->caller.identity, sql, &result, &offset);
  if (lc_failed(err)) {
    lc__text(exchange, failure_status(err), "%s", lc_err_text(err));
  } else {
    int64_t micros = (int64_t)((lc_io_monotonic_nanos(exchange->api->site.io) - started) / 1000);
    lc_buf *json = lc__json(exchange, 200);
    put_schema(json, &result);
    put_rows(json, &result);
    lc_buf_printf(json, "],\"total_duration_micros\":%lld,\"stats\":{\"rows_inserted\":%llu,\"rows_deleted\":%llu,\"rows_updated\":%llu}}]",
                  (long long)micros, (unsigned long long)result.rows_inserted, (unsigned long long)result.rows_deleted,
                  (unsigned long long)result.rows_updated);
    lc__header_number(exchange, "spacetime-execution-duration-micros", micros);
  }
  lc_sql_result_deinit(&result);
  return offset;
}

void lc__route_sql(lc_exchange *exchange) {
  lc_hosted *hosted;
  lc_client *client;
  lc_connection_id connection;
  bool confirmed = true;
  if (!lc__query_bool(exchange, "confirmed", &confirmed) || !lc__hosted(exchange, &hosted)) return;
  if (!lc_utf8_valid(exchange->upload.ptr, exchange->upload.len)) {
    lc__text(exchange, 400, "Request body didn't contain valid UTF-8");
    return;
  }
  if (!lc__visit_begin(exchange, hosted, &client, &connection)) return;
  uint64_t offset = run_sql(exchange, hosted);
  lc__visit_end(client);
  if (!confirmed) return;
  lc__exchange_refer(exchange, hosted);
  lc__exchange_finish_when_durable(exchange, offset);
}
