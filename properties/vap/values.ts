/** Values that the tests of VAP share. */
import fc from "fast-check";
import { e164, ntp, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import {
  errorAttribute,
  errorCode,
  type VapAttribute,
  type VapContent,
  type VapError,
  VapMessage,
  type VService,
  writeValInfo,
  writeVService,
} from "../../codecs/vap/mod.ts";
import type { TypeOf } from "../../codecs/wire/mod.ts";

type Attribute = TypeOf<typeof VapAttribute>;

export const VSERVICE = vserviceId(0x7eeb_6a70_3647_8351n);
export const NUMBER = e164("+14085555432");
export const identityOf = (service: number, subservice: number, vservice = VSERVICE, instance = 1n): Attribute => ({
  type: "serviceIdentity",
  value: { service, subservice, vservice, instance },
});
export const idOf = (n: number): Uint8Array => new Uint8Array(12).fill(n);

export const messageOf = (
  method: VapContent["method"] | number,
  kind: VapContent["class"],
  attributes: ReadonlyArray<Attribute> = [],
  transactionId: Uint8Array = idOf(1),
): VapMessage => ({ type: { method, class: kind }, transactionId, attributes });
export const errorOf = (method: VapContent["method"], error: VapError, transactionId?: Uint8Array): VapMessage =>
  messageOf(method, "error", [errorAttribute(error)], transactionId);

export const document: VService = {
  id: "has7gg",
  dhtName: "Quetzalcoatl",
  didCount: 100,
  domain: "a.example",
  routes: [{ sipUris: ["sip:x@a.example:5061;maddr=192.0.2.1;transport=tls"] }],
};
export const valInfo = { number: NUMBER, ticket: "AAECAw==", routes: document.routes };
export const vcr: Vcr = {
  direction: "sent",
  calling: e164("+14085551000"),
  called: NUMBER,
  startMs: unixMs(1_767_225_600_000),
  stopMs: unixMs(1_767_225_856_000),
  vservice: VSERVICE,
};

/** Attributes in the spirit of the protocol: the right ones, wrong ones, none. */
const attributes: fc.Arbitrary<Attribute> = fc.constantFrom<Array<Attribute>>(
  { type: "clientName", value: "agent/1.0" },
  { type: "protocolVersion", value: { major: 1, minor: 0 } },
  { type: "protocolVersion", value: { major: 2, minor: 0 } },
  { type: "clientHandle", value: 7 },
  { type: "clientHandle", value: 8 },
  { type: "keepalive", value: 30_000 },
  { type: "quota", value: { limit: 10, current: 1 } },
  { type: "dhtLifetime", value: 3_600 },
  { type: "subscriptionId", value: 1 },
  { type: "serviceVersion", value: 1 },
  { type: "serviceVersion", value: 2 },
  { type: "serviceContent", value: writeVService(document) },
  { type: "serviceContent", value: writeValInfo(valInfo) },
  { type: "serviceContent", value: new Uint8Array(3) },
  identityOf(101, 4),
  identityOf(101, 3),
  identityOf(100, 3),
  identityOf(101, 4, vserviceId(5n)),
  identityOf(9, 9),
  { type: "calledNumber", value: NUMBER },
  { type: "calledNumber", value: "nobody" },
  { type: "callingNumber", value: "" },
  { type: "startTime", value: ntp(5n) },
  { type: "stopTime", value: ntp(6n) },
  { type: "callDirection", value: "sent" },
);
const methods = fc.constantFrom(
  "register",
  "unregister",
  "publish",
  "unpublish",
  "publishRevoke",
  "subscribe",
  "unsubscribe",
  "notify",
  "uploadVcr",
  0x7ff,
) as fc.Arbitrary<VapContent["method"]>;

/** Whole requests that mean something, so that runs get anywhere. */
export const meaningful: ReadonlyArray<VapMessage> = [
  messageOf("register", "request", [
    { type: "clientName", value: "agent/1.0" },
    { type: "protocolVersion", value: { major: 1, minor: 0 } },
  ]),
  messageOf("register", "request", [{ type: "clientHandle", value: 7 }]),
  messageOf("publish", "request", [
    identityOf(101, 4),
    { type: "serviceVersion", value: 2 },
    { type: "serviceContent", value: writeVService(document) },
  ]),
  messageOf("publish", "request", [identityOf(100, 3), { type: "calledNumber", value: NUMBER }]),
  messageOf("subscribe", "request", [identityOf(101, 3)]),
  messageOf("uploadVcr", "request", [
    identityOf(100, 3),
    { type: "calledNumber", value: NUMBER },
    { type: "callingNumber", value: e164("+14085551000") },
    { type: "startTime", value: ntp(5n) },
    { type: "stopTime", value: ntp(6n) },
    { type: "callDirection", value: "sent" },
  ]),
  messageOf("unpublish", "request", [identityOf(101, 4)]),
  messageOf("unregister", "request"),
  messageOf("notify", "request", [
    { type: "subscriptionId", value: 1 },
    { type: "serviceContent", value: writeValInfo(valInfo) },
  ]),
];
export const requests: fc.Arbitrary<VapMessage> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...meaningful) },
  fc.tuple(methods, fc.array(attributes, { maxLength: 6 })).map(([method, list]) => messageOf(method, "request", list)),
);
export const responses: fc.Arbitrary<VapMessage> = fc.oneof(
  {
    weight: 3,
    arbitrary: methods.map((method) =>
      messageOf(method, "success", [
        { type: "clientHandle", value: 7 },
        { type: "keepalive", value: 30_000 },
        { type: "subscriptionId", value: 1 },
        { type: "quota", value: { limit: 10, current: 1 } },
        { type: "dhtLifetime", value: 3_600 },
      ]),
    ),
  },
  fc
    .tuple(methods, fc.constantFrom(...(Object.keys(errorCode) as Array<VapError>)))
    .map(([method, error]) => errorOf(method, error)),
);
export { VapMessage };
