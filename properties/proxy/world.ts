/**
 * A proxy core between a PBX and trunks that are nobody: messages go in, what it sends is looked at, time is a number.
 *
 *   world.from(PBX, invite) --> core --> world.sent: [{ to, message }]      world.pass(ms): timers
 */
import { strictEqual } from "node:assert";
import { utf8 } from "../../codecs/shared/mod.ts";
import { headerOf, parseSip, type SipMessage, type SipRequest, type SipResponse, tagOf } from "../../codecs/sip/mod.ts";
import {
  type CallReport,
  type CoreOptions,
  type CoreOrder,
  type Destination,
  type OwnAddress,
  ProxyCore,
  type RouteOf,
  type SipPeer,
  type Source,
} from "../../machines/proxy/mod.ts";

export interface Place {
  readonly host: string;
  readonly port: number;
  readonly transport?: "UDP" | "TCP" | "TLS";
  readonly stream?: number;
  readonly own?: number;
}
export const PBX: Place = { host: "192.0.2.11", port: 5060 };
export const TRUNK: Place = { host: "198.51.100.1", port: 5060 };
export const TRUNK2: Place = { host: "198.51.100.2", port: 5060 };
export const BORDER: Place = { host: "192.0.2.5", port: 5070, transport: "TCP", stream: 9, own: 1 };

export const OWN: ReadonlyArray<OwnAddress> = [
  { transport: "UDP", host: "192.0.2.1", port: 5060, side: undefined },
  { transport: "TCP", host: "192.0.2.1", port: 5060, side: undefined },
];
export const PEERS: ReadonlyArray<SipPeer> = [
  { name: "pbx", side: "pbx", transport: "UDP", host: PBX.host, port: 5060 },
  { name: "one", side: "trunk", transport: "UDP", host: TRUNK.host, port: 5060 },
  { name: "two", side: "trunk", transport: "UDP", host: TRUNK2.host, port: 5060 },
  { name: "border", side: "border", transport: "TCP", host: BORDER.host, port: BORDER.port },
];
export const bothTrunks: RouteOf = () => ({ trunks: ["one", "two"] });

export interface Sent {
  readonly to: Destination;
  readonly message: SipMessage;
  readonly bytes: Uint8Array;
}

export class World {
  readonly core: ProxyCore;
  nowMs = 1_700_000_000_000;
  readonly orders: Array<CoreOrder> = [];
  readonly ended: Array<CallReport> = [];
  readonly saved = new Map<string, Uint8Array>();

  constructor(options: Partial<CoreOptions> = {}, saved: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.core = new ProxyCore({ own: OWN, peers: PEERS, route: bothTrunks, mark: "mark", ...options }, this.nowMs);
    for (const [id, bytes] of saved) {
      strictEqual(this.core.restore(id, bytes), true);
      this.saved.set(id, bytes);
    }
  }

  /** What the core sends in answer, and nothing that it sent before. */
  from(place: Place, message: SipMessage | string): ReadonlyArray<Sent> {
    this.core.receive(sourceOf(place), typeof message === "string" ? read(message) : message, this.nowMs);
    return this.taken();
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

  unreachable(to: Destination): ReadonlyArray<Sent> {
    this.core.unreachable(to, this.nowMs);
    return this.taken();
  }

  taken(): ReadonlyArray<Sent> {
    const orders = this.core.take();
    this.orders.push(...orders);
    return orders.flatMap((order) => {
      if (order.type === "ended") this.ended.push(order.report);
      if (order.type === "ended") this.saved.delete(order.report.id);
      if (order.type === "save") this.saved.set(order.id, order.call);
      if (order.type === "forget") this.saved.delete(order.id);
      if (order.type !== "send") return [];
      const message = parseSip(order.bytes);
      if (!message.ok) throw new Error(`sent no SIP: ${message.error.at} ${message.error.why}`);
      return [{ to: order.to, message: message.value, bytes: order.bytes }];
    });
  }

  count(what: string): number {
    return this.orders.filter((order) => order.type === "count" && order.what === what).length;
  }
  get fellBack(): ReadonlyArray<string> {
    return this.orders.flatMap((order) => (order.type === "fellBack" ? [order.reason] : []));
  }
}

export const sourceOf = ({ host, port, transport = "UDP", stream = 0, own = 0 }: Place): Source => ({
  host,
  port,
  transport,
  stream,
  own,
});

export const read = (text: string): SipMessage => {
  const message = parseSip(utf8(text));
  if (!message.ok) throw new Error(`${message.error.at}: ${message.error.why}\n${text}`);
  return message.value;
};

const SDP = [
  "v=0",
  "o=- 1 1 IN IP4 192.0.2.11",
  "s=-",
  "c=IN IP4 192.0.2.11",
  "t=0 0",
  "m=audio 4000 RTP/AVP 8",
  "",
].join("\r\n");
export const SECURED_SDP = SDP.replace(
  "RTP/AVP 8\r\n",
  `RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(40)}\r\n`,
);

export interface RequestWords {
  readonly uri?: string;
  readonly branch?: string;
  readonly via?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly contact?: string;
  /** Whole lines. */
  readonly lines?: ReadonlyArray<string>;
  readonly body?: string;
}

/** As the PBX writes it, where nothing else is said. */
export const request = (method: string, words: RequestWords = {}): SipRequest => {
  const {
    uri = "sip:+49305550901@192.0.2.1",
    branch = `z9hG4bK-${method}`,
    via = `SIP/2.0/UDP ${PBX.host}:5060;branch=${branch}`,
    from = `"Anna Field" <sip:+14085550201@192.0.2.11>;tag=anna`,
    to = `<sip:+49305550901@192.0.2.1>`,
    callId = "call-1",
    cseq = 1,
    contact = `<sip:asterisk@192.0.2.11:5060>`,
    lines = [],
    body = method === "INVITE" ? SDP : "",
  } = words;
  const text = [
    `${method} ${uri} SIP/2.0`,
    `Via: ${via}`,
    `Max-Forwards: 70`,
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: ${contact}`,
    ...lines,
    ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
  return read(text) as SipRequest;
};
export const invite = (words: RequestWords = {}): SipRequest => request("INVITE", words);

/** What the called side answers: its Vias, Record-Routes and names are the request's. */
export const answer = (
  to: SipMessage,
  status: number,
  words: {
    readonly tag?: string;
    readonly contact?: string;
    readonly lines?: ReadonlyArray<string>;
    readonly body?: string;
  } = {},
): SipResponse => {
  const { tag = "ben", contact = "<sip:ben@198.51.100.1:5060>", lines = [], body = "" } = words;
  const copied = (name: string) =>
    to.headers.filter((header) => header.name === name).map(({ value }) => `${name}: ${value}`);
  const [tagged] = copied("To");
  const text = [
    `SIP/2.0 ${status} Word`,
    ...copied("Via"),
    ...copied("Record-Route"),
    ...copied("From"),
    status === 100 || tagOf(to, "To") !== undefined ? tagged : `${tagged};tag=${tag}`,
    ...copied("Call-ID"),
    ...copied("CSeq"),
    ...(contact === "" ? [] : [`Contact: ${contact}`]),
    ...lines,
    ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
  return read(text) as SipResponse;
};

/** ACK or BYE of the caller, by the response as it saw it; `back`: of the called side, by the INVITE as it saw it. */
export const within = (
  method: string,
  invite: SipRequest,
  response: SipResponse,
  words: {
    readonly isBack?: boolean;
    readonly via?: string;
    readonly cseq?: number;
    readonly branch?: string;
    readonly lines?: ReadonlyArray<string>;
    readonly body?: string;
  } = {},
): SipRequest => {
  const { isBack = false, cseq = method === "ACK" ? 1 : 2, branch = `z9hG4bK-${method}-${isBack}-${cseq}` } = words;
  const records = response.headers.filter(({ name }) => name === "Record-Route").map(({ value }) => value);
  const routes = isBack ? records : records.reverse();
  const target = headerOf(isBack ? invite : response, "Contact")!.replace(/^<|>$/g, "");
  return request(method, {
    uri: target,
    via: `${words.via ?? `SIP/2.0/UDP ${isBack ? TRUNK.host : PBX.host}:5060`};branch=${branch}`,
    from: headerOf(response, isBack ? "To" : "From")!,
    to: headerOf(response, isBack ? "From" : "To")!,
    callId: headerOf(response, "Call-ID")!,
    cseq,
    lines: [...routes.map((route) => `Route: ${route}`), ...(words.lines ?? [])],
    body: words.body ?? "",
  });
};

/** `INVITE 198.51.100.1`, `200 192.0.2.11`: what was sent, and where to. */
export const shown = (sent: ReadonlyArray<Sent>): ReadonlyArray<string> =>
  sent.map(({ to, message }) => `${message.type === "request" ? message.method : message.status} ${to.host}`);
