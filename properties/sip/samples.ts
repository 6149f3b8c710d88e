/** One INVITE and what may answer it: for the machines, which look at little more than the status. */

import fc from "fast-check";
import { e164 } from "../../codecs/shared/mod.ts";
import {
  inviteOf,
  offerOf,
  printSdp,
  responseTo,
  type SipRequest,
  type SipResponse,
  textBody,
  withHeader,
} from "../../codecs/sip/mod.ts";

export const invite: SipRequest = inviteOf({
  host: "nord.example",
  called: e164("+49305550001"),
  calling: e164("+14085550001"),
  domain: "acme.example",
  by: { transport: "TCP", host: "192.0.2.1", port: 5060 },
  branch: "z9hG4bKa",
  tag: "a",
  callId: "c",
  route: "<sip:x@nord.example;transport=tls;lr>",
  ticket: "dGlja2V0",
  body: textBody(printSdp(offerOf({ address: "192.0.2.1", port: 4000, key: "A".repeat(40), session: "1" }))),
});
export const bye: SipRequest = withHeader({ ...invite, method: "BYE" }, "CSeq", "2 BYE");

export const answerOf = (status: number, request: SipRequest = invite): SipResponse =>
  responseTo(request, status, { toTag: "b", headers: [{ name: "Contact", value: "<sip:192.0.2.2>" }] });

export const response = (request: SipRequest = invite): fc.Arbitrary<SipResponse> =>
  fc.constantFrom(100, 180, 183, 200, 302, 404, 486, 487, 503, 603).map((status) => answerOf(status, request));

export const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
/** An event whose fields are drawn. */
export const event = <const T extends string, F extends Record<string, fc.Arbitrary<any>> = {}>(type: T, fields?: F) =>
  fc.record({ type: fc.constant(type), ...fields }, { noNullPrototype: true }) as fc.Arbitrary<any>;

/** The orders that a machine gives for these events, one list for each, the first at its start; names only. */
export const ordersOf = <I, E, A extends { readonly type: string }>(
  machine: {
    readonly start: (input: I) => { snapshot: any; actions: ReadonlyArray<A> };
    readonly step: (snapshot: any, event: E) => { snapshot: any; actions: ReadonlyArray<A> };
  },
  input: I,
  events: ReadonlyArray<E>,
): { readonly orders: ReadonlyArray<ReadonlyArray<A>>; readonly state: unknown } => {
  let now = machine.start(input);
  const orders = [now.actions];
  for (const event of events) {
    now = machine.step(now.snapshot, event);
    orders.push(now.actions);
  }
  return { orders, state: now.snapshot.value };
};
/** As text: `send ACK`, `startTimer B 32000`, `respond 503`. */
export const named = (orders: ReadonlyArray<ReadonlyArray<any>>): ReadonlyArray<string> =>
  orders.map((actions) => actions.map(nameOf).join(", "));
const nameOf = (action: any): string => {
  const message = action.message ?? action.response;
  const what =
    action.timer !== undefined
      ? [action.timer, action.ms].filter((part) => part !== undefined).join(" ")
      : message !== undefined
        ? (message.method ?? message.status)
        : (action.status ?? action.unexpected ?? action.why ?? action.what ?? action.uri ?? "");
  return `${action.type} ${what}`.trim();
};
