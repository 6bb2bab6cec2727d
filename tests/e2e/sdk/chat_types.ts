// Not run, only type-checked (strictly) against the generated bindings: what an application may rely on.
import { DbConnection, tables, type DbView, type EventContext, type SubscriptionHandle } from "./index";
import type { Message, User } from "./types";
import type { SendMessageParams } from "./types/reducers";

export function application(connection: DbConnection): SubscriptionHandle {
  const user = connection.db.user.identity.find(connection.identity!);
  const name: string | undefined = user?.name;
  const online: boolean = user!.online;
  connection.db.message.onInsert((ctx: EventContext, row) => {
    const id: bigint = row.id;
    const sent: Date = row.sent.toDate();
    const db: DbView = ctx.db;
    console.log(id, sent, db.user.count(), name, online);
  });
  connection.db.message.onUpdate((_ctx: EventContext, before, after) => console.log(before.text.length - after.text.length));
  for (const row of connection.db.message.sender.filter(connection.identity!)) console.log(row.text);
  const params: SendMessageParams = { text: "typed" };
  const sent: Promise<void> = connection.reducers.sendMessage(params);
  void sent;
  // @ts-expect-error a number is no text
  void connection.reducers.sendMessage({ text: 1 });
  // @ts-expect-error there is no such reducer: connect and disconnect are the database's to call
  void connection.reducers.userConnected({});
  return connection.subscriptionBuilder().subscribe([tables.user, tables.message.where(row => row.id.gt(1n))]);
}

export const row: Message = null as unknown as Message;
export const person: User = { identity: row.sender, name: undefined, online: false };
