/** Messages of RFC 4475 and RFC 5118, each classed as those documents class it, or with our reason why not; and changed. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import {
  branchOf,
  cutSip,
  emptySipRemainder,
  fieldsOf,
  headerOf,
  hopsOf,
  listOf,
  parseNameAddr,
  parseSip,
  printSip,
  readDatagram,
  requestUriOf,
  SIP_BYTES_MAX,
  type SipMessage,
  type SipRequest,
  sessionIn,
  tagOf,
  topViaOf,
} from "../../codecs/sip/mod.ts";
import { ProxyCore } from "../../machines/proxy/mod.ts";
import { changesOf } from "../kit/changes.ts";
import { runs, test } from "../kit/harness.ts";
import { bothTrunks, OWN, PBX, PEERS, sourceOf } from "../proxy/world.ts";
import { sentAs } from "../search/subject.ts";
import { NEXT, NEXT_URI } from "./next.ts";
import { readInFull } from "./read-in-full.ts";
import { tortureNames, tortureOf, tortures } from "./torture.ts";
import { TABLE } from "./torture-table.ts";

const START_MS = 1_700_000_000_000;
const proxy = () => new ProxyCore({ own: OWN, peers: PEERS, route: bothTrunks, mark: "mark" }, START_MS);
/** What the proxy sends when its PBX sends it this. */
const sentFor = (core: ProxyCore, bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
  const found = readDatagram(bytes);
  if (found !== undefined && "type" in found) core.receive(sourceOf(PBX), found, START_MS);
  else if (found !== undefined) core.unreadable(sourceOf(PBX), found);
  return core.take().flatMap((order) => (order.type === "send" ? [order.bytes] : []));
};
const startOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).split("\r\n", 1)[0]!;
const isResponse = (bytes: Uint8Array): boolean => startOf(bytes).startsWith("SIP/2.0 ");
const readOf = (name: string): SipMessage => {
  const found = readDatagram(tortureOf(name));
  ok(found !== undefined && "type" in found, name);
  return found;
};
const requestOf = (name: string): SipRequest => readOf(name) as SipRequest;
const forwardedOf = (name: string): SipRequest => {
  const forwarded = sentFor(proxy(), tortureOf(name)).find((bytes) => !isResponse(bytes));
  ok(forwarded !== undefined, `${name} is not forwarded`);
  return sentAs(forwarded) as SipRequest;
};

test("torture: the table has each message once, and each message is whole", () => {
  same(Object.keys(TABLE).sort(), tortureNames);
  same([tortureNames.length, tortures.every((bytes) => bytes.length > 200)], [61, true]);
});

const CRLF = utf8("\r\n");
for (const [name, row] of Object.entries(TABLE)) {
  const { section, is, asks, ours } = row;
  // RFC 3261 §16.3, §18.3
  test(`torture ${section} ${name}: ${is}: ${asks}${ours === undefined ? "" : `; ours: ${ours}`}`, () => {
    const bytes = tortureOf(name);
    const found = readDatagram(bytes);
    ok(found !== undefined);
    same("type" in found ? "read" : "unreadable", row.datagram);
    const cut = cutSip(emptySipRemainder, concat(bytes, CRLF, NEXT), SIP_BYTES_MAX);
    const isNext = cut.messages.some((message) => message.type === "request" && message.uri === NEXT_URI);
    same(cut.error !== undefined ? "closed" : isNext ? "goes on" : "waits", row.stream);
    if (row.stream === "goes on")
      same([cut.messages.length, cut.unreadable.length], row.datagram === "read" ? [2, 0] : [1, 1]);
    const sent = sentFor(proxy(), bytes);
    const requests = sent.filter((one) => !isResponse(one));
    const statuses = sent.filter(isResponse).map((one) => Number(startOf(one).split(" ")[1]));
    if (row.proxy === "forwards") same([requests.length, statuses], [1, []]);
    else same([requests.length, statuses], [0, row.proxy === "drops" ? [] : [row.proxy]]);
  });
}

const OWN_AFFAIRS = new Set(["Via", "Route", "Record-Route", "Max-Forwards", "Content-Length"]);
// RFC 3261 §16.3, §16.6; docs/protocol/sip.md
test("torture: what is forwarded has all other fields as they came, the Vias below ours, and the body", () => {
  for (const name of tortureNames.filter((name) => TABLE[name]!.proxy === "forwards")) {
    const [came, went] = [requestOf(name), forwardedOf(name)];
    const others = ({ headers }: SipMessage) =>
      headers.filter((header) => !OWN_AFFAIRS.has(header.name)).map((header) => [header.name, header.value]);
    same(others(went), others(came), name);
    same(went.body, came.body, name);
    same([went.method, listOf(went, "Via").slice(2)], [came.method, listOf(came, "Via").slice(1)], name);
    same(branchOf({ headers: fieldsOf(went, "Via").slice(1) }), branchOf(came), name);
    same(hopsOf(went), headerOf(came, "Max-Forwards") === undefined ? 70 : hopsOf(came) - 1, name);
  }
});

// RFC 3261 §16.6
test("torture: Request-URIs pass as they were written, but for headers in them, which have no place there", () => {
  for (const name of ["wsinv", "esc01", "semiuri", "ipv6-good", "port-ambiguous", "port-unambiguous"])
    same(forwardedOf(name).uri, requestOf(name).uri);
  same(
    [requestOf("escruri").uri, forwardedOf("escruri").uri],
    ["sip:user@example.com?Route=%3Csip:example.com%3E", "sip:user@example.com"],
  );
  same(listOf(forwardedOf("escruri"), "Route"), []);
});

test("torture: a service's name in the Request-URI goes to the trunks", () => {
  const text = new TextDecoder().decode(tortureOf("unkscm")).replace(/^OPTIONS \S+/, "OPTIONS urn:service:sos");
  same(sentFor(proxy(), utf8(text)).map(startOf), ["OPTIONS urn:service:sos SIP/2.0"]);
});

test("torture: without its NUL the message of all characters passes", () => {
  const bytes = tortureOf("intmeth").map((byte) => (byte === 0 ? 1 : byte));
  const [sent] = sentFor(proxy(), bytes);
  const [came, went] = [readDatagram(bytes) as SipRequest, sentAs(sent!) as SipRequest];
  for (const name of ["From", "To", "Call-ID", "CSeq", "extensionHeader-!.%*+_`'~"])
    same(headerOf(went, name), headerOf(came, name));
  same([went.method, went.uri], [came.method, came.uri]);
});

test("torture: what the values mean", () => {
  const contactOf = (name: string) => {
    const address = parseNameAddr("Contact", listOf(readOf(name), "Contact")[0]!);
    ok(address.ok && address.value.uri.type === "sip", name);
    return { ...address.value, uri: address.value.uri };
  };
  const userOf = (name: string) => {
    const uri = requestUriOf(requestOf(name));
    return uri.ok && uri.value.type === "sip" ? uri.value.user : undefined;
  };
  same([userOf("semiuri"), userOf("esc01")], ["user;par=u@example.net", "sips:user@example.com"]);
  same(
    [contactOf("cparam01").params, contactOf("cparam01").uri.params],
    [[{ name: "unknownparam", value: undefined }], []],
  );
  same(
    [contactOf("cparam02").params, contactOf("cparam02").uri.params],
    [[], [{ name: "unknownparam", value: undefined }]],
  );
  same(listOf(readOf("esc02"), "Contact").length, 2);
  same(
    [hopsOf(readOf("wsinv")), tagOf(readOf("wsinv"), "To"), listOf(readOf("wsinv"), "Via").length],
    [68, "1918181833n", 3],
  );
  same([listOf(readOf("longreq"), "Via").length, tagOf(readOf("longreq"), "From")?.length], [34, 155]);
  same([readOf("mpart01").body.length, readOf("mpart01").body.includes(0)], [553, true]);
  const responses = ["unreason", "noreason"].map(readOf);
  same(
    responses.map((one) => one.type === "response" && [one.status, one.reason.slice(-7)]),
    [
      [200, "простое"],
      [100, ""],
    ],
  );
  const hostOf = (name: string) => [topViaOf(readOf(name))?.host, topViaOf(readOf(name))?.port];
  same(hostOf("mult-ip-in-header"), ["[2001:db8::9:1]", 6_050]);
  same(hostOf("ipv4-mapped-ipv6"), ["[::ffff:192.0.2.10]", 19_823]);
  const sdp = sessionIn(readOf("mult-ip-in-sdp"));
  same(sdp.ok && sdp.value.media.map(({ lines }) => lines[0]?.value), ["IN IP4 192.0.2.1", "IN IP6 2001:db8::1"]);
});

test("torture: received goes out without brackets, whatever came in it. RFC 5118 §4.5", () => {
  for (const name of ["via-received-param-with-delim", "via-received-param-no-delim"])
    ok(listOf(forwardedOf(name), "Via")[1]!.endsWith(";received=192.0.2.11"), name);
});

test("torture 3.2.1: two requests with the bare cookie are two transactions, as with no branch at all", () => {
  const core = proxy();
  const bytes = tortureOf("badbranch");
  const other = utf8(new TextDecoder().decode(bytes).replace("Call-ID: badbranch", "Call-ID: another"));
  same(
    [bytes, bytes, other, other].map((one) => sentFor(core, one).length),
    [1, 0, 1, 0],
  );
});

test("torture 3.1.2.1: a Via that cannot be read is answered where the request came from; commas in quotes end no Via", () => {
  const core = proxy();
  const found = readDatagram(tortureOf("badinv01"));
  ok(found !== undefined && "error" in found);
  core.unreadable(sourceOf({ ...PBX, port: 40_123 }), found);
  const [order] = core.take().filter(({ type }) => type === "send");
  ok(order?.type === "send");
  same([order.to.host, order.to.port], [PBX.host, 40_123]);
  const text = new TextDecoder().decode(tortureOf("lwsdisp"));
  const quoted = utf8(text.replace("branch=", 'x="a;received=b, c";branch='));
  const [sent] = sentFor(proxy(), quoted);
  const vias = listOf(sentAs(sent!) as SipMessage, "Via");
  same(
    [vias.length, vias[1]],
    [2, 'SIP/2.0/UDP funky.example.com;x="a;received=b, c";branch=z9hG4bKkdjuw;received=192.0.2.11'],
  );
});

const changedMessage = fc.constantFrom(...tortures).chain((bytes) => changesOf(bytes, tortures));

test("torture: changed anyhow, whatever is read prints as SIP, and a stream whose framing holds goes on", () =>
  fc.assert(
    fc.property(changedMessage, fc.nat(), (bytes, at) => void readInFull(bytes, at)),
    { numRuns: 10 * runs },
  ));

test("torture: changed anyhow, the proxy sends nothing but whole messages, and keeps nothing", () =>
  fc.assert(
    fc.property(fc.array(changedMessage, { minLength: 1, maxLength: 8 }), (all) => {
      const core = proxy();
      for (const bytes of all) for (const sent of sentFor(core, bytes)) sentAs(sent);
      for (let next = core.nextMs(); next !== undefined; next = core.nextMs()) {
        core.due(next);
        core.take();
      }
      same(core.size, { transactions: 0, calls: 0, bytes: 0 });
    }),
    { numRuns: runs },
  ));

/** Places in values of header fields: whatever stands there, the message ends where it did. */
const placesOf = (bytes: Uint8Array): ReadonlyArray<number> => {
  const places: Array<number> = [];
  const end = new TextDecoder("latin1").decode(bytes).indexOf("\r\n\r\n");
  let isValue = false;
  let at = bytes.indexOf(10) + 1;
  for (let line = at; at < end; at++) {
    if (bytes[at] === 10) {
      line = at + 1;
      isValue = false;
    } else if (isValue && bytes[at] !== 13) places.push(at);
    else if (bytes[at] === 58 && bytes[line] !== 32)
      isValue = !/^(?:l|content-length)\s*$/i.test(textIn(bytes, line, at));
  }
  return places;
};
const textIn = (bytes: Uint8Array, from: number, to: number): string =>
  new TextDecoder("latin1").decode(bytes.subarray(from, to));
const framed = tortureNames
  .filter((name) => TABLE[name]!.stream === "goes on" && name !== "multi01")
  .map(tortureOf)
  .map((bytes) => ({ bytes, places: placesOf(bytes) }));

test("torture, A10: whatever stands in a value, what can be told of it is told, and the next message is read", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...framed),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 20 }),
      ({ bytes, places }, to) => {
        const now = bytes.slice();
        for (const [at, byte] of to) if (byte !== 10 && byte !== 13) now[places[at % places.length]!] = byte;
        const { messages, unreadable, error } = cutSip(emptySipRemainder, concat(now, NEXT), SIP_BYTES_MAX);
        const last = messages.at(-1);
        same([messages.length + unreadable.length, error], [2, undefined]);
        ok(last?.type === "request" && last.uri === NEXT_URI);
      },
    ),
    { numRuns: 5 * runs },
  ));

test("torture: what is read prints as it came, byte for byte", () => {
  for (const name of tortureNames) {
    const read = parseSip(tortureOf(name));
    if (read.ok) same(new TextDecoder().decode(printSip(read.value)), new TextDecoder().decode(tortureOf(name)), name);
  }
});
