/** The embedded machine does what it does in an actor: it believes a good seal, and nothing else for long. */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { vapKey } from "../../codecs/vap/mod.ts";
import { test } from "../kit/harness.ts";
import { answerAll, ask, unregister } from "./embed.ts";

const account = { username: "agent", key: vapKey("agent", "secret") };

const outcomeWith = async (server: Server, timeoutMs: number) => {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  try {
    return await ask(socket, unregister, account, timeoutMs);
  } finally {
    socket.destroy();
    server.close();
  }
};

test("embedded: an answer with a good seal ends the transaction", async () => {
  const outcome = await outcomeWith(await answerAll(account.key), 10_000);
  assert.equal(outcome.type === "answer" && outcome.response.type.class, "success");
});

test("embedded: an answer with another's seal is passed over, and Ti ends the wait", async () => {
  const outcome = await outcomeWith(await answerAll(vapKey("agent", "guess")), 200);
  assert.equal(outcome.type, "timedOut");
});

test("embedded: a connection that ends is told", async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  assert.equal((await outcomeWith(server, 10_000)).type, "lost");
});
