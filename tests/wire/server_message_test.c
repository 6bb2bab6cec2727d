/*
 * W3, W4: what clients get. Worked examples of client-protocol 12 byte for byte; then every recorded message is taken apart by the small
 * decoder below, put into the engine's structs and encoded again.
 */
#define _GNU_SOURCE
#include "fake_table.h"
#include "harness.h"
#include "vectors.h"

static lc_row_list list_of(const char *const *rows, uint32_t count) {
  lc_row_list list = {0};
  lc_buf row = {0};
  for (uint32_t i = 0; i < count; i++) {
    lc_buf_clear(&row);
    put_hex_text(&row, rows[i]);
    lc_row_list_add(&list, row.data, (uint32_t)row.len);
  }
  lc_buf_deinit(&row);
  return list;
}

static lc_identity example_identity(void) {
  lc_identity identity;
  expect(lc_u256_from_hex(&identity, LC_STR("c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38")));
  return identity;
}

static const char identity_hex[] = "387ea87aaa9fd14a47f10a597d642fdaf85bd61c887dfbec791bd965ceb300c2";
static lc_table user = {.id = 4096, .name = {"user", 4}};

static void expect_encoded(lc_protocol protocol, const lc_server_message *message, const char *hex) {
  lc_buf out = {0};
  lc_server_message_encode(protocol, message, &out);
  expect_hex(&out, hex);
  lc_buf_deinit(&out);
}

TEST(worked_examples_of_v2) {
  lc_identity identity = example_identity();
  lc_server_message initial = {
      .kind = LC_INITIAL_CONNECTION, .identity = &identity, .connection = {0x08090a0b0c0d0e0f, 0x0001020304050607}, .token = LC_STR("tok")};
  char hex[512];
  snprintf(hex, sizeof hex, "00 %s 0f0e0d0c0b0a09080706050403020100 03000000 746f6b", identity_hex);
  expect_encoded(LC_PROTOCOL_V2, &initial, hex);

  static const char *const rows_hex[] = {"01000000 02000000 416c", "02000000 03000000 426f62"};
  lc_subscription_entry entry = {&user, list_of(rows_hex, 2)};
  lc_subscription_rows rows = {.entries = &entry, .count = 1};
  expect_encoded(LC_PROTOCOL_V3, &(lc_server_message){.kind = LC_SUBSCRIBE_APPLIED, .request_id = 1, .query_set_id = 7, .rows = &rows},
                 "01 01000000 07000000 01000000 04000000 75736572 01 02000000 0000000000000000 0a00000000000000 15000000"
                 "01000000 02000000 416c 02000000 03000000 426f62");
  lc_row_list_deinit(&entry.rows);

  static const char *const rob[] = {"02000000 03000000 526f62"}, *const bob[] = {"02000000 03000000 426f62"};
  lc_row_list inserts = list_of(rob, 1), deletes = list_of(bob, 1);
  lc_query_update query = {&user, &inserts, &deletes};
  lc_set_update set = {7, &query, 1};
  lc_client_update update = {.sets = &set, .set_count = 1};
  static const char update_hex[] =
      "04 01000000 07000000 01000000 04000000 75736572 01000000 00"
      "00 0b00 0b000000 02000000 03000000 526f62 00 0b00 0b000000 02000000 03000000 426f62";
  expect_encoded(LC_PROTOCOL_V2, &(lc_server_message){.kind = LC_TRANSACTION_UPDATE, .update = &update}, update_hex);
  lc_buf out = {0};
  lc_encode_update(&out, &update);
  expect_hex(&out, update_hex);
  lc_buf_deinit(&out);
  lc_row_list_deinit(&inserts);
  lc_row_list_deinit(&deletes);

  expect_encoded(LC_PROTOCOL_V2,
                 &(lc_server_message){
                     .kind = LC_SUBSCRIPTION_ERROR, .request_id = 1, .has_request_id = true, .query_set_id = 7, .error = LC_STR("bad")},
                 "03 00 01000000 07000000 03000000 626164");
  expect_encoded(LC_PROTOCOL_V2, &(lc_server_message){.kind = LC_SUBSCRIPTION_ERROR, .query_set_id = 7, .error = LC_STR("bad")},
                 "03 01 07000000 03000000 626164");
  expect_encoded(LC_PROTOCOL_V2, &(lc_server_message){.kind = LC_UNSUBSCRIBE_APPLIED, .request_id = 2, .query_set_id = 7},
                 "02 02000000 07000000 01");
}

TEST(worked_examples_of_reducer_results_the_same_both_ways) {
  static const struct {
    lc_outcome outcome;
    const char *error, *hex;
  } cases[] = {
      {LC_OUTCOME_OK, NULL, "06 04000000 00401e18240a0600 00 00000000 00000000"},
      {LC_OUTCOME_USER_ERROR, "no", "06 04000000 00401e18240a0600 02 06000000 02000000 6e6f"},
      {LC_OUTCOME_REFUSED, "no such reducer", "06 04000000 00401e18240a0600 03 0f000000 \"no such reducer\""},
      {LC_OUTCOME_INTERNAL_ERROR, "x", "06 04000000 00401e18240a0600 03 01000000 78"},
      {LC_OUTCOME_BUDGET, "reducer ran out of energy", "06 04000000 00401e18240a0600 03 19000000 \"reducer ran out of energy\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lc_reducer_result result = {.outcome = cases[i].outcome, .error = cases[i].error, .timestamp_micros = 1700000000000000};
    lc_buf out = {0};
    lc_encode_reducer_result(&out, 4, &result);
    expect_hex(&out, cases[i].hex);
    lc_buf_deinit(&out);
    expect_encoded(LC_PROTOCOL_V2,
                   &(lc_server_message){.kind = LC_REDUCER_RESULT,
                                        .request_id = 4,
                                        .timestamp_micros = 1700000000000000,
                                        .status = cases[i].outcome,
                                        .error = lc_str_of(cases[i].error ? cases[i].error : "")},
                   cases[i].hex);
  }
}

TEST(worked_examples_of_v1) {
  lc_identity identity = example_identity();
  lc_connection_id connection = {0x08090a0b0c0d0e0f, 0x0001020304050607};
  char hex[1024];
  snprintf(hex, sizeof hex, "03 %s 03000000 746f6b 0f0e0d0c0b0a09080706050403020100", identity_hex);
  expect_encoded(
      LC_PROTOCOL_V1_BSATN,
      &(lc_server_message){.kind = LC_INITIAL_CONNECTION, .identity = &identity, .connection = connection, .token = LC_STR("tok")}, hex);

  static const char *const al[] = {"01000000 02000000 416c"};
  lc_subscription_entry entry = {&user, list_of(al, 1)};
  lc_subscription_rows rows = {.entries = &entry, .count = 1};
  expect_encoded(
      LC_PROTOCOL_V1_BSATN,
      &(lc_server_message){.kind = LC_V1_SUBSCRIBE_MULTI_APPLIED, .request_id = 1, .duration_micros = 5, .query_set_id = 7, .rows = &rows},
      "08 01000000 0500000000000000 07000000 01000000 00100000 04000000 75736572 0100000000000000 01000000 00"
      "01 00000000 00000000 00 0a00 0a000000 01000000 02000000 416c");
  lc_row_list_deinit(&entry.rows);

  static const uint8_t bob[] = {3, 0, 0, 0, 'B', 'o', 'b'};
  lc_call_info call = {.caller = identity,
                       .caller_connection = connection,
                       .reducer = LC_STR("set_name"),
                       .reducer_id = 3,
                       .request_id = 4,
                       .arguments = {bob, sizeof bob}};
  snprintf(hex, sizeof hex,
           "01 01 02000000 6e6f 00401e18240a0600 %s 0f0e0d0c0b0a09080706050403020100 08000000 7365745f6e616d65 03000000"
           "07000000 03000000426f62 04000000 00000000000000000000000000000000 dc05000000000000",
           identity_hex);
  expect_encoded(LC_PROTOCOL_V1_BSATN,
                 &(lc_server_message){.kind = LC_TRANSACTION_UPDATE,
                                      .status = LC_OUTCOME_USER_ERROR,
                                      .error = LC_STR("no"),
                                      .call = &call,
                                      .timestamp_micros = 1700000000000000,
                                      .duration_micros = 1500},
                 hex);
}

TEST(W3_row_lists_choose_their_size_hint) {
  lc_buf out = {0};
  lc_encode_row_list(&out, NULL);
  expect_hex(&out, "01 00000000 00000000");
  lc_row_list list = {0}; /* rows without bytes: never FixedSize(0) */
  for (int i = 0; i < 3; i++) lc_row_list_add(&list, NULL, 0);
  lc_buf_clear(&out);
  lc_encode_row_list(&out, &list);
  expect_hex(&out, "01 03000000 0000000000000000 0000000000000000 0000000000000000 00000000");
  lc_row_list_deinit(&list);
  static uint8_t row[65536];
  lc_row_list_add(&list, row, 65535);
  lc_buf_clear(&out);
  lc_encode_row_list(&out, &list);
  expect_bytes(out.data, 7, "\x00\xff\xff\xff\xff\x00\x00", 7);
  lc_row_list_deinit(&list);
  lc_row_list_add(&list, row, 65536);
  lc_row_list_add(&list, row, 65536);
  lc_buf_clear(&out);
  lc_encode_row_list(&out, &list);
  expect_bytes(out.data, 25, "\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0", 25);
  lc_row_list_deinit(&list);
  lc_buf_deinit(&out);
}

/* ---- JSON ---- */

TEST(worked_examples_of_v1_json) {
  lc_arena arena = {0};
  lc_field fields[] = {{LC_STR("id"), lc_type_primitive(LC_TYPE_U32)}, {LC_STR("name"), lc_type_primitive(LC_TYPE_STRING)}};
  lc_table person = {.id = 4096, .name = LC_STR("user"), .layout = lc_layout_create(&arena, lc_type_product(&arena, fields, 2))};
  lc_identity identity = example_identity();
  static const char *const al[] = {"01000000 02000000 416c"};
  lc_row_list rows = list_of(al, 1);
  lc_query_update query = {&person, &rows, NULL};
  lc_set_update set = {1, &query, 1};
  lc_client_update update = {.sets = &set, .set_count = 1};
  lc_field argument = {LC_STR("name"), lc_type_primitive(LC_TYPE_STRING)};
  lc_call_info call = {.caller = identity,
                       .caller_connection = {1, 0},
                       .reducer = LC_STR("add"),
                       .request_id = 7,
                       .arguments = lc_span_of("\2\0\0\0Al", 6),
                       .arguments_type = lc_type_product(&arena, &argument, 1)};
  lc_buf out = {0};
  lc_server_message_encode(
      LC_PROTOCOL_V1_JSON,
      &(lc_server_message){
          .kind = LC_TRANSACTION_UPDATE, .update = &update, .call = &call, .timestamp_micros = 1700000000000000, .duration_micros = 153},
      &out);
  expect_text(lc_buf_cstr(&out),
              "{\"TransactionUpdate\":{\"status\":{\"Committed\":{\"tables\":[{\"table_id\":4096,\"table_name\":\"user\",\"num_rows\":1,"
              "\"updates\":[{\"deletes\":[],"
              "\"inserts\":[\"[1,\\\"Al\\\"]\"]}]}]}},\"timestamp\":{\"__timestamp_micros_since_unix_epoch__\":1700000000000000},\"caller_"
              "identity\":{\"__identity__\":"
              "\"0xc200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38\"},\"caller_connection_id\":{\"__connection_id__\":1},"
              "\"reducer_call\":{\"reducer_name\":"
              "\"add\",\"reducer_id\":0,\"args\":\"[\\\"Al\\\"]\",\"request_id\":7},\"energy_quanta_used\":{\"quanta\":0},\"total_host_"
              "execution_duration\":"
              "{\"__time_duration_micros__\":153}}}");
  /* recorded: SubscribeApplied names the columns, errors have options */
  lc_subscription_entry entry = {&person, rows};
  lc_subscription_rows subscription = {.entries = &entry, .count = 1};
  lc_buf_clear(&out);
  lc_server_message_encode(
      LC_PROTOCOL_V1_JSON,
      &(lc_server_message){
          .kind = LC_V1_UNSUBSCRIBE_APPLIED, .rows = &subscription, .request_id = 7, .duration_micros = 12, .query_set_id = 2},
      &out);
  expect_text(lc_buf_cstr(&out),
              "{\"UnsubscribeApplied\":{\"request_id\":7,\"total_host_execution_duration_micros\":12,\"query_id\":{\"id\":2},\"rows\":{"
              "\"table_id\":4096,"
              "\"table_name\":\"user\",\"table_rows\":{\"table_id\":4096,\"table_name\":\"user\",\"num_rows\":1,\"updates\":[{\"deletes\":["
              "\"{\\\"id\\\":1,"
              "\\\"name\\\":\\\"Al\\\"}\"],\"inserts\":[]}]}}}}");
  lc_buf_clear(&out);
  lc_server_message_encode(LC_PROTOCOL_V1_JSON,
                           &(lc_server_message){.kind = LC_SUBSCRIPTION_ERROR,
                                                .duration_micros = 128,
                                                .has_request_id = true,
                                                .request_id = 6,
                                                .error = LC_STR("Internal error")},
                           &out);
  expect_text(lc_buf_cstr(&out),
              "{\"SubscriptionError\":{\"total_host_execution_duration_micros\":128,\"request_id\":{\"some\":6},\"query_id\":{\"none\":[]},"
              "\"table_id\":"
              "{\"none\":[]},\"error\":\"Internal error\"}}");
  lc_buf_clear(&out);
  lc_server_message_encode(
      LC_PROTOCOL_V1_JSON,
      &(lc_server_message){
          .kind = LC_INITIAL_CONNECTION, .identity = &identity, .connection = {UINT64_MAX, UINT64_MAX}, .token = LC_STR("t")},
      &out);
  expect_text(lc_buf_cstr(&out),
              "{\"IdentityToken\":{\"identity\":{\"__identity__\":\"0xc200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38\"},"
              "\"token\":\"t\","
              "\"connection_id\":{\"__connection_id__\":340282366920938463463374607431768211455}}}");
  lc_subscription_entry empty = {.table = &person};
  lc_subscription_rows none = {.entries = &empty, .count = 1};
  lc_buf_clear(&out);
  lc_server_message_encode(
      LC_PROTOCOL_V1_JSON,
      &(lc_server_message){.kind = LC_ONE_OFF_RESULT, .message_id = lc_span_of("\1\2", 2), .rows = &none, .duration_micros = 190}, &out);
  expect_text(
      lc_buf_cstr(&out),
      "{\"OneOffQueryResponse\":{\"message_id\":\"0102\",\"error\":{\"none\":[]},\"tables\":[{\"table_name\":\"user\",\"rows\":[]}],"
      "\"total_host_execution_duration\":{\"__time_duration_micros__\":190}}}");
  lc_row_list_deinit(&rows);
  lc_buf_deinit(&out);
  lc_arena_deinit(&arena);
}

TEST(v1_merges_the_queries_of_a_table_over_all_subscriptions) {
  lc_table a = {.id = 1, .name = LC_STR("a")}, b = {.id = 2, .name = LC_STR("b")};
  static const char *const row[] = {"07"};
  lc_row_list rows = list_of(row, 1);
  lc_query_update first[] = {{&a, &rows, NULL}, {&b, &rows, NULL}}, second[] = {{&a, NULL, &rows}};
  lc_set_update sets[] = {{1, first, 2}, {2, second, 1}};
  lc_client_update update = {.sets = sets, .set_count = 2};
  expect_encoded(LC_PROTOCOL_V1_BSATN, &(lc_server_message){.kind = LC_V1_UPDATE_LIGHT, .request_id = 9, .update = &update},
                 "02 09000000 02000000"
                 "01000000 01000000 \"a\" 0200000000000000 02000000"
                 "00 01 00000000 00000000 00 0100 01000000 07"
                 "00 00 0100 01000000 07 01 00000000 00000000"
                 "02000000 01000000 \"b\" 0100000000000000 01000000 00 01 00000000 00000000 00 0100 01000000 07");
  lc_row_list_deinit(&rows);
}

TEST(events_have_no_deletes_and_batches_say_what_became_of_each_set) {
  lc_table blip = {.id = 3, .name = LC_STR("blip"), .def = {.is_event = true}};
  static const char *const row[] = {"07"};
  lc_row_list rows = list_of(row, 1);
  lc_query_update queries[] = {{&blip, &rows, NULL}};
  lc_set_update set = {1, queries, 1};
  lc_client_update update = {.sets = &set, .set_count = 1};
  expect_encoded(LC_PROTOCOL_V2, &(lc_server_message){.kind = LC_TRANSACTION_UPDATE, .update = &update},
                 "04 01000000 01000000 01000000 04000000 \"blip\" 01000000 01 00 0100 01000000 07");
  lc_subscription_rows none = {0};
  lc_query_set_result results[] = {{.query_set_id = 1, .rows = &none}, {.query_set_id = 2, .error = LC_STR("bad")}};
  expect_encoded(LC_PROTOCOL_V3,
                 &(lc_server_message){.kind = LC_SUBSCRIBE_BATCH_APPLIED, .request_id = 7, .results = results, .result_count = 2},
                 "08 07000000 02000000 01000000 00 00000000 02000000 01 03000000 \"bad\"");
  lc_row_list_deinit(&rows);
}

/* ---- recorded messages ---- */

/* The engine's structs, filled from a recorded message. Memory comes from `arena` and lives as long as the test. */
typedef struct rebuild {
  lc_cursor from;
  lc_arena arena;
  lc_server_message message;
  lc_identity identity;
  lc_call_info call;
} rebuild;

static lc_str take_text(rebuild *r) {
  lc_span bytes = lc_cursor_sized(&r->from);
  return (lc_str){(const char *)bytes.ptr, bytes.len};
}

static const lc_row_list *take_rows(rebuild *r) {
  lc_row_list *list = lc_arena_zalloc(&r->arena, sizeof *list);
  uint8_t hint = lc_cursor_u8(&r->from);
  uint32_t count = hint ? lc_cursor_u32(&r->from) : 0, size = hint ? 0 : lc_cursor_u16(&r->from);
  const uint8_t *offsets = lc_cursor_take(&r->from, (size_t)count * 8);
  lc_span bytes = lc_cursor_sized(&r->from);
  expect(!r->from.failed);
  if (size) count = (uint32_t)bytes.len / size;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t start = size ? (uint64_t)i * size : lc_load64(offsets + i * 8);
    uint64_t end = size ? start + size : i + 1 < count ? lc_load64(offsets + (i + 1) * 8) : bytes.len;
    lc_row_list_add(list, bytes.ptr + start, (uint32_t)(end - start));
  }
  return list;
}

static lc_table *take_table(rebuild *r, bool with_id) {
  lc_table *table = lc_arena_zalloc(&r->arena, sizeof *table);
  if (with_id) table->id = lc_cursor_u32(&r->from);
  table->name = take_text(r);
  return table;
}

static const lc_subscription_rows *take_query_rows(rebuild *r) {
  lc_subscription_rows *rows = lc_arena_zalloc(&r->arena, sizeof *rows);
  rows->count = lc_cursor_u32(&r->from);
  expect(rows->count < 100);
  rows->entries = lc_arena_zalloc(&r->arena, rows->count * sizeof *rows->entries);
  for (uint32_t i = 0; i < rows->count; i++) {
    rows->entries[i].table = take_table(r, false);
    rows->entries[i].rows = *take_rows(r);
  }
  return rows;
}

/* QuerySetUpdate[] (v2). */
static const lc_client_update *take_query_sets(rebuild *r) {
  lc_client_update *update = lc_arena_zalloc(&r->arena, sizeof *update);
  update->set_count = lc_cursor_u32(&r->from);
  lc_set_update *sets = lc_arena_zalloc(&r->arena, update->set_count * sizeof *sets);
  for (uint32_t s = 0; s < update->set_count; s++) {
    sets[s].query_set_id = lc_cursor_u32(&r->from);
    uint32_t tables = lc_cursor_u32(&r->from), count = 0;
    lc_query_update *queries = lc_arena_zalloc(&r->arena, 64 * sizeof *queries);
    for (uint32_t t = 0; t < tables; t++) {
      lc_table *table = take_table(r, false);
      for (uint32_t n = lc_cursor_u32(&r->from); n; n--) {
        expect(count < 64);
        table->def.is_event = lc_cursor_u8(&r->from);
        queries[count].table = table;
        queries[count].inserts = take_rows(r);
        if (!table->def.is_event) queries[count].deletes = take_rows(r);
        count++;
      }
    }
    sets[s].queries = queries;
    sets[s].query_count = count;
  }
  update->sets = sets;
  return update;
}

/* DatabaseUpdate (v1), as one set. */
static const lc_client_update *take_database_update(rebuild *r) {
  lc_client_update *update = lc_arena_zalloc(&r->arena, sizeof *update);
  lc_set_update *set = lc_arena_zalloc(&r->arena, sizeof *set);
  lc_query_update *queries = lc_arena_zalloc(&r->arena, 64 * sizeof *queries);
  for (uint32_t tables = lc_cursor_u32(&r->from); tables; tables--) {
    lc_table *table = take_table(r, true);
    lc_cursor_u64(&r->from);
    for (uint32_t n = lc_cursor_u32(&r->from); n; n--) {
      expect(set->query_count < 64);
      expect_equal(lc_cursor_u8(&r->from), 0);
      lc_query_update *query = &queries[set->query_count++];
      query->table = table;
      query->deletes = take_rows(r);
      query->inserts = take_rows(r);
    }
  }
  set->queries = queries;
  update->sets = set;
  update->set_count = 1;
  return update;
}

/* The side of a DatabaseUpdate that has rows. */
static const lc_subscription_rows *side_of(rebuild *r, const lc_client_update *update, bool deletes) {
  lc_subscription_rows *rows = lc_arena_zalloc(&r->arena, sizeof *rows);
  rows->count = update->sets[0].query_count;
  rows->entries = lc_arena_zalloc(&r->arena, (rows->count + 1) * sizeof *rows->entries);
  for (uint32_t i = 0; i < rows->count; i++) {
    const lc_query_update *query = &update->sets[0].queries[i];
    rows->entries[i] = (lc_subscription_entry){(lc_table *)(uintptr_t)query->table, *(deletes ? query->deletes : query->inserts)};
  }
  return rows;
}

static void take_ids(rebuild *r) {
  r->message.request_id = lc_cursor_u32(&r->from);
  r->message.query_set_id = lc_cursor_u32(&r->from);
}

static bool take_option(rebuild *r, uint32_t *value) {
  bool some = lc_cursor_u8(&r->from) == 0;
  if (some) *value = lc_cursor_u32(&r->from);
  return some;
}

static void take_connection(rebuild *r, lc_connection_id *id) {
  id->low = lc_cursor_u64(&r->from);
  id->high = lc_cursor_u64(&r->from);
}

static void take_outcome(rebuild *r) {
  static const lc_outcome outcomes[] = {LC_OUTCOME_OK, LC_OUTCOME_OK, LC_OUTCOME_USER_ERROR, LC_OUTCOME_INTERNAL_ERROR};
  uint8_t tag = lc_cursor_u8(&r->from);
  expect(tag < 4 && tag != 1);
  r->message.status = outcomes[tag];
  if (tag != 3) lc_cursor_u32(&r->from); /* the length of the value, or of what holds the error */
  if (tag == 0) r->message.update = take_query_sets(r);
  if (tag != 0) r->message.error = take_text(r);
}

static void take_v2(rebuild *r) {
  lc_server_message *m = &r->message;
  switch (lc_cursor_u8(&r->from)) {
    case 0:
      m->kind = LC_INITIAL_CONNECTION;
      memcpy(&r->identity, lc_cursor_take(&r->from, 32), 32);
      m->identity = &r->identity;
      take_connection(r, &m->connection);
      m->token = take_text(r);
      break;
    case 1:
      m->kind = LC_SUBSCRIBE_APPLIED;
      take_ids(r);
      m->rows = take_query_rows(r);
      break;
    case 2:
      m->kind = LC_UNSUBSCRIBE_APPLIED;
      take_ids(r);
      m->rows = lc_cursor_u8(&r->from) == 0 ? take_query_rows(r) : NULL;
      break;
    case 3:
      m->kind = LC_SUBSCRIPTION_ERROR;
      m->has_request_id = take_option(r, &m->request_id);
      m->query_set_id = lc_cursor_u32(&r->from);
      m->error = take_text(r);
      break;
    case 4:
      m->kind = LC_TRANSACTION_UPDATE;
      m->update = take_query_sets(r);
      break;
    case 5:
      m->kind = LC_ONE_OFF_RESULT;
      m->request_id = lc_cursor_u32(&r->from);
      if (lc_cursor_u8(&r->from) == 0)
        m->rows = take_query_rows(r);
      else
        m->error = take_text(r);
      break;
    case 6:
      m->kind = LC_REDUCER_RESULT;
      m->request_id = lc_cursor_u32(&r->from);
      m->timestamp_micros = (int64_t)lc_cursor_u64(&r->from);
      take_outcome(r);
      break;
    case 7:
      m->kind = LC_PROCEDURE_RESULT;
      m->status = lc_cursor_u8(&r->from) == 0 ? LC_OUTCOME_OK : LC_OUTCOME_INTERNAL_ERROR;
      m->returned = lc_cursor_sized(&r->from);
      m->error = (lc_str){(const char *)m->returned.ptr, m->returned.len};
      m->timestamp_micros = (int64_t)lc_cursor_u64(&r->from);
      m->duration_micros = (int64_t)lc_cursor_u64(&r->from);
      m->request_id = lc_cursor_u32(&r->from);
      break;
    default:
      lc_test_fail("an unknown message");
  }
}

static void take_v1_update(rebuild *r) {
  static const lc_outcome outcomes[] = {LC_OUTCOME_OK, LC_OUTCOME_USER_ERROR, LC_OUTCOME_BUDGET};
  lc_server_message *m = &r->message;
  m->kind = LC_TRANSACTION_UPDATE;
  m->status = outcomes[lc_cursor_u8(&r->from)];
  if (m->status == LC_OUTCOME_OK) m->update = take_database_update(r);
  if (m->status == LC_OUTCOME_USER_ERROR) m->error = take_text(r);
  m->timestamp_micros = (int64_t)lc_cursor_u64(&r->from);
  memcpy(&r->call.caller, lc_cursor_take(&r->from, 32), 32);
  take_connection(r, &r->call.caller_connection);
  r->call.reducer = take_text(r);
  r->call.reducer_id = lc_cursor_u32(&r->from);
  r->call.arguments = lc_cursor_sized(&r->from);
  r->call.request_id = lc_cursor_u32(&r->from);
  m->call = &r->call;
  uint8_t *energy = (uint8_t *)(uintptr_t)lc_cursor_take(&r->from, 16);
  memset(energy, 0, 16); /* the reference counts; we send 0 */
  m->duration_micros = (int64_t)lc_cursor_u64(&r->from);
}

static void take_v1_rows(rebuild *r, uint8_t tag) {
  static const lc_server_message_kind kinds[] = {[5] = LC_V1_SUBSCRIBE_APPLIED,
                                                 [6] = LC_V1_UNSUBSCRIBE_APPLIED,
                                                 [8] = LC_V1_SUBSCRIBE_MULTI_APPLIED,
                                                 [9] = LC_V1_UNSUBSCRIBE_MULTI_APPLIED};
  lc_server_message *m = &r->message;
  m->kind = kinds[tag];
  m->request_id = lc_cursor_u32(&r->from);
  m->duration_micros = (int64_t)lc_cursor_u64(&r->from);
  m->query_set_id = lc_cursor_u32(&r->from);
  if (tag < 8) { /* SubscribeRows: the table, then one TableUpdate, read as a DatabaseUpdate of one */
    m->table = take_table(r, true);
    uint8_t *count = (uint8_t *)(uintptr_t)r->from.at - 4, kept[4];
    memcpy(kept, count, 4);
    lc_store32(count, 1);
    r->from.at -= 4;
    m->rows = side_of(r, take_database_update(r), tag == 6);
    memcpy(count, kept, 4);
    return;
  }
  m->rows = side_of(r, take_database_update(r), tag == 9);
}

static void take_v1(rebuild *r) {
  lc_server_message *m = &r->message;
  uint8_t tag = lc_cursor_u8(&r->from);
  switch (tag) {
    case 0:
      m->kind = LC_V1_INITIAL_SUBSCRIPTION;
      m->rows = side_of(r, take_database_update(r), false);
      m->request_id = lc_cursor_u32(&r->from);
      m->duration_micros = (int64_t)lc_cursor_u64(&r->from);
      break;
    case 1:
      take_v1_update(r);
      break;
    case 2:
      m->kind = LC_V1_UPDATE_LIGHT;
      m->request_id = lc_cursor_u32(&r->from);
      m->update = take_database_update(r);
      break;
    case 3:
      m->kind = LC_INITIAL_CONNECTION;
      memcpy(&r->identity, lc_cursor_take(&r->from, 32), 32);
      m->identity = &r->identity;
      m->token = take_text(r);
      take_connection(r, &m->connection);
      break;
    case 4:
      m->kind = LC_ONE_OFF_RESULT;
      m->message_id = lc_cursor_sized(&r->from);
      bool failed = lc_cursor_u8(&r->from) == 0;
      if (failed) m->error = take_text(r);
      m->rows = take_query_rows(r);
      if (failed) m->rows = NULL;
      m->duration_micros = (int64_t)lc_cursor_u64(&r->from);
      break;
    case 7:
      m->kind = LC_SUBSCRIPTION_ERROR;
      m->duration_micros = (int64_t)lc_cursor_u64(&r->from);
      m->has_request_id = take_option(r, &m->request_id);
      m->has_query_set_id = take_option(r, &m->query_set_id);
      expect_equal(lc_cursor_u8(&r->from), 1);
      m->error = take_text(r);
      break;
    case 10: {
      static const lc_outcome outcomes[] = {LC_OUTCOME_OK, LC_OUTCOME_BUDGET, LC_OUTCOME_INTERNAL_ERROR};
      m->kind = LC_PROCEDURE_RESULT;
      m->status = outcomes[lc_cursor_u8(&r->from)];
      if (m->status != LC_OUTCOME_BUDGET) m->returned = lc_cursor_sized(&r->from);
      m->error = (lc_str){(const char *)m->returned.ptr, m->returned.len};
      m->timestamp_micros = (int64_t)lc_cursor_u64(&r->from);
      m->duration_micros = (int64_t)lc_cursor_u64(&r->from);
      m->request_id = lc_cursor_u32(&r->from);
      break;
    }
    default:
      take_v1_rows(r, tag);
  }
}

TEST(recorded_messages_are_encoded_to_the_same_bytes) {
  static vector_file vectors;
  int kinds[LC_SERVER_MESSAGE_KINDS] = {0};
  lc_buf bytes = {0}, again = {0};
  for (vector_open(&vectors, "server_messages.tsv"); vector_next(&vectors);) {
    lc_protocol protocol = vector_protocol(vectors.fields[0]);
    lc_buf_clear(&bytes);
    lc_buf_clear(&again);
    put_hex_text(&bytes, vectors.fields[1] + 2); /* behind the compression tag */
    static rebuild r;
    r.from = lc_cursor_of(lc_buf_span(&bytes));
    do {
      r.message = (lc_server_message){0};
      if (lc_protocol_is_v1(protocol)) {
        take_v1(&r);
      } else {
        take_v2(&r);
      }
      expect(!r.from.failed);
      kinds[r.message.kind]++;
      lc_server_message_encode(protocol, &r.message, &again);
    } while (lc_cursor_left(&r.from));
    expect_bytes(again.data, again.len, bytes.data, bytes.len);
  }
  for (int kind = 0; kind < LC_SERVER_MESSAGE_KINDS; kind++) {
    if (kinds[kind] == 0 && kind != LC_SUBSCRIBE_BATCH_APPLIED) lc_test_fail("no recording of message %d", kind);
  }
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&again);
  _exit(0); /* the rebuilt rows are not freed one by one */
}
