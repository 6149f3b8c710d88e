/**
 * What a border element does with the bytes of an INVITE, beside drachtio-sip over the same ones.
 *
 *   parse an INVITE and read what a proxy needs   Request-URI, topmost Via, From, To, CSeq, Route, Call-ID, Max-Forwards
 *   parse, strip routes, forward, print           and the bytes for the next hop
 */
import { createRequire } from "node:module";
import { utf8 } from "../../codecs/shared/mod.ts";
import {
  branchOf,
  cseqOf,
  headerOf,
  parseSip,
  printSip,
  requestUriOf,
  routesIn,
  type SipRequest,
  tagOf,
} from "../../codecs/sip/mod.ts";
import { OwnAddresses } from "../../machines/proxy/addresses.ts";
import { leaving, routed } from "../../machines/proxy/route.ts";
import { type Contest, rateOf } from "./kit.ts";

const BODY = [
  "v=0",
  "o=- 4711 4711 IN IP4 192.0.2.1",
  "s=-",
  "c=IN IP4 192.0.2.1",
  "t=0 0",
  "m=audio 49170 RTP/SAVP 8 0",
  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
  "",
].join("\r\n");
const OUR_ROUTE = "<sip:x7@nord.example:5061;maddr=192.0.2.2;transport=tls;lr>";
const TICKET = "A".repeat(244);
const inviteText = (i: number): string =>
  [
    "INVITE sip:+49305550001@nord.example;user=phone SIP/2.0",
    `Via: SIP/2.0/TLS acme.example:5061;branch=z9hG4bK${i}`,
    "Via: SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bK74bf9",
    `Route: ${OUR_ROUTE}`,
    "Record-Route: <sip:acme.example:5061;maddr=192.0.2.1;transport=tls;lr>",
    "Max-Forwards: 69",
    'From: "Alice" <sip:+14085550001@acme.example;user=phone>;tag=9fxced76sl',
    "To: <sip:+49305550001@nord.example;user=phone>",
    `Call-ID: 3848276298220188511-${i}@acme.example`,
    "CSeq: 1 INVITE",
    "Contact: <sip:127.0.0.1:5070;transport=tcp>",
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS",
    `X-Cisco-ViPR-Ticket: ${TICKET}`,
    "Content-Type: application/sdp",
    `Content-Length: ${BODY.length}`,
    "",
    BODY,
  ].join("\r\n");
const all = Array.from({ length: 100 }, (_, i) => utf8(inviteText(i)));
const own = new OwnAddresses([
  { side: "trunk", transport: "TLS", host: "192.0.2.2", port: 5_061, names: ["nord.example"] },
  { side: "pbx", transport: "TCP", host: "127.0.0.1", port: 5_060 },
]);

let next = 0;
const bytesOfNext = (): Uint8Array => {
  next = (next + 1) % all.length;
  return all[next]!;
};
const parseOurs = (): SipRequest => {
  const read = parseSip(bytesOfNext());
  if (!read.ok || read.value.type !== "request") throw new Error("not read");
  return read.value;
};
const ours = () => {
  const invite = parseOurs();
  const uri = requestUriOf(invite);
  const routes = routesIn(invite);
  const known = [
    branchOf(invite),
    tagOf(invite, "From"),
    headerOf(invite, "Call-ID"),
    headerOf(invite, "Max-Forwards"),
  ];
  if (
    !uri.ok ||
    !routes.ok ||
    cseqOf(invite).number !== 1 ||
    tagOf(invite, "To") !== undefined ||
    known.includes(undefined)
  )
    throw new Error("not read");
};
const oursForwarded = () => {
  const by = routed(parseOurs(), own);
  if (by === undefined || !by.isByUs) throw new Error("not read");
  const sent = leaving(by.request, `${own.via(1)}z9hG4bKnew`, own.recordRoutes(1, 0), undefined);
  if (printSip(sent).length < 1_000) throw new Error("not written");
};

/** As far as we use it: it has no types of its own. */
interface Drachtio {
  readonly uri: string;
  readonly headers: Record<string, string>;
  readonly get: (name: string) => string;
  readonly getParsedHeader: (name: string) => any;
  readonly toString: () => string;
}
type DrachtioMaker = { new (text: string): Drachtio; parseUri(text: string): unknown };
const loadPeer = (): DrachtioMaker => createRequire(import.meta.url)("drachtio-sip").SipMessage;

const parsePeer = (Message: DrachtioMaker): Drachtio => new Message(decoder.decode(bytesOfNext()));
const decoder = new TextDecoder();
const peer = (Message: DrachtioMaker) => () => {
  const invite = parsePeer(Message);
  const [via, from, to] = [invite.getParsedHeader("via"), invite.getParsedHeader("from"), invite.getParsedHeader("to")];
  const known = [
    Message.parseUri(invite.uri),
    invite.getParsedHeader("route")[0],
    invite.get("call-id"),
    from.params.tag,
  ];
  if (known.includes(undefined) || via[0].params.branch === undefined || to.params.tag !== undefined)
    throw new Error("not read");
  if (invite.getParsedHeader("cseq").seq !== 1 || invite.get("max-forwards") === undefined) throw new Error("not read");
};
/** Its routes are taken apart and the first, ours, left out; the Via and the hop count are set as ours are. */
const peerForwarded = (Message: DrachtioMaker) => () => {
  const invite = parsePeer(Message);
  const { headers } = invite;
  if (invite.getParsedHeader("route").length === 1) delete headers.route;
  headers["max-forwards"] = String(Number(invite.get("max-forwards")) - 1);
  headers["record-route"] = `${RECORDED},${headers["record-route"]}`;
  headers.via = `SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKnew,${headers.via}`;
  if (utf8(invite.toString()).length < 1_000) throw new Error("not written");
};
const RECORDED = "<sip:127.0.0.1:5060;transport=tcp;lr>,<sip:192.0.2.2:5061;transport=tls;lr>";

export const contests: ReadonlyArray<Contest> = [
  {
    name: "sip: parse an INVITE and read what a proxy needs",
    unit: "1/s",
    peerName: "drachtio-sip",
    ours: () => rateOf(ours),
    peer: () => rateOf(peer(loadPeer())),
    aim: 5,
  },
  {
    name: "sip: parse, strip routes, forward, print",
    unit: "1/s",
    peerName: "drachtio-sip",
    ours: () => rateOf(oursForwarded),
    peer: () => rateOf(peerForwarded(loadPeer())),
    aim: 2,
  },
];
