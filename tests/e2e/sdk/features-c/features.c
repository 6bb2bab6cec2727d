/* Every feature of the C module SDK, checked from inside: the reducer `check` traps where something is not as it should be. */
#include <lightcone.h>

LC_ENUM(Mood, Calm, Busy, Odd)
LC_PRODUCT(Place, (f64, x), (f32, y), (string, tag))
LC_SUM(Shape, (unit, Empty), (f32, Circle), (Place, Spot), (array_u16, Many))
LC_OPTION(Place)
LC_ARRAY(Shape)

LC_TABLE(every_type, EveryType, public, (auto_key, u32, id), (column, bool, flag), (column, i8, n_i8), (column, u8, n_u8),
         (column, i16, n_i16), (column, u16, n_u16), (column, i32, n_i32), (column, u32, n_u32), (column, i64, n_i64), (column, u64, n_u64),
         (column, i128, n_i128), (column, u128, n_u128), (column, i256, n_i256), (column, u256, n_u256), (column, f32, n_f32),
         (column, f64, n_f64), (column, string, text), (column, bytes, blob), (column, identity, who), (column, connection_id, connection),
         (column, timestamp, at), (column, time_duration, span), (column, uuid, uid), (column, option_u32, maybe_number),
         (column, option_Place, maybe_place), (column, Shape, shape), (column, Mood, mood), (column, Place, place),
         (column, array_string, texts), (column, array_Shape, shapes), (column, unit, nothing), (column, schedule_at, due))

LC_TABLE(person, Person, public, (auto_key, u64, id), (unique, string, email), (index, string, city), (column, u8, age),
         (hash_index, Mood, mood))
LC_INDEX(person, by_city_age, (string, city), (u8, age))
LC_TABLE(account, Account, private, (hash_key, u32, id), (column, i64, balance))
LC_TABLE(blip, Blip, event, (column, string, text))
LC_TABLE(empty, Empty, public, (column, unit, nothing))

LC_TABLE(alarm, Alarm, public, (auto_key, u64, scheduled_id), (column, schedule_at, scheduled_at), (column, string, text))
LC_SCHEDULE(alarm, scheduled_at, ring)
LC_TABLE(rung, Rung, public, (key, string, text))

LC_ON_INIT(set_up) {
  account_insert(&(Account){.id = 1, .balance = 100});
  return lc_ok();
}

LC_REDUCER(ring, (Alarm, alarm)) {
  lc_identity self = lc_database_identity();
  lc_assert(lc_identity_equal(ctx->sender, self) && !ctx->has_connection);
  rung_insert(&(Rung){.text = alarm.text});
  return lc_ok();
}

LC_REDUCER(ring_soon, (string, text), (u64, milliseconds)) {
  alarm_insert(&(Alarm){.scheduled_at = lc_at((lc_timestamp){ctx->timestamp.micros + (int64_t)milliseconds * 1000}), .text = text});
  return lc_ok();
}

LC_REDUCER(blink, (string, text), (u32, times)) {
  for (uint32_t i = 0; i < times; i++) blip_insert(&(Blip){.text = lc_format("%.*s %u", (int)text.len, text.ptr, i)});
  return lc_ok();
}

LC_PRIVATE_REDUCER(nobody_calls_this, (u8, n)) {
  return lc_error("%u", n);
}

static bool shapes_equal(Shape a, Shape b) {
  lc_writer x = {0}, y = {0};
  lc_put_Shape(&x, &a);
  lc_put_Shape(&y, &b);
  return x.len == y.len && __builtin_memcmp(x.data, y.data, x.len) == 0;
}

static void check_every_type(const lc_context *ctx) {
  const uint16_t many[] = {1, 2, 65535};
  const lc_string texts[] = {LC_S("a"), LC_S(""), LC_S("\u00e4\u20ac")};
  const Shape shapes[] = {{.tag = Shape_Empty}, {.tag = Shape_Circle, .Circle = 1.5f}, {.tag = Shape_Many, .Many = {many, 3}}};
  EveryType row = {.flag = true,
                   .n_i8 = -8,
                   .n_u8 = 8,
                   .n_i16 = -16,
                   .n_u16 = 16,
                   .n_i32 = -32,
                   .n_u32 = 32,
                   .n_i64 = -64,
                   .n_u64 = 64,
                   .n_i128 = -128,
                   .n_u128 = 128,
                   .n_f32 = 0.5f,
                   .n_f64 = -0.25,
                   .text = LC_S("text"),
                   .blob = {(const uint8_t *)"\0\xff", 2},
                   .who = ctx->sender,
                   .connection = ctx->connection,
                   .at = ctx->timestamp,
                   .span = {-1},
                   .maybe_number = lc_some(u32, 7),
                   .maybe_place = lc_none(Place),
                   .shape = {.tag = Shape_Spot, .Spot = {.x = 1, .y = 2, .tag = LC_S("here")}},
                   .mood = Mood_Odd,
                   .place = {.tag = LC_S("there")},
                   .texts = {texts, 3},
                   .shapes = {shapes, 3},
                   .due = lc_every(1000)};
  row.n_u256.bytes[31] = 0x80;
  every_type_insert(&row);
  lc_assert(row.id != 0);
  EveryType back;
  lc_assert(every_type_find_by_id(row.id, &back));
  lc_assert(back.flag && back.n_i8 == -8 && back.n_u16 == 16 && back.n_i64 == -64 && back.n_i128 == -128 && back.n_u128 == 128 &&
            back.n_u256.bytes[31] == 0x80);
  lc_assert(back.n_f32 == 0.5f && back.n_f64 == -0.25 && lc_string_equal(back.text, LC_S("text")) && back.blob.len == 2 &&
            back.blob.ptr[1] == 0xff);
  lc_assert(lc_identity_equal(back.who, ctx->sender) && back.at.micros == ctx->timestamp.micros && back.span.micros == -1);
  lc_assert(back.maybe_number.some && back.maybe_number.value == 7 && !back.maybe_place.some && back.mood == Mood_Odd);
  lc_assert(shapes_equal(back.shape, row.shape) && back.shapes.count == 3);
  for (uint32_t i = 0; i < 3; i++)
    lc_assert(shapes_equal(back.shapes.items[i], shapes[i]) && lc_string_equal(back.texts.items[i], texts[i]));
  lc_assert(back.due.kind == LC_INTERVAL && back.due.micros == 1000);
  lc_assert(every_type_delete(&back) && !every_type_delete(&back));
}

static void check_indexes(void) {
  static const char *const cities[] = {"Oslo", "Rome", "Oslo", "Bonn", "Oslo"};
  person_clear();
  for (uint32_t i = 0; i < 5; i++) {
    Person person = {
        .email = lc_format("p%u@x", i), .city = lc_string_of(cities[i]), .age = (uint8_t)(10 * i), .mood = i % 2 ? Mood_Calm : Mood_Busy};
    person_insert(&person);
  }
  lc_assert(person_count() == 5);
  Person twice = {.email = LC_S("p1@x")};
  lc_assert(!person_try_insert(&twice));
  uint32_t count = 0, ages = 0;
  LC_FOR_EACH(person, p, person_filter_by_city(LC_S("Oslo"))) count++, ages += p.age;
  lc_assert(count == 3 && ages == 60);
  count = 0;
  LC_FOR_EACH(person, p, person_filter_by_mood(Mood_Calm)) count++;
  lc_assert(count == 2);
  count = 0;
  LC_FOR_EACH(person, p, LC_FILTER(person, by_city_age, LC_S("Oslo"), 20)) count++, lc_assert(lc_string_equal(p.email, LC_S("p2@x")));
  lc_assert(count == 1);
  lc_string low = LC_S("C"), high = LC_S("Rome");
  count = 0;
  LC_FOR_EACH(person, p, person_range_by_city(&low, &high)) count++;
  lc_assert(count == 3); /* Bonn is below, Rome is the open end */
  count = 0;
  LC_FOR_EACH(person, p, person_range_by_city(&high, NULL)) count++;
  lc_assert(count == 1);
  Person found;
  lc_assert(person_find_by_email(LC_S("p3@x"), &found) && found.age == 30);
  found.age = 31;
  person_update_by_email(&found);
  lc_assert(person_find_by_id(found.id, &found) && found.age == 31);
  lc_assert(person_delete_by_id(found.id) && !person_delete_by_id(found.id) && !person_find_by_email(LC_S("p3@x"), &found));
  lc_assert(person_delete_by_city(LC_S("Oslo")) == 3 && person_count() == 1);
  LC_FOR_EACH(person, p, person_scan()) break; /* closes the scan */
}

static void check_many_rows(void) {
  account_clear();
  char long_text[2000];
  __builtin_memset(long_text, 'x', sizeof long_text);
  for (uint32_t i = 0; i < 5000; i++) account_insert(&(Account){.id = i, .balance = i});
  uint64_t sum = 0;
  LC_FOR_EACH(account, a, account_scan()) sum += (uint64_t)a.balance;
  lc_assert(sum == 5000u * 4999u / 2);
  rung_clear();
  for (uint32_t i = 0; i < 100; i++) rung_insert(&(Rung){.text = lc_format("%.*s%u", (int)sizeof long_text, long_text, i)});
  uint32_t bytes = 0;
  LC_FOR_EACH(rung, r, rung_scan()) bytes += r.text.len;
  lc_assert(bytes == 100 * 2000 + 10 + 90 * 2);
  lc_assert(rung_clear() == 100 && account_clear() == 5000);
}

static void check_text(void) {
  lc_assert(lc_string_equal(lc_format("%d %u %lld %llu %x %c %s %.*s %%", -1, 2u, -3LL, 18446744073709551615ULL, 255u, 'c', "s", 2, "xyz"),
                            LC_S("-1 2 -3 18446744073709551615 ff c s xy %")));
  lc_assert(lc_identity_hex(lc_database_identity()).len == 64);
}

LC_REDUCER(check) {
  check_every_type(ctx);
  check_indexes();
  check_many_rows();
  check_text();
  empty_insert(&(Empty){});
  lc_assert(empty_count() == 1);
  empty_clear();
  lc_log_info("all is well");
  return lc_ok();
}

LC_REDUCER(echo, (Shape, shape), (option_Place, place), (array_Shape, shapes)) {
  return lc_error("shape %u, %s, %u more", shape.tag, place.some ? "a place" : "no place", shapes.count);
}
LC_REDUCER(fall) {
  lc_panic("on purpose: %d", 42);
}
