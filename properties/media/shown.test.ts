/**
 * What always holds of what a relay shows, whatever is offered and answered, and whatever rtpengine says: outside every
 * stream is secured or refused, inside nothing is named of the outside that was not judged, and nothing throws.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Exit, Logger } from "effect";
import fc from "fast-check";
import { type MediaRelayShape, openEmbeddedRelay, openRtpengineRelay, type Side } from "../../actors/media/mod.ts";
import { Datagrams } from "../../actors/ports/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { isSecuredProfile, parseSdp, printSdp, type Sdp, type SdpMedia, securingOf } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { sdp as anySdp } from "../sip/arbitrary.ts";
import { cryptoLine, HOST, KEY_A, KEY_B } from "./ends.ts";

const INSIDE = ["10.1.2.3", "10.9.9.9", "fd00::17"];
const OUTSIDE = ["203.0.113.9", "2001:db8::9", "10.1.2.3", "0.0.0.0", "phone.example"];
/** `others`: named beside the connection. */
const line = (hosts: ReadonlyArray<string>, others: ReadonlyArray<string>) =>
  fc.constantFrom(
    ...hosts.map((host) => `c=IN IP${host.includes(":") ? 6 : 4} ${host}`),
    ...others.map((host) => `a=rtcp:4001 IN IP4 ${host}`),
    ...others.map((host) => `a=x-left:${host}`),
    ...others.map((host) => `a=candidate:1 1 UDP 1 ${host} 9 typ host`),
    cryptoLine(1, KEY_A),
    cryptoLine(1, KEY_B),
    cryptoLine(2, KEY_B),
    `${cryptoLine(3, KEY_B)}|2^20|1:4`,
    cryptoLine(4, KEY_A, "AES_CM_128_HMAC_SHA1_32"),
    `${cryptoLine(5, KEY_A)} UNENCRYPTED_SRTP`,
    cryptoLine(6, KEY_A, "NULL_HMAC_SHA1_80"),
    `${cryptoLine(7, KEY_A)} KDR=3`,
    cryptoLine(8, `${"A".repeat(38)}==`, "AEAD_AES_128_GCM"),
    "a=rtcp-mux",
    "a=sendonly",
    "a=rtpmap:8 PCMA/8000",
  );
const readable = (text: string): Sdp => {
  const read = parseSdp(text);
  ok(read.ok, text);
  return read.value;
};
/** Descriptions that are nearly right: audio and others, clear and secured, with and without what they need. */
const near = (hosts: ReadonlyArray<string>, others = hosts): fc.Arbitrary<Sdp> =>
  fc
    .record({
      host: fc.constantFrom(...hosts),
      session: fc.array(line(hosts, others), { maxLength: 2 }),
      media: fc.array(
        fc.record({
          kind: fc.constantFrom("audio", "video", "image"),
          port: fc.constantFrom(0, 4_000, 5_002, 65_535),
          profile: fc.constantFrom("RTP/AVP", "RTP/SAVP", "RTP/AVPF", "RTP/SAVPF", "udptl", "UDP/TLS/RTP/SAVPF"),
          lines: fc.array(line(hosts, others), { maxLength: 6 }),
        }),
        { maxLength: 4 },
      ),
    })
    .map(({ host, session, media }) =>
      readable(
        [
          "v=0",
          `o=alice 1 1 IN IP4 ${host}`,
          "s=-",
          `c=IN IP${host.includes(":") ? 6 : 4} ${host}`,
          "t=0 0",
          ...session,
          ...media.flatMap(({ kind, port, profile, lines }) => [`m=${kind} ${port} ${profile} 8 101`, ...lines]),
        ].join("\r\n"),
      ),
    );
const descriptions = (hosts: ReadonlyArray<string>) => fc.oneof({ weight: 5, arbitrary: near(hosts) }, anySdp);
/** An answer to what was shown: as it should be, and then changed. */
const answersTo = (shown: Sdp, changes: ReadonlyArray<string>, key: string): Sdp => ({
  ...shown,
  origin: "- 1 1 IN IP4 203.0.113.9",
  lines: [{ letter: "c", value: "IN IP4 203.0.113.9" }],
  media: shown.media.map((media, i): SdpMedia => {
    const [first] = securingOf(media);
    const lines = first === undefined ? [] : [{ letter: "a", value: cryptoLine(first.tag, key, first.suite).slice(2) }];
    switch (changes[i]) {
      case "refuse":
        return { ...media, port: 0, lines: [] };
      case "clear":
        return { ...media, protocol: "RTP/AVP", lines: [] };
      case "keyless":
        return { ...media, lines: [] };
      case "private":
        return { ...media, lines: [...lines, { letter: "c", value: "IN IP4 10.9.9.9" }] };
      default:
        return { ...media, lines };
    }
  }),
});

const isSound = (toward: Side, shown: Sdp): void => {
  const text = printSdp(shown);
  ok(parseSdp(text).ok, text);
  for (const host of INSIDE) ok(!text.includes(host), text);
  ok(!/candidate|alice|UNENCRYPTED|NULL/.test(text), text);
  for (const media of shown.media) {
    if (media.port === 0 || toward === "inside") continue;
    ok(isSecuredProfile(media.protocol) && securingOf(media).length > 0, text);
  }
};

/** rtpengine's own address, and the zero that it leaves on hold. */
const RELAYED = ["198.51.100.7", "0.0.0.0"];

interface Play {
  readonly toward: Side;
  readonly offers: ReadonlyArray<Sdp>;
  readonly changes: ReadonlyArray<string>;
  readonly other: Sdp;
}
const plays = (toward: Side): fc.Arbitrary<Play> =>
  fc.record({
    toward: fc.constant(toward),
    offers: fc.array(descriptions(toward === "outside" ? INSIDE : OUTSIDE), { minLength: 1, maxLength: 3 }),
    changes: fc.array(fc.constantFrom("", "", "", "refuse", "clear", "keyless", "private"), { maxLength: 4 }),
    other: descriptions(OUTSIDE),
  });
const played = (relay: MediaRelayShape, { toward, offers, changes, other }: Play) =>
  Effect.gen(function* () {
    const back = toward === "inside" ? "outside" : "inside";
    for (const sdp of offers) {
      const asked = { call: "c", from: "a", to: "b" };
      const offered = yield* Effect.exit(relay.offer({ ...asked, toward, sdp }));
      ok(isExpected(offered), String(offered));
      if (!Exit.isSuccess(offered)) continue;
      isSound(toward, offered.value);
      for (const answer of [other, answersTo(offered.value, changes, KEY_B)]) {
        const answered = yield* Effect.exit(relay.answer({ ...asked, toward: back, sdp: answer }));
        ok(isExpected(answered), String(answered));
        if (Exit.isSuccess(answered)) isSound(back, answered.value);
      }
    }
    yield* relay.end("c");
    same(yield* relay.calls, []);
  });
/** A value, or a refusal: never a defect. */
const isExpected = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isSuccess(exit) || Exit.hasFails(exit);

const run = (effect: Effect.Effect<unknown, unknown, any>) =>
  runVirtual(
    Effect.scoped(effect).pipe(
      Effect.provide(memoryLayer({ seed: 1 })),
      Effect.provide(Logger.layer([])),
    ) as Effect.Effect<void>,
  );
const OWN = {
  inside: [{ host: "198.51.100.1" }, { host: "2001:db8::1" }],
  outside: [{ host: "198.51.100.2" }, { host: "2001:db8::2" }],
};

for (const toward of ["inside", "outside"] as const) {
  for (const insideSpeaks of ["rtp", "srtp"] as const)
    test(`media shown: our relay, offers toward ${toward}, ${insideSpeaks} inside`, () =>
      fc.assert(
        fc.asyncProperty(plays(toward), (play) =>
          run(
            Effect.flatMap(openEmbeddedRelay({ ...OWN, ports: { min: 4_000, max: 4_999 }, insideSpeaks }), (relay) =>
              played(relay, play),
            ),
          ),
        ),
        { numRuns: runs },
      ));

  test(`media shown: rtpengine, offers toward ${toward}, whatever it says`, () =>
    fc.assert(
      fc.asyncProperty(
        plays(toward),
        fc.array(fc.oneof({ weight: 5, arbitrary: near(RELAYED, INSIDE) }, anySdp), { maxLength: 4 }),
        (play, says) =>
          run(
            Effect.gen(function* () {
              let asked = 0;
              const socket: { send: (bytes: Uint8Array, host: string, port: number) => void } =
                yield* (yield* Datagrams).open(
                  { host: HOST, port: 22_222 },
                  {
                    received: (bytes, host, port) => {
                      const cookie = new TextDecoder().decode(bytes.subarray(0, 16));
                      const said = says[asked++ % Math.max(1, says.length)];
                      const result = said === undefined ? {} : { sdp: printSdp(said) };
                      socket.send(utf8(`${cookie} ${JSON.stringify({ result: "ok", ...result })}`), host, port);
                    },
                    failed: () => {},
                  },
                );
              yield* played(yield* openRtpengineRelay({ servers: [{ host: HOST, port: 22_222 }] }), play);
            }),
          ),
      ),
      { numRuns: runs },
    ));
}
