/* The control database: C1 (changes survive a restart) and C2 (names belong to somebody). */
#include "server/control.h"

#include "harness.h"
#include "io/sim/sim.h"

static char directory[64];

static lc_io *open_io(void) {
  snprintf(directory, sizeof directory, "%s", "/tmp/lc-control-XXXXXX");
  expect(mkdtemp(directory) != NULL);
  lc_io *io = NULL;
  expect_ok(lc_io_linux_open(directory, &io));
  return io;
}

static void close_io(lc_io *io) {
  expect_ok(lc_dir_remove_all(io, "control"));
  lc_io_close(io);
  rmdir(directory);
}

static lc_control *open_control(lc_io *io) {
  lc_control *control = NULL;
  expect_ok(lc_control_open(io, "control", &control));
  return control;
}

static lc_control *reopen(lc_io *io, lc_control *control) {
  lc_control_close(control);
  return open_control(io);
}

static lc_identity identity(uint8_t number) {
  lc_identity value = {{0}};
  value.bytes[0] = number;
  value.bytes[31] = 0xc2;
  return value;
}

static void expect_names(lc_control *control, const lc_identity *database, const char *joined) {
  lc_arena arena = {0};
  lc_str *names;
  char text[256] = "";
  uint32_t count = lc_control_names(control, database, &arena, &names);
  for (uint32_t i = 0; i < count; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? "," : "", LC_STR_ARGS(names[i]));
  expect_text(text, joined);
  lc_arena_deinit(&arena);
}

TEST(databases_are_there_after_a_restart) {
  lc_io *io = open_io();
  lc_control *control = open_control(io);
  lc_arena arena = {0};
  for (uint8_t i = 0; i < 3; i++) {
    lc_control_database database = {.identity = identity(i), .owner = identity(100), .initial_program = identity(50), .generation = 1};
    expect_ok(lc_control_put_database(control, &database));
  }
  lc_control_database again = {.identity = identity(1), .owner = identity(100), .initial_program = identity(51), .generation = 2};
  lc_identity gone = identity(2);
  expect_ok(lc_control_put_database(control, &again));
  expect_ok(lc_control_remove_database(control, &gone));
  expect_ok(lc_control_remove_database(control, &gone));
  for (int round = 0; round < 2; round++) {
    lc_control_database *list;
    expect_equal(lc_control_databases(control, &arena, &list), 2);
    for (int i = 0; i < 2; i++) {
      bool is_again = list[i].identity.bytes[0] == 1;
      expect_equal(list[i].generation, is_again ? 2 : 1);
      expect_equal(list[i].initial_program.bytes[0], is_again ? 51 : 50);
      expect_equal(list[i].owner.bytes[0], 100);
    }
    control = reopen(io, control);
  }
  lc_control_close(control);
  lc_arena_deinit(&arena);
  close_io(io);
}

TEST(a_name_stands_for_one_database_and_belongs_to_one_holder) {
  lc_io *io = open_io();
  lc_control *control = open_control(io);
  lc_identity a = identity(1), b = identity(2), ann = identity(101), bob = identity(102), found;
  expect_ok(lc_control_add_name(control, LC_STR("one"), &a, &ann));
  expect_error(lc_control_add_name(control, LC_STR("one"), &b, &ann), LC_ERR_EXISTS);
  expect_error(lc_control_add_name(control, LC_STR("one"), &b, &bob), LC_ERR_EXISTS);
  expect_ok(lc_control_add_name(control, LC_STR("two"), &a, &ann));
  expect_names(control, &a, "one,two");

  lc_str renamed[] = {LC_STR("three"), LC_STR("two")};
  expect_ok(lc_control_replace_names(control, &a, renamed, 2, &ann));
  expect_names(control, &a, "three,two");
  expect(!lc_control_name(control, LC_STR("one"), &found));

  /* Free, but still Ann's. */
  expect_error(lc_control_add_name(control, LC_STR("one"), &b, &bob), LC_ERR_DENIED);
  expect(lc_control_holder(control, LC_STR("one"), &found) && lc_u256_equal(&found, &ann));
  control = reopen(io, control);
  expect_error(lc_control_add_name(control, LC_STR("one"), &b, &bob), LC_ERR_DENIED);
  expect_ok(lc_control_add_name(control, LC_STR("one"), &b, &ann));
  expect(lc_control_name(control, LC_STR("one"), &found) && lc_u256_equal(&found, &b));
  expect_names(control, &a, "three,two");
  lc_control_close(control);
  close_io(io);
}

TEST(replacing_names_is_all_or_nothing) {
  lc_io *io = open_io();
  lc_control *control = open_control(io);
  lc_identity a = identity(1), b = identity(2), ann = identity(101);
  expect_ok(lc_control_add_name(control, LC_STR("mine"), &a, &ann));
  expect_ok(lc_control_add_name(control, LC_STR("taken"), &b, &ann));
  lc_str names[] = {LC_STR("fresh"), LC_STR("taken")};
  expect_error(lc_control_replace_names(control, &a, names, 2, &ann), LC_ERR_EXISTS);
  for (int round = 0; round < 2; round++) {
    lc_identity found;
    expect_names(control, &a, "mine");
    expect(!lc_control_name(control, LC_STR("fresh"), &found));
    expect(!lc_control_holder(control, LC_STR("fresh"), &found));
    control = reopen(io, control);
  }
  expect_ok(lc_control_replace_names(control, &a, NULL, 0, &ann));
  expect_names(control, &a, "");
  lc_control_close(control);
  close_io(io);
}

TEST(a_lock_survives_its_database) {
  lc_io *io = open_io();
  lc_control *control = open_control(io);
  lc_identity a = identity(1);
  lc_control_database database = {.identity = a, .generation = 1};
  expect_ok(lc_control_put_database(control, &database));
  expect(!lc_control_is_locked(control, &a));
  expect_ok(lc_control_set_locked(control, &a, true));
  expect_ok(lc_control_set_locked(control, &a, true));
  expect_ok(lc_control_remove_database(control, &a));
  control = reopen(io, control);
  expect(lc_control_is_locked(control, &a));
  expect_ok(lc_control_set_locked(control, &a, false));
  control = reopen(io, control);
  expect(!lc_control_is_locked(control, &a));
  lc_control_close(control);
  close_io(io);
}

/* C1 on a full disk: made but not durable says so, refused changes nothing, and space that comes back is found without a restart. */
TEST(a_full_disk_is_told_apart_from_a_change_that_was_refused) {
  lc_io *io = lc_sim_create(3);
  lc_control *control = open_control(io);
  lc_control_database database = {.identity = identity(1), .owner = identity(100)};
  expect_ok(lc_control_put_database(control, &database));
  lc_sim_set_capacity(io, 0);
  lc_err err = lc_ok();
  while (!lc_failed(err)) {
    database.generation++;
    err = lc_control_put_database(control, &database);
  }
  expect_equal(err.code, LC_ERR_NOT_DURABLE);
  uint64_t made = database.generation;
  database.generation++;
  expect_error(lc_control_put_database(control, &database), LC_ERR_NO_SPACE);
  lc_arena arena = {0};
  lc_control_database *list;
  expect_equal(lc_control_databases(control, &arena, &list), 1);
  expect_equal(list[0].generation, made);
  lc_sim_set_capacity(io, UINT64_MAX);
  for (int i = 0; i < 1000 && lc_failed(err = lc_control_put_database(control, &database)); i++) expect_equal(err.code, LC_ERR_NO_SPACE);
  expect_ok(err);
  lc_control_close(control);
  lc_sim_crash(io);
  control = open_control(io);
  expect_equal(lc_control_databases(control, &arena, &list), 1);
  expect_equal(list[0].generation, made + 1);
  lc_control_close(control);
  lc_arena_deinit(&arena);
  lc_io_close(io);
}
