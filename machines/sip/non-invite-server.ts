/**
 * The server transaction of every request but INVITE and ACK, over a reliable transport. RFC 3261 §17.2.2.
 *
 *    o --> trying -- respond 1xx: send --> proceeding -- respond final: send --> done
 *             +---- respond final: send ---------------------------------------> done     J is zero
 */
import type { SipResponse } from "../../codecs/sip/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";
import type { ServerTransactionInput } from "./invite-server.ts";

export type NonInviteServerEvent =
  | { readonly type: "repeated" }
  | { readonly type: "respond"; readonly response: SipResponse }
  | { readonly type: "lost"; readonly why: string };

export type NonInviteServerAction =
  | { readonly type: "send"; readonly message: SipResponse }
  | { readonly type: "fail"; readonly why: "lost" }
  | Note;

interface Context extends ServerTransactionInput {
  readonly last: ReadonlyArray<SipResponse>;
}

const { machine, decide, give } = setup<{
  input: ServerTransactionInput;
  context: Context;
  event: NonInviteServerEvent;
  order: NonInviteServerAction;
}>();
type Respond = Of<NonInviteServerEvent, "respond">;

const isProvisional = (_: Context, { response }: Respond): boolean => response.status < 200;
const send = decide(["send"], (_, { response }: Respond) => ({
  context: { last: [response] },
  actions: [{ type: "send", message: response }],
}));
const respond = [
  { guard: isProvisional, target: "proceeding", actions: send },
  { target: "done", actions: send },
] as const;
const lost = { target: "done", actions: { type: "fail", why: "lost" } } as const;

export const nonInviteServer = machine("nonInviteServer", {
  context: (input) => ({ ...input, last: [] }),
  initial: "trying",
  states: {
    trying: { on: { respond, lost } }, // a request that comes again before any answer waits for that answer
    proceeding: {
      on: { respond, lost, repeated: { actions: give("send", ({ last }) => ({ message: last[0]! })) } },
    },
    done: { type: "final" },
  },
});
