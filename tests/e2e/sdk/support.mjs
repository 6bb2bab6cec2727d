// What the tests share: the server under test, and waiting for things to happen.

// SDKs from 2.0 on want this function of newer runtimes.
Promise.withResolvers ??= () => {
  const out = {};
  out.promise = new Promise((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
};

export const uri = process.env.LIGHTCONE_URI;
if (!uri) throw new Error('LIGHTCONE_URI names the server; tests/e2e/sdk/run sets it');

/** Waits until `condition()` is true; the tests never depend on how long that takes. */
export async function until(condition, what, limitMs = 15000) {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** The rows of a table, sorted by a column. */
export const sorted = (table, key) => [...table.iter()].sort((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0));

/** Builds a connection and resolves when it is there. `name` chooses between withDatabaseName and the older withModuleName. */
export function connect(builder, database, token) {
  return new Promise((resolve, reject) => {
    let b = builder.withUri(uri);
    b = b.withDatabaseName ? b.withDatabaseName(database) : b.withModuleName(database);
    if (token) b = b.withToken(token);
    b.onConnect((connection, identity, newToken) => resolve({ connection, identity, token: newToken }))
      .onConnectError((_ctx, error) => reject(error))
      .build();
  });
}

export function disconnect({ connection }) {
  connection.disconnect();
}
