// The chat module through npm spacetimedb 2.10 and the bindings of `lightcone generate`. The same test runs against the module in C and
// the one in Rust: LIGHTCONE_DATABASE says which.
import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { connect as open, disconnect, sorted, until } from './support.mjs';
import { DbConnection, tables } from './build/js/index.js';

const database = process.env.LIGHTCONE_DATABASE;
const connect = token => open(DbConnection.builder(), database, token);
const subscribe = ({ connection }, queries) =>
  new Promise((resolve, reject) =>
    connection.subscriptionBuilder().onApplied(resolve).onError((ctx, error) => reject(error ?? ctx.event)).subscribe(queries));

let ann, bob;
before(async () => {
  ann = await connect();
  bob = await connect();
});
after(() => {
  disconnect(ann);
  disconnect(bob);
});

test('connecting gives an identity and a token', () => {
  assert.match(ann.identity.toHexString(), /^c200[0-9a-f]{60}$/);
  assert.notEqual(ann.identity.toHexString(), bob.identity.toHexString());
  assert.equal(ann.token.split('.').length, 3);
});

test('initial rows: both users are online', async () => {
  await subscribe(ann, [tables.user, tables.message]);
  await subscribe(bob, [tables.user, tables.message]);
  await until(() => [...ann.connection.db.user.iter()].filter(u => u.online).length === 2, 'both users');
  const mine = ann.connection.db.user.identity.find(ann.identity);
  assert.equal(mine.online, true);
  assert.equal(mine.name, undefined);
  assert.equal(ann.connection.db.message.count(), 0n);
});

test('an insert reaches both clients', async () => {
  const seen = [];
  bob.connection.db.message.onInsert((_ctx, row) => seen.push(row));
  await ann.connection.reducers.sendMessage({ text: 'Hello, Bob' });
  assert.equal(ann.connection.db.message.count(), 1n); // the caller's own rows come with the answer
  await until(() => seen.length === 1, "Ann's message at Bob's");
  assert.equal(seen[0].id, 1n);
  assert.equal(seen[0].text, 'Hello, Bob');
  assert.ok(seen[0].sender.isEqual(ann.identity));
  assert.ok(Math.abs(seen[0].sent.toDate().getTime() - Date.now()) < 600_000);
});

test('an index finds the rows of a sender', async () => {
  await bob.connection.reducers.sendMessage({ text: 'Hi, Ann' });
  await until(() => ann.connection.db.message.count() === 2n, 'both messages');
  const texts = [...ann.connection.db.message.sender.filter(bob.identity)].map(m => m.text);
  assert.deepEqual(texts, ['Hi, Ann']);
  assert.equal(ann.connection.db.message.id.find(2n).text, 'Hi, Ann');
});

test('an update is one callback with the old and the new row', async () => {
  const updates = [];
  bob.connection.db.user.onUpdate((_ctx, before, after) => updates.push([before.name, after.name]));
  await ann.connection.reducers.setName({ name: 'Ann' });
  await until(() => updates.length === 1, 'the update');
  assert.deepEqual(updates, [[undefined, 'Ann']]);
  await ann.connection.reducers.editMessage({ id: 1n, text: 'Hello, dear Bob' });
  await until(() => bob.connection.db.message.id.find(1n).text === 'Hello, dear Bob', 'the edited message');
});

test('a reducer that fails says why and changes nothing', async () => {
  await assert.rejects(ann.connection.reducers.sendMessage({ text: '' }), /a message must not be empty/);
  await assert.rejects(bob.connection.reducers.editMessage({ id: 1n, text: 'no' }), /message 1 is somebody else's/);
  await assert.rejects(ann.connection.reducers.deleteMessage({ id: 99n }), /there is no message 99/);
  assert.equal(ann.connection.db.message.count(), 2n);
  assert.equal(bob.connection.db.message.id.find(1n).text, 'Hello, dear Bob');
});

test('a delete reaches both clients', async () => {
  const gone = [];
  bob.connection.db.message.onDelete((_ctx, row) => gone.push(row.id));
  await ann.connection.reducers.deleteMessage({ id: 1n });
  await until(() => gone.length === 1, 'the deleted message');
  assert.deepEqual(gone, [1n]);
  assert.equal(bob.connection.db.message.count(), 1n);
});

test('a filtered subscription, and an error for an unknown table', async () => {
  const carol = await connect();
  await subscribe(carol, [tables.user.where(u => u.online.eq(true))]);
  await until(() => carol.connection.db.user.count() >= 3n, 'three users online');
  await assert.rejects(subscribe(carol, ['SELECT * FROM nowhere']));
  disconnect(carol);
  await until(() => [...ann.connection.db.user.iter()].some(u => u.identity.isEqual(carol.identity) && !u.online), 'Carol leaves');
});

test('reconnecting with the token is the same person, and nothing was lost', async () => {
  disconnect(ann);
  await until(() => bob.connection.db.user.identity.find(ann.identity)?.online === false, 'Ann leaves');
  const again = await connect(ann.token);
  assert.ok(again.identity.isEqual(ann.identity));
  await subscribe(again, [tables.user, tables.message]);
  assert.equal(again.connection.db.user.identity.find(ann.identity).name, 'Ann');
  assert.deepEqual(sorted(again.connection.db.message, 'id').map(m => m.text), ['Hi, Ann']);
  await until(() => bob.connection.db.user.identity.find(ann.identity)?.online === true, 'Ann is back');
  ann = again;
});

test('many calls in flight are all answered', async () => {
  const before = ann.connection.db.message.count();
  await Promise.all(Array.from({ length: 200 }, (_, i) => ann.connection.reducers.sendMessage({ text: `number ${i}` })));
  assert.equal(ann.connection.db.message.count(), before + 200n);
  await until(() => bob.connection.db.message.count() === before + 200n, 'all messages');
  const ids = sorted(bob.connection.db.message, 'id').map(m => m.id);
  assert.equal(new Set(ids).size, ids.length);
});
