/** A border element's admission of one INVITE: who gets in, and what the others are told. ViPR overview §6.3; RFC 3261 §16.3. */
import { deepStrictEqual as same } from "node:assert";
import { nodeIdFrom, ntpFromMs, unixMs, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import { type SipRequest, withHeader, withTicket } from "../../codecs/sip/mod.ts";
import { writeTicket } from "../../codecs/ticket/mod.ts";
import { type AdmissionInput, admit } from "../../machines/sip/mod.ts";
import { keptSeal } from "../../machines/ticket/mod.ts";
import { test } from "../kit/harness.ts";
import { invite } from "./samples.ts";

const AT_MS = 1_400_000_000_000;
const seal = keptSeal(new Uint8Array(32).fill(7));
const ticket = writeTicket(
  {
    id: new Uint8Array(16),
    salt: new Uint8Array(16),
    validity: { notBefore: ntpFromMs(unixMs(AT_MS)), notAfter: ntpFromMs(unixMs(AT_MS + 1_000)) },
    number: "+49305550001",
    grantingNode: nodeIdFrom(1n),
    grantingDomain: "nord.example",
    grantedTo: "acme.example",
    epoch: 3,
    vservice: vserviceId(1n),
  },
  seal,
);
const good = withTicket(invite, ticket);
const admission = (invite: SipRequest, more: Partial<AdmissionInput> = {}) => {
  const domains = ["other.example", "acme.example"];
  return admit({ invite, domains, onReject: "silence", epochs: [{ epoch: 3, seal }], atMs: AT_MS, ...more });
};
const refused = (why: string, respond: unknown) => ({ type: "refused", why, respond });

test("border: a good ticket lets the call in", () =>
  same(admission(good), { type: "admitted", domain: "acme.example", ticketId: "00".repeat(16) }));
test("border: a bad ticket brings no answer, or 403 if the operator wants one, whatever else is wrong", () => {
  const worse = withHeader(withHeader(invite, "Max-Forwards", "0"), "Proxy-Require", "x");
  for (const bad of [invite, worse]) {
    same(admission(bad), refused("malformed", undefined));
    same(admission(bad, { onReject: "403" }), refused("malformed", { status: 403 }));
  }
  same(admission(withHeader(good, "X-Cisco-ViPR-Ticket", undefined)), refused("missing", undefined));
});
test("border: ticket, Request-URI's number, certificate's domains and time are what is checked", () => {
  same(admission({ ...good, uri: "sip:+49305550002@nord.example" }), refused("wrongNumber", undefined));
  same(admission(good, { domains: ["nord.example"] }), refused("wrongDomain", undefined));
  same(admission(good, { atMs: AT_MS + 61_001 }), refused("expired", undefined));
  same(admission(good, { epochs: [] }), refused("unknownEpoch", undefined));
});

/** The good offer, with something written behind its last line's key. */
const bodied = (more: string): SipRequest => ({
  ...good,
  body: utf8(`${new TextDecoder().decode(good.body).trimEnd()}${more}`),
});
const told: ReadonlyArray<readonly [string, SipRequest, string, number, string | undefined]> = [
  ["too many hops", withHeader(good, "Max-Forwards", "0"), "tooManyHops", 483, undefined],
  ["too many hops, written 00. §20.22", withHeader(good, "Max-Forwards", "00"), "tooManyHops", 483, undefined],
  ["an extension that we cannot follow", withHeader(good, "Proxy-Require", "foo"), "unknownExtension", 420, "foo"],
  ["an offer whose key does not encrypt", bodied(` UNENCRYPTED_SRTP\r\n`), "notSecured", 488, undefined],
  ["a NULL suite beside a good one", bodied("\r\na=crypto:3 NULL_HMAC_X inline:x\r\n"), "notSecured", 488, undefined],
  ["a body that is no SDP", { ...good, body: utf8("hello") }, "notSecured", 488, undefined],
  [
    "a body of another type. §8.2.3",
    withHeader(good, "Content-Type", "application/unknown"),
    "unsupportedType",
    415,
    "application/sdp",
  ],
];
for (const [what, request, why, status, value] of told)
  test(`border: a caller with a good ticket is told of ${what}`, () => {
    const found = admission(request);
    same(found.type === "refused" && [found.why, found.respond?.status], [why, status]);
    same(found.type === "refused" && found.respond?.headers?.[0]?.value, value);
  });
