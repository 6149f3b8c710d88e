/** What the other side of a relay is shown of a description: nothing of the network that it comes from. RFC 3264, RFC 4566. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { ipTextOf, isGlobalHost } from "../../codecs/shared/mod.ts";
import { endOf, isReachable, parseSdp, printSdp, type Sdp, shownAs } from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`shown: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const INSIDE = ["10.1.2.3", "10.1.2.4", "fd00::17", "pbx.inside.example", "192.168.7.7"];
const OURS = "192.0.2.1";
const line = fc.constantFrom(
  ...INSIDE.flatMap((host) => [
    `c=IN IP4 ${host}`,
    `a=candidate:1 1 UDP 2130706431 ${host} 8998 typ host`,
    `a=rtcp:4001 IN IP4 ${host}`,
    `a=source-filter: incl IN IP4 * ${host}`,
    `a=x-where:${host}`,
    `a=ssrc:1 cname:alice@${host}`,
    `a=path:msrp://${host}:7777/x;tcp`,
    `i=call of ${host}`,
    `u=http://${host}/`,
    `e=alice@${host}`,
    `a= candidate :1 ${host}`,
  ]),
  "a=tool:PBX 1.2",
  "a=fingerprint:sha-1 AA:BB",
  "a=setup:actpass",
  "a=ice-ufrag:abc",
  "a=ice-pwd:def",
  "a=group:BUNDLE 0",
  "k=clear:secret",
  "p=+14085550001",
);
const kept = fc.constantFrom(
  "a=sendonly",
  "a=ptime:20",
  "a=rtpmap:8 PCMA/8000",
  "b=AS:64",
  "a=fmtp:101 0-16",
  "a=rtcp-mux",
);
const lines = fc.array(fc.oneof(line, kept), { maxLength: 12 });
const hosts = fc.constantFrom(...INSIDE);

const descriptionOf = (
  host: string,
  session: ReadonlyArray<string>,
  media: ReadonlyArray<ReadonlyArray<string>>,
): Sdp => {
  const text = [
    "v=0",
    `o=alice 17 3 IN IP4 ${host}`,
    "s=PBX 1.2",
    `c=IN IP4 ${host}`,
    "t=0 0",
    ...session,
    ...media.flatMap((more) => ["m=audio 4000/2 RTP/AVP 8 101", ...more]),
  ];
  const read = parseSdp(text.join("\r\n"));
  ok(read.ok);
  return read.value;
};

law(
  "no address, name, key or program of the inside is in it, and what says how media are coded is",
  fc.property(hosts, lines, fc.array(lines, { minLength: 1, maxLength: 3 }), (host, session, media) => {
    const sdp = descriptionOf(host, session, media);
    const shown = shownAs(
      sdp,
      OURS,
      sdp.media.map(() => ({ port: 30_000, protocol: "RTP/SAVP", cryptos: [] })),
    );
    const text = printSdp(shown);
    ok(parseSdp(text).ok);
    // A name that the description does not call its own may be anybody's.
    const named = new Set([
      host,
      ...[...session, ...media.flat()].flatMap((l) => (l.startsWith("c=") ? l.split(" ")[2]! : [])),
    ]);
    const hosts = INSIDE.filter((one) => ipTextOf(one) !== undefined || named.has(one));
    for (const hidden of [...hosts, "alice", "PBX", "secret", "candidate", "+1408"]) ok(!text.includes(hidden), text);
    for (const [i, more] of media.entries())
      for (const one of more.filter((one) => /^[ab]=(?:sendonly|ptime|rtpmap|AS|fmtp|rtcp-mux)/.test(one)))
        ok(shown.media[i]!.lines.some(({ letter, value }) => `${letter}=${value}` === one));
    same(shown.origin, `- 17 3 IN IP4 ${OURS}`);
  }),
);
test("shown: a refused stream keeps its place and its formats, and loses all else. RFC 3264 §6", () => {
  const sdp = descriptionOf("10.0.0.1", [], [["a=sendonly"]]);
  const { media } = shownAs(sdp, OURS, [{ port: 0, protocol: "RTP/AVP", cryptos: [] }]);
  same(media, [{ kind: "audio", port: 0, ports: undefined, protocol: "RTP/AVP", formats: ["8", "101"], lines: [] }]);
});
test("shown: a long line of colons is judged in no time", () => {
  const sdp = descriptionOf("10.0.0.1", [`a=x:${":".repeat(60_000)}g`], [[]]);
  shownAs(sdp, OURS, [{ port: 1, protocol: "RTP/AVP", cryptos: [] }]);
});

const endIn = (...more: ReadonlyArray<string>) => {
  const sdp = descriptionOf("203.0.113.9", [], [more]);
  return endOf(sdp, sdp.media[0]!);
};
test("shown: an end is where its stream says, else where its session says; RTCP above, or where it says. RFC 3605", () => {
  const of = (...more: ReadonlyArray<string>) => {
    const end = endIn(...more)!;
    return [end.rtp, end.rtcp].map(({ host, port }) => `${host} ${port}`);
  };
  same(of(), ["203.0.113.9 4000", "203.0.113.9 4001"]);
  same(of("c=IN IP6 2001:DB8:0::1"), ["2001:db8::1 4000", "2001:db8::1 4001"]);
  same(of("a=rtcp:53020"), ["203.0.113.9 4000", "203.0.113.9 53020"]);
  same(of("a=rtcp:53020 IN IP4 203.0.113.8"), ["203.0.113.9 4000", "203.0.113.8 53020"]);
  same(endIn("c=IN IP4 phone.example"), undefined);
  same(endIn("c=IN IP4 224.2.1.1/127"), undefined);
});
test("shown: clocks are those of the payload types; telephone events have none. RFC 4733 §2.1", () => {
  const { clockRates } = endIn(
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=rtpmap:111 opus/48000/2",
  )!;
  same(
    [...clockRates],
    [
      [8, 8_000],
      [111, 48_000],
    ],
  );
});
test("shown: who sends and who receives is said by the stream, else by the session, else both do. RFC 3264 §5.1", () => {
  const of = (session: ReadonlyArray<string>, ...more: ReadonlyArray<string>) => {
    const sdp = descriptionOf("203.0.113.9", session, [more]);
    const { sends, receives } = endOf(sdp, sdp.media[0]!)!;
    return [sends, receives];
  };
  same(of([]), [true, true]);
  same(of([], "a=sendonly"), [true, false]);
  same(of(["a=inactive"], "a=recvonly"), [false, true]);
  same(of(["a=inactive"]), [false, false]);
  same(of([], "c=IN IP4 0.0.0.0"), [true, false]);
});
const reach: ReadonlyArray<readonly [string, boolean]> = [
  ["203.0.113.9", true],
  ["8.8.8.8", true],
  ["10.0.0.1", false],
  ["127.0.0.1", false],
  ["169.254.1.1", false],
  ["172.16.0.1", false],
  ["172.32.0.1", true],
  ["192.168.0.1", false],
  ["100.64.0.1", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["0.0.0.0", false],
  ["2001:db8::1", true],
  ["::1", false],
  ["::", false],
  ["fd00::1", false],
  ["fe80::1", false],
  ["ff02::1", false],
  ["::ffff:10.0.0.1", false],
  ["::ffff:203.0.113.9", true],
  ["64:ff9b::10.0.0.1", false],
  ["64:ff9b::203.0.113.9", true],
  ["2002:7f00:1::1", false],
  ["2002:cb00:7109::1", true],
  ["phone.example", false],
];
for (const [host, is] of reach)
  test(`shown: media ${is ? "may" : "may not"} be sent outside to ${host}. RFC 6890`, () =>
    same(isGlobalHost(host), is));
test("shown: an RTCP address of our own network, or no port, is no end outside", () => {
  same(isReachable(endIn("a=rtcp:5000 IN IP4 10.0.0.1")!), false);
  same(isReachable(endIn("a=rtcp:0")!), false);
  same(isReachable(endIn("c=IN IP4 0.0.0.0")!), true);
});
test("shown: one address has one text", () => {
  same(["2001:DB8::0:1", "::ffff:192.0.2.1", "fe80::1%eth0", "x"].map(ipTextOf), [
    "2001:db8::1",
    "192.0.2.1",
    "fe80::1",
    undefined,
  ]);
});
