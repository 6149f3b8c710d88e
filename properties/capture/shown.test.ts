/** A message in a capture: still a message of its kind, without what opens or proves anything, and without whole numbers. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { shownMessage } from "../../codecs/capture/mod.ts";
import {
  type Body,
  decodeBody,
  encodeBody,
  messageBodies,
  Packet,
  Payload,
  SecurityBlock,
} from "../../codecs/reload/mod.ts";
import { bytesOfBase64, e164FromDigits, ipv4Of, utf8 } from "../../codecs/shared/mod.ts";
import { headerOf, parseSip, printSip, type SipMessage, type SipRequest, TICKET_HEADER } from "../../codecs/sip/mod.ts";
import { Ticket, writeTicket } from "../../codecs/ticket/mod.ts";
import { PvpFrame } from "../../codecs/validation/mod.ts";
import { type VapAttribute, VapMessage, writeValInfo } from "../../codecs/vap/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";
import { runs, test } from "../kit/harness.ts";
import { grant } from "../ticket/arbitrary.ts";

const MASKED = { wholeNumbers: false };
const WHOLE = { wholeNumbers: true };
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const seal = (): Uint8Array => new Uint8Array(32).fill(0xa5);

const number = fc.integer({ min: 1_000_000, max: 999_999_999_999_999 }).map(e164FromDigits);

test("capture: VAP stays the message that it was, but for its seal and what we do not know", () =>
  fc.assert(
    fc.property(arbitraryOf(VapMessage), (message) => {
      const shown = decode(VapMessage, shownMessage("vap", encode(VapMessage, message), WHOLE)!);
      ok(shown.ok);
      same([shown.value.type, shown.value.transactionId], [message.type, message.transactionId]);
      for (const [i, attribute] of message.attributes.entries()) {
        const other: VapAttribute = shown.value.attributes[i]!;
        if (attribute.type === "messageIntegrity" || attribute.type === "unknown")
          same(other, { ...attribute, value: new Uint8Array(attribute.value.length) });
        else if (attribute.type !== "serviceContent") same(other, attribute);
      }
    }),
    { numRuns: runs },
  ));

/** A message of RELOAD with any body that has a name, and with any signature. */
const reloadMessage = fc
  .tuple(arbitraryOf(Packet), arbitraryOf(SecurityBlock), bodyOfAnyKind())
  .map(([packet, security, body]) => ({ packet, security, body }));
function bodyOfAnyKind(): fc.Arbitrary<Body> {
  const all = Object.entries(messageBodies) as Array<[Body["type"], Parameters<typeof arbitraryOf>[0]]>;
  return fc.oneof(...all.map(([type, wire]) => arbitraryOf(wire).map((value) => ({ type, value }) as Body)));
}
const reloadBytes = ({ packet, security, body }: { packet: Packet; security: SecurityBlock; body: Body }): Uint8Array =>
  encode(Packet, { ...packet, payload: encode(Payload, { contents: encodeBody(body), security }) });
const bodyIn = (bytes: Uint8Array | undefined): Body => {
  const packet = decode(Packet, bytes!);
  ok(packet.ok);
  const payload = decode(Payload, packet.value.payload);
  ok(payload.ok);
  const body = decodeBody(payload.value.contents);
  ok(body?.ok === true);
  return body.value;
};

test("capture: RELOAD stays byte for byte what it was, but for the passwords of ICE", () =>
  fc.assert(
    fc.property(reloadMessage, (message) => {
      const bytes = reloadBytes(message);
      const shown = shownMessage("reload", bytes, MASKED)!;
      const { body } = message;
      if ("password" in (body.value as object) && (body.value as { password: Uint8Array }).password.length > 0) {
        const { password, ...rest } = body.value as { password: Uint8Array };
        same(bodyIn(shown), { type: body.type, value: { ...rest, password: new Uint8Array(password.length) } });
        same(shown.length, bytes.length);
      } else same(shown, bytes);
    }),
    { numRuns: runs },
  ));

test("capture: the shared secret of an overlay is left out of its configuration; what cannot be read is not shown", () => {
  const document = (secret: string) =>
    utf8(`<overlay><configuration><shared-secret>${secret}</shared-secret></configuration></overlay>`);
  const [packet] = fc.sample(arbitraryOf(Packet), { seed: 1, numRuns: 1 });
  const [security] = fc.sample(arbitraryOf(SecurityBlock), { seed: 1, numRuns: 1 });
  const update = (data: Uint8Array): Body => ({ type: "configUpdateReq", value: { type: "config", data } });
  const of = (data: Uint8Array) => reloadBytes({ packet: packet!, security: security!, body: update(data) });
  same(bodyIn(shownMessage("reload", of(document("swordfish")), WHOLE)), update(document("xxxxxxxxx")));
  const other = utf8("<overlay/>");
  same(shownMessage("reload", of(other), WHOLE), of(other));
  for (const unreadable of [
    of(other).subarray(1),
    encode(Packet, { ...packet!, payload: utf8("a fragment") }),
    utf8(""),
  ])
    same(shownMessage("reload", unreadable, WHOLE), undefined);
});

test("capture: a ticket in VAP, PVP or SIP keeps its fields and loses its proof; its number is masked in it too", () =>
  fc.assert(
    fc.property(grant, number, (fields, called) => {
      const given = { ...fields, number: called };
      const ticket = writeTicket(given, seal);
      const document = writeValInfo({
        number: called,
        ticket,
        routes: [{ sipUris: ["sip:border.acme.example:5061"] }],
      });
      const vap = encode(VapMessage, {
        type: { method: "notify", class: "request" },
        transactionId: new Uint8Array(12),
        attributes: [{ type: "serviceContent", value: document }],
      });
      const invite = printSip(inviteWith([[TICKET_HEADER, ticket]]));
      for (const clearance of [MASKED, WHOLE]) {
        const wanted = {
          ...given,
          number: clearance.wholeNumbers ? called : `${called.slice(1, 3)}...${called.slice(-2)}`,
          integrity: new Uint8Array(32),
        };
        const shownVap = decode(VapMessage, shownMessage("vap", vap, clearance)!);
        const shownPvp = decode(PvpFrame, shownMessage("pvp", encode(PvpFrame, { document }), clearance)!);
        const shownSip = parseSip(shownMessage("sip", invite, clearance)!);
        ok(shownVap.ok && shownPvp.ok && shownSip.ok);
        const content = shownVap.value.attributes[0]!.value as Uint8Array;
        same(content, shownPvp.value.document);
        same(text(content).includes(called), clearance.wholeNumbers);
        for (const found of [/<ticket>([^<]*)/.exec(text(content))![1]!, headerOf(shownSip.value, TICKET_HEADER)!])
          same(decode(Ticket, bytesOfBase64(found)!), { ok: true, value: wanted });
      }
    }),
    { numRuns: runs },
  ));

test("capture: a ticket that stands in no element of its own is left out", () => {
  const ticket = Buffer.alloc(150, 7).toString("base64");
  for (const document of [`<valinfo><ticket><![CDATA[${ticket}]]></ticket></valinfo>`, `<a b="${ticket}"/>`, ticket]) {
    const shown = text(shownMessage("pvp", encode(PvpFrame, { document: utf8(document) }), WHOLE));
    ok(!shown.includes(ticket.slice(0, 32)), shown);
  }
});

const inviteWith = (
  headers: ReadonlyArray<readonly [string, string]>,
  body = "",
  type = "application/sdp",
): SipRequest => ({
  type: "request",
  method: "INVITE",
  uri: "sip:bob@b.example",
  headers: [
    ["Via", "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK12345678901"],
    ["From", '"Alice" <sip:alice@a.example>;tag=12345678'],
    ["To", "<sip:bob@b.example>"],
    ["Call-ID", "1@192.168.178.123"],
    ["CSeq", "1234567890 INVITE"],
    ...headers,
    ["Content-Type", type],
  ].map(([name, value]) => ({ name: name!, value: value! })),
  body: utf8(body),
});
const shownSip = (message: SipMessage, clearance = MASKED): SipMessage => {
  const read = parseSip(shownMessage("sip", printSip(message), clearance)!);
  ok(read.ok);
  return read.value;
};

test("capture: SIP without credentials, keys and bodies that are no SDP; what names the dialog stays", () => {
  const key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
  const sdp = [
    "v=0",
    "o=+14085550199 1 1 IN IP4 192.0.2.1",
    "s=-",
    "c=IN IP4 192.0.2.1",
    "t=0 0",
    "k=base64:c2VjcmV0c2VjcmV0",
    "m=audio 49170 RTP/SAVP 0",
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}|2^20|1:4 KDR=1`,
    `a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:${key};inline:${key}`,
    "a=ice-pwd:asd88fgpdd777uzjYhagZg",
    "a=ice-ufrag:8hhY",
    "",
  ].join("\r\n");
  const given = inviteWith(
    [
      ["Authorization", 'Digest username="alice", response="6629fae49393a05397450978507c4ef1"'],
      ["Proxy-Authorization", 'Digest username="alice", response="6629fae49393a05397450978507c4ef1"'],
      ["Identity", "eyJhbGciOiJFUzI1NiJ9.eyJkZXN0Ijp7InRuIjpbIjE0MDg1NTUwMTk5Il19fQ.sig"],
      ["Contact", "<sip:alice:pa55word@192.0.2.1:5060>"],
      ["P-Asserted-Identity", "<tel:+1-408-555-0199>"],
      ["Diversion", "<sip:0711.1234567@a.example;user=phone>"],
    ],
    sdp,
  );
  const shown = shownSip(given);
  const printed = text(printSip(shown));
  for (const secret of [key, "c2VjcmV0", "asd88fgp", "6629fae4", "pa55word", "eyJ", "5550199", "555-0199", "1234567@"])
    ok(!printed.includes(secret), `${secret} in ${printed}`);
  const kept = ["Via", "From", "Call-ID", "CSeq"] as const;
  for (const name of kept) same(headerOf(shown, name), headerOf(given, name));
  same(headerOf(shown, "Authorization"), "Digest (left out)");
  same(headerOf(shown, "Identity"), "(left out)");
  ok(printed.includes("o=14...99 1 1 IN IP4 192.0.2.1"), printed);
  same(headerOf(shown, "Contact"), "<sip:alice:(left out)@192.0.2.1:5060>");
  same(headerOf(shown, "P-Asserted-Identity"), "<tel:14...99>");
  ok(
    printed.includes(`inline:${"x".repeat(key.length)}|2^20|1:4 KDR=1`) && printed.includes("a=ice-ufrag:8hhY"),
    printed,
  );
  ok(text(printSip(shownSip(given, WHOLE))).includes("tel:+1-408-555-0199"));
  same(shownSip(inviteWith([], "a private text", "text/plain")).body.length, 0);
});

test("capture: no number of a subscriber stands whole in a URI, a name or a telephone's own way of writing", () =>
  fc.assert(
    fc.property(number, fc.constantFrom("", "-", ".", " "), fc.nat(3), (called, between, every) => {
      const digits = called.slice(1);
      const spelt = every === 0 ? digits : digits.replace(new RegExp(`(.{${every + 1}})(?=.)`, "g"), `$1${between}`);
      fc.pre(ipv4Of(spelt) === undefined); // which it would be taken for
      const message = inviteWith([
        ["P-Asserted-Identity", `"${spelt}" <sip:${called}@a.example>`],
        ["Refer-To", `<tel:+${spelt.replaceAll(" ", "-")}>`],
        ["History-Info", `<sip:${digits}@a.example>;index=1`],
      ]);
      const shown = shownSip({ ...message, uri: `sip:${called}@b.example;user=phone` });
      const bare = text(printSip(shown)).replace(/\r\n[^:]*:/g, "\n");
      ok(!bare.replace(/[-. ]/g, "").includes(digits), bare);
    }),
    { numRuns: runs },
  ));

test("capture: what cannot be read is not shown", () => {
  for (const protocol of ["vap", "pvp", "sip"] as const)
    same(shownMessage(protocol, utf8("no message of any kind"), WHOLE), undefined);
});
