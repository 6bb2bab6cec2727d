//! A chat room: who is here, and what was said. `../chat-c` is the same module in C, with the same schema.

use spacetimedb::{reducer, table, Identity, ReducerContext, Table, Timestamp};

#[table(accessor = user, public)]
pub struct User {
    #[primary_key]
    pub identity: Identity,
    pub name: Option<String>,
    pub online: bool,
}

#[table(accessor = message, public)]
pub struct Message {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[index(btree)]
    pub sender: Identity,
    pub sent: Timestamp,
    pub text: String,
}

#[reducer(client_connected)]
pub fn user_connected(ctx: &ReducerContext) {
    let users = ctx.db.user();
    match users.identity().find(ctx.sender()) {
        Some(user) => users.identity().update(User { online: true, ..user }),
        None => users.insert(User { identity: ctx.sender(), name: None, online: true }),
    };
}

#[reducer(client_disconnected)]
pub fn user_disconnected(ctx: &ReducerContext) {
    let users = ctx.db.user();
    if let Some(user) = users.identity().find(ctx.sender()) {
        users.identity().update(User { online: false, ..user });
    }
}

#[reducer]
pub fn set_name(ctx: &ReducerContext, name: String) -> Result<(), String> {
    if name.is_empty() {
        return Err("a name must not be empty".into());
    }
    let users = ctx.db.user();
    let user = users.identity().find(ctx.sender()).ok_or("only connected users have a name")?;
    users.identity().update(User { name: Some(name), ..user });
    Ok(())
}

#[reducer]
pub fn send_message(ctx: &ReducerContext, text: String) -> Result<(), String> {
    if text.is_empty() {
        return Err("a message must not be empty".into());
    }
    ctx.db.message().insert(Message { id: 0, sender: ctx.sender(), sent: ctx.timestamp, text });
    Ok(())
}

/// The sender's message with this id.
fn own_message(ctx: &ReducerContext, id: u64) -> Result<Message, String> {
    let message = ctx.db.message().id().find(id).ok_or_else(|| format!("there is no message {id}"))?;
    if message.sender != ctx.sender() {
        return Err(format!("message {id} is somebody else's"));
    }
    Ok(message)
}

#[reducer]
pub fn edit_message(ctx: &ReducerContext, id: u64, text: String) -> Result<(), String> {
    let message = own_message(ctx, id)?;
    ctx.db.message().id().update(Message { text, ..message });
    Ok(())
}

#[reducer]
pub fn delete_message(ctx: &ReducerContext, id: u64) -> Result<(), String> {
    let message = own_message(ctx, id)?;
    ctx.db.message().id().delete(message.id);
    Ok(())
}
