/**
 * The server transaction of every request but INVITE and ACK, over datagrams or a stream. RFC 3261 §17.2.2.
 *
 *    o --> trying -- 1xx: send --> proceeding -- final: send, start J --> answered -- J --> done   at once on a stream
 *             +------ final: send, start J ---------------------------------^   the request again: send
 *
 * RFC 4320 §4.2: where nobody downstream has answered, there is no response to such a request; `abandoned` ends it.
 * Requirements: RFC 3261 §16.2, §17.1.
 */
import { type Note, setup } from "../kit/mod.ts";
import type { ServerEvent } from "./invite-server.ts";
import { isReliable, send, type TransactionInput } from "./timing.ts";

export type RequestServerTimer = "J";
export type RequestServerOrder =
  | { readonly type: "send" }
  | { readonly type: "startTimer"; readonly timer: RequestServerTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: RequestServerTimer }
  | Note;
export type RequestServerEvent = ServerEvent<RequestServerTimer> | { readonly type: "abandoned" };

const { machine, give } = setup<{
  input: TransactionInput;
  context: TransactionInput;
  event: RequestServerEvent;
  order: RequestServerOrder;
}>();

const answer = [
  { guard: isReliable, target: "done", actions: send },
  {
    target: "answered",
    actions: [send, give("startTimer", ({ t1Ms }) => ({ timer: "J", ms: 64 * t1Ms }))],
  },
] as const;
const common = { success: answer, refusal: answer, abandoned: { target: "done" }, acked: {} } as const;

export const proxyRequestServer = machine("proxyRequestServer", {
  context: (input) => input,
  initial: "trying",
  states: {
    trying: { on: { ...common, repeated: {}, provisional: { target: "proceeding", actions: send } } },
    proceeding: { on: { ...common, repeated: { actions: send }, provisional: { actions: send } } },
    answered: {
      on: { repeated: { actions: send }, acked: {}, provisional: {}, success: {}, refusal: {}, abandoned: {} },
      timers: { J: { target: "done" } },
    },
    done: { type: "final" },
  },
});
