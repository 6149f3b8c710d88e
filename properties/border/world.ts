/**
 * Border elements between networks that are nobody: messages go in, what they send is looked at, time is a number.
 *
 *   world.from(AGENT, invite) --> core --> sent: [{ to, message }]      world.pass(ms): timers
 */
import { ntpFromMs, unixMs, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import { cutSip, emptySipRemainder, parseSip, type Sdp, SIP_BYTES_MAX, type SipMessage } from "../../codecs/sip/mod.ts";
import { writeTicket } from "../../codecs/ticket/mod.ts";
import {
  BorderCore,
  type BorderCoreOptions,
  type BorderOrder,
  type BorderSource,
  type MediaQuestion,
  tokenKey,
} from "../../machines/border/mod.ts";
import type { Destination } from "../../machines/proxy/mod.ts";
import { keptSeal } from "../../machines/ticket/mod.ts";
import { read } from "../proxy/world.ts";

export const START_MS = 1_700_000_000_000;
export const NUMBER = "+49305550001";
export const CALLER = "+14085550001";

/** Our border element is nord.example's, unless a test says otherwise. */
export const AGENT: BorderSource = {
  transport: "TCP",
  own: 1,
  host: "192.0.2.11",
  port: 5_060,
  stream: 3,
  domains: [],
};
/** acme.example's border element, by a stream that it has opened. */
export const ACME: BorderSource = {
  transport: "TLS",
  own: 0,
  host: "198.51.100.7",
  port: 40_001,
  stream: 5,
  domains: ["acme.example"],
  domain: "acme.example",
  who: "acme.example",
};
export const MALLORY: BorderSource = {
  ...ACME,
  host: "198.51.100.66",
  stream: 6,
  domains: ["mallory.example"],
  domain: "mallory.example",
  who: "mallory.example",
};

const secret = new Uint8Array(32).fill(7);
export const seal = keptSeal(secret);
export const ticketFor = (more: Partial<Parameters<typeof writeTicket>[0]> = {}, by = seal): string =>
  writeTicket(
    {
      id: new Uint8Array(16),
      salt: new Uint8Array(16),
      validity: { notBefore: ntpFromMs(unixMs(START_MS - 1_000)), notAfter: ntpFromMs(unixMs(START_MS + 86_400_000)) },
      number: NUMBER as never,
      grantingNode: 1n as never,
      grantingDomain: "nord.example",
      grantedTo: "acme.example",
      epoch: 3,
      vservice: vserviceId(1n),
      ...more,
    },
    by,
  );

export const keyOf = (id: number, fill = id) => tokenKey(id, new Uint8Array(32).fill(fill), keptSeal);

export const optionsOf = (more: Partial<BorderCoreOptions> = {}): BorderCoreOptions => ({
  domain: "nord.example",
  own: [
    { transport: "TLS", host: "203.0.113.5", port: 5_061, side: "outside", names: ["nord.example"] },
    { transport: "TCP", host: "192.0.2.5", port: 5_070, side: "inside" },
    { transport: "UDP", host: "192.0.2.5", port: 5_070, side: "inside" },
  ],
  callAgents: [{ name: "agent", side: "inside", transport: "TCP", host: AGENT.host, port: 5_060 }],
  mark: "mark",
  keys: [keyOf(1)],
  epochs: () => [{ epoch: 3, seal }],
  onReject: "silence",
  hidesCallIds: false,
  hasRelay: false,
  ...more,
});

export interface Sent {
  readonly to: Destination;
  readonly message: SipMessage;
  readonly text: string;
}

const BAD_REQUEST: SipMessage = { type: "response", status: 400, reason: "", headers: [], body: new Uint8Array() };

export class World {
  readonly core: BorderCore;
  nowMs = START_MS;
  readonly orders: Array<BorderOrder> = [];

  constructor(more: Partial<BorderCoreOptions> = {}) {
    this.core = new BorderCore(optionsOf(more), this.nowMs);
  }

  /** What the core sends in answer, and nothing that it sent before. */
  from(source: BorderSource, message: SipMessage | string): ReadonlyArray<Sent> {
    this.core.receive(source, typeof message === "string" ? read(message) : message, this.nowMs);
    return this.taken();
  }

  /** What the core sends in answer to bytes, as they come by a stream. */
  stream(source: BorderSource, text: string | Uint8Array): ReadonlyArray<Sent> & { readonly isClosed?: boolean } {
    const bytes = typeof text === "string" ? utf8(text) : text;
    const { messages, unreadable, error } = cutSip(emptySipRemainder, bytes, SIP_BYTES_MAX);
    for (const message of messages) this.core.receive(source, message, this.nowMs);
    for (const found of unreadable) this.core.unreadable(source, found);
    return Object.assign(this.taken(), { isClosed: error !== undefined });
  }

  /** Time goes by, and the timers with it. */
  pass(ms: number): ReadonlyArray<Sent> {
    const until = this.nowMs + ms;
    const sent: Array<Sent> = [];
    for (let next = this.core.nextMs(); next !== undefined && next <= until; next = this.core.nextMs()) {
      this.nowMs = Math.max(this.nowMs, next);
      this.core.due(this.nowMs);
      sent.push(...this.taken());
    }
    this.nowMs = until;
    return sent;
  }

  /** The relay's answer to its newest question. */
  describe(sdp: Sdp | { readonly refused: string; readonly isOurs: boolean }): ReadonlyArray<Sent> {
    const { id } = this.questions.at(-1)!;
    this.core.described(id, "refused" in sdp ? sdp : { sdp }, this.nowMs);
    return this.taken();
  }
  get questions(): ReadonlyArray<{ readonly id: number; readonly kind: string; readonly question: MediaQuestion }> {
    return this.orders.flatMap((order) => (order.type === "media" ? [order] : []));
  }

  taken(): ReadonlyArray<Sent> {
    const orders = this.core.take();
    this.orders.push(...orders);
    return orders.flatMap((order) => {
      if (order.type !== "send") return [];
      const text = new TextDecoder().decode(order.bytes);
      const message = parseSip(order.bytes);
      if (message.ok) return [{ to: order.to, message: message.value, text }];
      // What refuses a message that cannot be read has its fields.
      if (!text.startsWith("SIP/2.0 400 ")) throw new Error(`sent no SIP: ${message.error.at} ${message.error.why}`);
      return [{ to: order.to, message: BAD_REQUEST, text }];
    });
  }

  count(what: string): number {
    return this.orders.filter((order) => order.type === "count" && order.what === what).length;
  }
  /** Reasons, in the order in which they came. */
  get refused(): ReadonlyArray<string> {
    return this.orders.flatMap((order) => (order.type === "refused" ? [order.why] : []));
  }
}

export const KEY = "A".repeat(40);
export const securedSdp = (host: string, more = ""): string =>
  [
    "v=0",
    `o=- 1 1 IN IP4 ${host}`,
    "s=-",
    `c=IN IP4 ${host}`,
    "t=0 0",
    "m=audio 4000 RTP/SAVP 8",
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
    ...(more === "" ? [] : [more]),
    "",
  ].join("\r\n");
export const clearSdp = (host: string): string =>
  ["v=0", `o=- 1 1 IN IP4 ${host}`, "s=-", `c=IN IP4 ${host}`, "t=0 0", "m=audio 4000 RTP/AVP 8", ""].join("\r\n");

export interface Words {
  readonly uri?: string;
  readonly via?: string;
  readonly branch?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly contact?: string;
  readonly ticket?: string | undefined;
  readonly lines?: ReadonlyArray<string>;
  readonly body?: string;
  readonly type?: string;
  readonly hops?: string;
}

/** A request of acme.example's border element to nord.example's, where nothing else is said. */
export const outer = (method: string, words: Words = {}): string => {
  const { branch = `z9hG4bK-${method}`, ticket = ticketFor(), callId = "call-1", cseq = 1 } = words;
  const body = words.body ?? (method === "INVITE" ? securedSdp("198.51.100.7") : "");
  return [
    `${method} ${words.uri ?? `sip:${NUMBER}@nord.example;user=phone`} SIP/2.0`,
    `Via: ${words.via ?? `SIP/2.0/TLS 198.51.100.7:5061;branch=${branch};alias`}`,
    `Max-Forwards: ${words.hops ?? "69"}`,
    `From: ${words.from ?? `"Alice" <sip:${CALLER}@acme.example;user=phone>;tag=alice`}`,
    `To: ${words.to ?? `<sip:${NUMBER}@nord.example;user=phone>`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(words.contact === ""
      ? []
      : [`Contact: ${words.contact ?? "<sip:c@acme.example:5061;maddr=198.51.100.7;transport=tls>"}`]),
    ...(words.lines ?? []),
    ...(method === "INVITE" && ticket !== "" && ticket !== undefined ? [`X-Cisco-ViPR-Ticket: ${ticket}`] : []),
    ...(body === "" ? [] : [`Content-Type: ${words.type ?? "application/sdp"}`]),
    `Content-Length: ${utf8(body).length}`,
    "",
    body,
  ].join("\r\n");
};
export const ACME_ROUTE = "Record-Route: <sip:oACME@acme.example:5061;maddr=198.51.100.7;transport=tls;lr>";

/** A request of nord.example's call agent that leaves for acme.example. */
export const inner = (method: string, words: Words = {}): string => {
  const { branch = `z9hG4bK-${method}`, callId = "call-2@192.0.2.11", cseq = 1 } = words;
  const body = words.body ?? (method === "INVITE" ? securedSdp("192.0.2.11") : "");
  const lines = words.lines ?? [
    "Route: <sip:x7@acme.example:5061;maddr=198.51.100.7;transport=tls;lr>",
    "Record-Route: <sip:192.0.2.11;transport=tcp;lr>",
    `X-Cisco-ViPR-Ticket: ${ticketFor()}`,
  ];
  return [
    `${method} ${words.uri ?? `sip:${CALLER}@acme.example;user=phone`} SIP/2.0`,
    `Via: ${words.via ?? `SIP/2.0/TCP 192.0.2.11:5060;branch=${branch}`}`,
    "Via: SIP/2.0/UDP 10.1.2.3:5060;branch=z9hG4bKpbx;received=10.1.2.3",
    `Max-Forwards: ${words.hops ?? "69"}`,
    `From: ${words.from ?? `"Bob" <sip:${NUMBER}@10.1.2.3>;tag=bob`}`,
    `To: ${words.to ?? `<sip:${CALLER}@acme.example;user=phone>`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(words.contact === ""
      ? []
      : [`Contact: ${words.contact ?? `"Bob" <sip:bob@10.1.2.3:5062>;+sip.instance="<urn:uuid:1>";isfocus`}`]),
    "User-Agent: Asterisk PBX 20",
    "P-Asserted-Identity: <sip:201@10.1.2.3>",
    "X-Asterisk-HangupCause: none",
    ...lines,
    ...(body === "" ? [] : [`Content-Type: ${words.type ?? "application/sdp"}`]),
    `Content-Length: ${utf8(body).length}`,
    "",
    body,
  ].join("\r\n");
};

/** `INVITE 198.51.100.1`, `200 192.0.2.11`: what was sent, and where to. */
export const shown = (sent: ReadonlyArray<Sent>): ReadonlyArray<string> =>
  sent.map(({ to, message }) => `${message.type === "request" ? message.method : message.status} ${to.host}`);
