// The same module through npm spacetimedb 1.12, the last client of the first protocol. Its bindings are written here by hand.
import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { connect as open, disconnect, until } from './support.mjs';
import * as sdk from 'spacetimedb-v1';

const { t } = sdk;
const database = process.env.LIGHTCONE_DATABASE;
const user = sdk.table(
  {
    name: 'user',
    indexes: [{ name: 'identity', algorithm: 'btree', columns: ['identity'] }],
    constraints: [{ name: 'user_identity_key', constraint: 'unique', columns: ['identity'] }],
  },
  t.row({ identity: t.identity().primaryKey(), name: t.option(t.string()), online: t.bool() })
);
const message = sdk.table(
  {
    name: 'message',
    indexes: [{ name: 'id', algorithm: 'btree', columns: ['id'] }],
    constraints: [{ name: 'message_id_key', constraint: 'unique', columns: ['id'] }],
  },
  t.row({ id: t.u64().primaryKey(), sender: t.identity(), sent: t.timestamp(), text: t.string() })
);
const reducers = sdk.reducers(
  sdk.reducerSchema('set_name', { name: t.string() }),
  sdk.reducerSchema('send_message', { text: t.string() }),
  sdk.reducerSchema('edit_message', { id: t.u64(), text: t.string() }),
  sdk.reducerSchema('delete_message', { id: t.u64() })
);
const module = {
  versionInfo: { cliVersion: '1.12.0' },
  tables: sdk.schema(user, message).schemaType.tables,
  reducers: reducers.reducersType.reducers,
  ...sdk.procedures(),
};
const connect = token => open(new sdk.DbConnectionBuilder(module, config => new sdk.DbConnectionImpl(config)), database, token);
const subscribe = ({ connection }, queries) =>
  new Promise((resolve, reject) => connection.subscriptionBuilder().onApplied(resolve).onError((ctx, error) => reject(error ?? ctx.event)).subscribe(queries));

let ann, bob;
before(async () => {
  ann = await connect();
  bob = await connect();
  for (const who of [ann, bob]) await subscribe(who, ['SELECT * FROM user', 'SELECT * FROM message']);
});
after(() => {
  disconnect(ann);
  disconnect(bob);
});

test('v1: initial rows', async () => {
  await until(() => [...ann.connection.db.user.iter()].filter(u => u.online).length >= 2, 'both users');
  assert.equal(ann.connection.db.user.identity.find(ann.identity).online, true);
});

test('v1: insert, update and delete reach the other client', async () => {
  const seen = [];
  bob.connection.db.message.onInsert((_ctx, row) => seen.push(['insert', row.text]));
  bob.connection.db.message.onUpdate((_ctx, before, after) => seen.push(['update', before.text, after.text]));
  bob.connection.db.message.onDelete((_ctx, row) => seen.push(['delete', row.text]));
  ann.connection.reducers.sendMessage({ text: 'from the past' });
  await until(() => seen.length === 1, 'the message');
  const { id } = [...bob.connection.db.message.iter()].find(m => m.text === 'from the past');
  ann.connection.reducers.editMessage({ id, text: 'still from the past' });
  await until(() => seen.length === 2, 'the edit');
  ann.connection.reducers.deleteMessage({ id });
  await until(() => seen.length === 3, 'the deletion');
  assert.deepEqual(seen, [['insert', 'from the past'], ['update', 'from the past', 'still from the past'], ['delete', 'still from the past']]);
});

test('v1: the caller hears about success and failure', async () => {
  const outcomes = [];
  ann.connection.reducers.onSendMessage((ctx, { text }) => outcomes.push([text, ctx.event.status.tag, ctx.event.status.value]));
  ann.connection.reducers.sendMessage({ text: 'fine' });
  ann.connection.reducers.sendMessage({ text: '' });
  await until(() => outcomes.length === 2, 'both outcomes');
  assert.equal(outcomes[0][0], 'fine');
  assert.equal(outcomes[0][1], 'Committed');
  assert.equal(outcomes[1][1], 'Failed');
  assert.match(String(outcomes[1][2]), /a message must not be empty/);
});

test('v1: reconnecting with the token is the same person', async () => {
  disconnect(ann);
  await until(() => bob.connection.db.user.identity.find(ann.identity)?.online === false, 'Ann leaves');
  const again = await connect(ann.token);
  assert.ok(again.identity.isEqual(ann.identity));
  await until(() => bob.connection.db.user.identity.find(ann.identity)?.online === true, 'Ann is back');
  ann = again;
});
