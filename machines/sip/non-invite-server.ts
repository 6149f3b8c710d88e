/**
 * The server transaction of every request but INVITE and ACK, over a reliable transport. RFC 3261 §17.2.2.
 *
 *    o --> trying -- respond 1xx: send --> proceeding -- respond final: send --> done
 *             +---- respond final: send ---------------------------------------> done     J is zero
 */
import { setup } from "xstate";
import type { SipResponse } from "../../codecs/sip/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
import type { ServerTransactionInput } from "./invite-server.ts";

export type NonInviteServerEvent =
  | { readonly type: "repeated" }
  | { readonly type: "respond"; readonly response: SipResponse }
  | { readonly type: "lost"; readonly why: string };

export type NonInviteServerAction =
  | { readonly type: "send"; readonly message: SipResponse }
  | { readonly type: "fail"; readonly why: "lost" }
  | { readonly type: "note"; readonly unexpected: string };

interface Context extends ServerTransactionInput {
  readonly last: ReadonlyArray<SipResponse>;
}

type Respond = Extract<NonInviteServerEvent, { readonly type: "respond" }>;
const send = decide((_: Context, { response }: Respond) => ({
  context: { last: [response] },
  actions: [{ type: "send" as const, message: response }],
}));
const respond = [
  { guard: ({ event }: { event: Respond }) => event.response.status < 200, target: "proceeding", actions: send },
  { target: "done", actions: send },
] as const;
const lost = { target: "done", actions: { type: "fail", params: { why: "lost" } } } as const;

export const nonInviteServer = machineOf<NonInviteServerAction>()(
  setup({
    types: { input: {} as ServerTransactionInput, context: {} as Context, events: {} as NonInviteServerEvent },
    actions: declared<NonInviteServerAction>({ send: true, fail: true, note: true }),
  }).createMachine({
    id: "nonInviteServer",
    context: ({ input }) => ({ ...input, last: [] }),
    initial: "trying",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      trying: { on: { respond, lost } }, // a request that comes again before any answer waits for that answer
      proceeding: {
        on: {
          respond,
          lost,
          repeated: { actions: { type: "send", params: ({ context }) => ({ message: context.last[0]! }) } },
        },
      },
      done: { type: "final" },
    },
  }),
);
