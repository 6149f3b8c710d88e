/** The two ends of a call through a border element: how each answers, and what it sends within the dialog. RFC 3261 §12. */
import { headerOf, listOf, type SipMessage, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { answer } from "../proxy/world.ts";
import { ACME, ACME_ROUTE, AGENT, inner, outer, type Sent, securedSdp, type Words } from "./world.ts";

export const INSIDE = "<sip:192.0.2.11;transport=tcp;lr>";
export const request = (sent: ReadonlyArray<Sent>): SipRequest => sent.at(-1)!.message as SipRequest;
export const response = (sent: ReadonlyArray<Sent>): SipResponse => sent.at(-1)!.message as SipResponse;

/** With another record above ours: by whoever stands between us and this end. */
const recordedBy = (told: SipResponse, record: string): SipResponse => {
  const at = told.headers.findIndex(({ name }) => name === "Record-Route");
  const headers = [...told.headers];
  headers.splice(at, 0, { name: "Record-Route", value: record });
  return { ...told, headers };
};

/** As the phone behind our call agent answers, with the agent's record above ours. */
export const byBob = (invite: SipMessage, status: number, tag = "bob", body = securedSdp("10.1.2.3")): SipResponse => {
  const told = answer(invite, status, {
    tag,
    contact: "<sip:bob@10.1.2.3:5062>",
    lines: ["Server: Asterisk PBX", "Warning: 399 pbx.local x"],
    body,
  });
  return recordedBy(told, INSIDE);
};

/** As acme's border element answers. */
export const byAlice = (invite: SipMessage, status: number, body = securedSdp("198.51.100.7")): SipResponse => {
  const told = answer(invite, status, {
    tag: "alice",
    contact: "<sip:c@acme.example:5061;maddr=198.51.100.7;transport=tls>",
    body,
  });
  return recordedBy(told, ACME_ROUTE.slice("Record-Route: ".length));
};

/** Those before us have taken their own Routes off. */
export const fromUs = (routes: ReadonlyArray<string>): ReadonlyArray<string> =>
  routes.slice(routes.findIndex((route) => /^<sip:[oi][^@]{20,}@/.test(route))).map((route) => `Route: ${route}`);

/** Within the dialog that this response has made, by whoever received it: as RFC 3261 §12.2.1.1 has it. */
export const follow = (
  made: (method: string, words: object) => string,
  method: string,
  invite: SipRequest,
  told: SipResponse,
  words: object = {},
): string =>
  made(method, {
    uri: headerOf(told, "Contact")!.replace(/^[^<]*<|>.*$/g, ""),
    from: headerOf(told, "From")!,
    to: headerOf(told, "To")!,
    callId: headerOf(told, "Call-ID")!,
    cseq: 2,
    lines: fromUs([...listOf(told, "Record-Route")].reverse()),
    contact: headerOf(invite, "Contact")!,
    ...words,
  });
/** ... by whoever was invited. */
export const back = (
  made: (method: string, words: object) => string,
  method: string,
  invite: SipRequest,
  told: SipResponse,
  words: object = {},
): string =>
  made(method, {
    uri: headerOf(invite, "Contact")!.replace(/^[^<]*<|>.*$/g, ""),
    from: headerOf(told, "To")!,
    to: headerOf(told, "From")!,
    callId: headerOf(invite, "Call-ID")!,
    cseq: 1,
    lines: fromUs(listOf(told, "Record-Route")),
    ...words,
  });

/** The other end's description: another key. RFC 4568 §7.1.2. */
export const bobs = (sdp: string): string => sdp.replace("A".repeat(40), "B".repeat(40));

/** Who calls whom, and what each sends: a call from acme comes in, one to acme goes out. */
export const WAYS = [
  {
    name: "in",
    caller: ACME,
    callee: AGENT,
    invite: (words: Words = {}): string => outer("INVITE", { lines: [ACME_ROUTE], ...words }),
    made: outer,
    others: inner,
    answered: (invite: SipRequest, status: number, body: string): SipResponse => byBob(invite, status, "bob", body),
    hosts: { caller: "198.51.100.7", callee: "192.0.2.11" },
    /** Of the called side, and of the calling one. */
    offer: bobs(securedSdp("10.1.2.3")),
    answer: securedSdp("198.51.100.7"),
  },
  {
    name: "out",
    caller: AGENT,
    callee: ACME,
    invite: (words: Words = {}): string => inner("INVITE", words),
    made: inner,
    others: outer,
    answered: (invite: SipRequest, status: number, body: string): SipResponse => byAlice(invite, status, body),
    hosts: { caller: "192.0.2.11", callee: "198.51.100.7" },
    offer: bobs(securedSdp("198.51.100.7")),
    answer: securedSdp("192.0.2.11"),
  },
] as const;
export type Way = (typeof WAYS)[number];
