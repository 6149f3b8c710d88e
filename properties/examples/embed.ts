/**
 * One machine embedded without Effect: a VAP request over an ordinary socket, in one loop of our own.
 *
 *   socket "data", "close" --+
 *   setTimeout --------------+--> happened --> step --> for each order: write, start, stop, tell
 *
 *   node properties/examples/embed.ts       or deno run -A, or bun: asks a server of its own on loopback
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import {
  hasIntegrity,
  MESSAGE_BYTES_MAX,
  protect,
  TRANSACTION_ID_BYTES,
  type VapContent,
  VapMessage,
  vapKey,
} from "../../codecs/vap/mod.ts";
import { cut, emptyRemainder } from "../../codecs/wire/mod.ts";
import { type VapOutcome, type VapTransactionEvent, vapTransaction } from "../../machines/vap/mod.ts";

export interface Account {
  readonly username: string;
  readonly key: Uint8Array;
}

/** Sends one request and tells what came of it: an answer, nothing in time, or a lost connection. */
export const ask = (socket: Socket, request: VapContent, account: Account, timeoutMs: number): Promise<VapOutcome> =>
  new Promise((tell) => {
    const timers = new Map<string, NodeJS.Timeout>();
    const transactionId = new Uint8Array(randomBytes(TRANSACTION_ID_BYTES));
    let now = vapTransaction.start({ request, transactionId, timeoutMs });

    const perform = (): void => {
      for (const order of now.actions) {
        switch (order.type) {
          case "send":
            socket.write(protect(order.content, order.transactionId, account));
            break;
          case "startTimer":
            timers.set(
              order.timer,
              setTimeout(() => happened({ type: "timerFired", timer: order.timer }), order.ms),
            );
            break;
          case "stopTimer":
            clearTimeout(timers.get(order.timer));
            break;
          case "report":
            tell(order.outcome);
            break;
          case "note":
            console.error("unexpected:", order.unexpected);
        }
      }
    };
    const happened = (event: VapTransactionEvent): void => {
      if (vapTransaction.isDone(now.snapshot)) return;
      now = vapTransaction.step(now.snapshot, event);
      perform();
    };

    let remainder = emptyRemainder;
    socket.on("data", (chunk) => {
      const { messages, raw, rest, error } = cut(VapMessage, remainder, chunk, MESSAGE_BYTES_MAX);
      remainder = rest;
      for (const [i, response] of messages.entries())
        happened({ type: "answered", response, genuine: hasIntegrity(response, raw[i]!, account.key) });
      if (error !== undefined) socket.destroy();
    });
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => happened({ type: "lost", why: "closed" }));
    perform();
  });

/** A server that answers every request with success, sealed with its own idea of the key. */
export const answerAll = (key: Uint8Array): Promise<Server> =>
  new Promise((listening) => {
    const server = createServer((socket) => {
      let remainder = emptyRemainder;
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        const { messages, rest } = cut(VapMessage, remainder, chunk, MESSAGE_BYTES_MAX);
        remainder = rest;
        for (const { type, transactionId } of messages) {
          if (typeof type.method === "number") continue; // a method without a name
          const answer: VapContent = { method: type.method, class: "success", attributes: [] };
          socket.write(protect(answer, transactionId, { username: "", key }));
        }
      });
    });
    server.listen(0, "127.0.0.1", () => listening(server));
  });

export const unregister: VapContent = { method: "unregister", class: "request", attributes: [] };

if (import.meta.main) {
  const account = { username: "agent", key: vapKey("agent", "secret") };
  const server = await answerAll(account.key);
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const outcome = await ask(socket, unregister, account, 1_000);
  console.log(outcome.type === "answer" ? `${outcome.type}: ${outcome.response.type.class}` : outcome.type);
  socket.destroy();
  server.close();
}
// prints: answer: success
