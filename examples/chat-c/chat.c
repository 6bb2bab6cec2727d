/* A chat room: who is here, and what was said. ../chat-rust is the same module in Rust, with the same schema. */
#include <lightcone.h>

LC_TABLE(user, User, public, (key, identity, identity), (column, option_string, name), (column, bool, online))
LC_TABLE(message, Message, public, (auto_key, u64, id), (index, identity, sender), (column, timestamp, sent), (column, string, text))

LC_ON_CONNECT(user_connected) {
  User user = {.identity = ctx->sender};
  bool known = user_find_by_identity(ctx->sender, &user);
  user.online = true;
  if (known) user_update_by_identity(&user);
  else user_insert(&user);
  return lc_ok();
}

LC_ON_DISCONNECT(user_disconnected) {
  User user;
  if (!user_find_by_identity(ctx->sender, &user)) return lc_ok();
  user.online = false;
  user_update_by_identity(&user);
  return lc_ok();
}

LC_REDUCER(set_name, (string, name)) {
  User user;
  if (name.len == 0) return lc_error("a name must not be empty");
  if (!user_find_by_identity(ctx->sender, &user)) return lc_error("only connected users have a name");
  user.name = lc_some(string, name);
  user_update_by_identity(&user);
  return lc_ok();
}

LC_REDUCER(send_message, (string, text)) {
  if (text.len == 0) return lc_error("a message must not be empty");
  message_insert(&(Message){.sender = ctx->sender, .sent = ctx->timestamp, .text = text});
  return lc_ok();
}

/* The sender's message with this id. */
static lc_result own_message(const lc_context *ctx, uint64_t id, Message *message) {
  if (!message_find_by_id(id, message)) return lc_error("there is no message %llu", id);
  if (!lc_identity_equal(message->sender, ctx->sender)) return lc_error("message %llu is somebody else's", id);
  return lc_ok();
}

LC_REDUCER(edit_message, (u64, id), (string, text)) {
  Message message;
  lc_result result = own_message(ctx, id, &message);
  if (result.error) return result;
  message.text = text;
  message_update_by_id(&message);
  return lc_ok();
}

LC_REDUCER(delete_message, (u64, id)) {
  Message message;
  lc_result result = own_message(ctx, id, &message);
  if (result.error) return result;
  message_delete_by_id(id);
  return lc_ok();
}
