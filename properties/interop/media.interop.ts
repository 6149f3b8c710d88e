/**
 * Media with what others wrote: our SRTP beside libsrtp, and calls between two telephones of baresip, RTP inside and SRTP
 * outside, by our own relay and by rtpengine. What each plays is compared with what the other hears, sample by sample.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { join } from "node:path";
import { Effect, type Scope } from "effect";
import {
  type MediaRelayShape,
  openEmbeddedRelay,
  openNg,
  openRtpengineRelay,
  type RtpengineOptions,
} from "../../actors/media/mod.ts";
import { choosableOf, isOurSuite, isSecuredProfile, parseSdp, printSdp } from "../../codecs/sip/mod.ts";
import type { Ports } from "../../runtime/node.ts";
import { setUp } from "../bench/media/set-up.ts";
import { openTraffic } from "../bench/media/traffic.ts";
import { folder, type Phone, PIECES_MIN, phone, sounds } from "./baresip.ts";
import { checkOf } from "./check.ts";
import { type Bridge, bridge } from "./media-bridge.ts";
import { noise } from "./media-waves.ts";
import { freePort, HOST, peer, until } from "./peers.ts";
import type { InteropCheck } from "./run.ts";

const check = checkOf("media");

const embedded = openEmbeddedRelay({
  inside: [{ host: HOST }],
  outside: [{ host: HOST }],
  ports: { min: 41_000, max: 42_999 },
  privateOutside: true,
});

/** rtpengine in user space, and our relay in front of it. */
const rtpengineWith = Effect.fn("interop.rtpengine")(function* (more: Pick<RtpengineOptions, "quality">) {
  const port = yield* freePort;
  yield* peer("rtpengine", [
    "--config-file=none",
    "--table=-1",
    "--foreground",
    "--log-stderr",
    "--log-level=5",
    `--interface=inside/${HOST}`,
    `--interface=outside/${HOST}`,
    `--listen-ng=${HOST}:${port}`,
    "--port-min=43000",
    "--port-max=44999",
  ]);
  const server = { host: HOST, port };
  const ping = (yield* openNg([server])).ask(server, { command: "ping" });
  // A busy machine takes its time to start it.
  yield* Effect.retry(ping, { times: 20 });
  const interfaces = { inside: "inside", outside: "outside" };
  return yield* openRtpengineRelay({ servers: [server], interfaces, privateOutside: true, ...more });
});
const rtpengine = rtpengineWith({});
const RELAYS: ReadonlyArray<
  readonly [string, ReadonlyArray<string>, Effect.Effect<MediaRelayShape, any, Ports | Scope.Scope>]
> = [
  ["our relay", [], embedded],
  ["rtpengine", ["rtpengine"], rtpengine],
];

const [TONE_A, TONE_B] = [noise(1, 20), noise(2, 20)];
interface Call {
  readonly inside: Phone;
  readonly outside: Phone;
  readonly bridge: Bridge;
  readonly relay: MediaRelayShape;
}

/** A call that is up, from the side that is said. */
const call = Effect.fn("interop.call")(function* (
  open: Effect.Effect<MediaRelayShape, any, Ports | Scope.Scope>,
  from: "inside" | "outside",
  insideSecured: boolean,
) {
  const at = yield* folder;
  const relay = yield* open;
  const [a, b, ours, theirs] = (yield* Effect.all([freePort, freePort, freePort, freePort])) as [
    number,
    number,
    number,
    number,
  ];
  const between = yield* bridge(relay, { inside: ours, outside: theirs }, { inside: a, outside: b });
  const [caller, called] = from === "inside" ? [a, b] : [b, a];
  const account = (port: number, proxy: number, isSecured: boolean) =>
    `<sip:p${port}@${HOST}:${port}>;outbound="sip:${HOST}:${proxy}";answermode=auto${isSecured ? ";mediaenc=srtp-mand" : ""}`;
  const dial = (port: number) => (port === caller ? ["-e", `/dial sip:p${called}@${HOST}`] : []);
  const start = (port: number) =>
    port === a
      ? phone(join(at, "inside"), a, account(a, ours, insideSecured), TONE_A, dial(a))
      : phone(join(at, "outside"), b, account(b, theirs, true), TONE_B, dial(b));
  const answering = yield* start(called);
  const calling = yield* start(caller);
  const [inside, outside] = from === "inside" ? [calling, answering] : [answering, calling];
  yield* until("the call is up", () => between.shown.length >= 2, calling.said);
  same(between.refused, []);
  return { inside, outside, bridge: between, relay } satisfies Call as Call;
});

const talks = (
  name: string,
  needs: ReadonlyArray<string>,
  open: Effect.Effect<MediaRelayShape, any, Ports | Scope.Scope>,
  from: "inside" | "outside",
): InteropCheck =>
  check(
    `a call from ${from} by ${name}: sound both ways, as it was played`,
    ["baresip", ...needs],
    Effect.gen(function* () {
      const { inside, outside, bridge, relay } = yield* call(open, from, false);
      yield* Effect.sleep(3_500);
      for (const { toward, sdp } of bridge.shown) same(isSecuredProfile(sdp.media[0]!.protocol), toward === "outside");
      sounds("heard outside", TONE_A, outside.recorded());
      sounds("heard inside", TONE_B, inside.recorded());
      const [report] = yield* relay.calls;
      const [stream] = report!.streams;
      same(stream!.mode, "srtp");
      ok(stream!.fromInside.packets > PIECES_MIN && stream!.fromOutside.packets > PIECES_MIN, JSON.stringify(stream));
    }),
  );

const holds = (
  name: string,
  needs: ReadonlyArray<string>,
  open: Effect.Effect<MediaRelayShape, any, Ports | Scope.Scope>,
): InteropCheck =>
  check(
    `hold and resume from inside by ${name}, and digits`,
    ["baresip", ...needs],
    Effect.gen(function* () {
      const { inside, outside, bridge, relay } = yield* call(open, "inside", false);
      yield* Effect.sleep(1_000);
      yield* inside.press("x");
      yield* until("held", () => bridge.shown.length >= 4, inside.said);
      yield* inside.press("X");
      yield* until("resumed", () => bridge.shown.length >= 6, inside.said);
      yield* Effect.sleep(1_500);
      const before = outside.recorded().length;
      yield* Effect.sleep(1_500);
      ok(outside.recorded().length - before > 8_000, "there is sound after the hold");
      same(new Set(bridge.shown.map(({ toward, sdp }) => `${toward} ${sdp.media[0]!.port}`)).size, 2);
      yield* inside.press("5");
      yield* until("the digit", () => /received event: '5'/.test(outside.said.text), outside.said);
      same((yield* relay.calls).length, 1);
    }),
  );

const endToEnd = check(
  "SRTP of both telephones passes our relay unopened: sound both ways",
  ["baresip"],
  Effect.gen(function* () {
    const { inside, outside, relay } = yield* call(embedded, "inside", true);
    yield* Effect.sleep(3_500);
    sounds("heard outside", TONE_A, outside.recorded());
    sounds("heard inside", TONE_B, inside.recorded());
    same((yield* relay.calls)[0]!.streams[0]!.mode, "passed");
  }),
);

/** What rtpengine makes of descriptions that it is known to leave parts of: our reading of its answer hides them. */
const descriptions = check(
  "descriptions by rtpengine: streams refused, the zero address, keys of another size; nothing of the inside is shown",
  ["rtpengine"],
  Effect.gen(function* () {
    const relay = yield* rtpengine;
    const inside = "127.0.0.2";
    const sdp = (...lines: ReadonlyArray<string>) => {
      const read = parseSdp(["v=0", `o=alice 1 1 IN IP4 ${inside}`, "s=PBX", ...lines].join("\r\n"));
      if (!read.ok) throw new Error(read.error.why);
      return read.value;
    };
    const offered = yield* relay.offer({
      ...{ call: "d", from: "a", toward: "outside" },
      sdp: sdp(
        `c=IN IP4 ${inside}`,
        "t=0 0",
        "m=image 5002 udptl t38",
        "m=audio 5000 RTP/AVP 8",
        "a=candidate:1 1 UDP 1 10.0.0.1 9 typ host",
      ),
    });
    same(
      offered.media.map(({ port, protocol }) => [port > 0, protocol]),
      [
        [false, "udptl"],
        [true, "RTP/SAVP"],
      ],
    );
    const lines = choosableOf(offered.media[1]!);
    same(new Set(lines.map(({ suite }) => suite)), new Set(lines.map(({ suite }) => suite).filter(isOurSuite)));
    const long = lines.find(({ suite }) => suite === "AES_256_CM_HMAC_SHA1_80")!;
    const key = `crypto:${long.tag} ${long.suite} inline:${"B".repeat(61)}A`;
    const answered = yield* relay.answer({
      ...{ call: "d", from: "a", to: "b", toward: "inside" },
      sdp: sdp("c=IN IP4 127.0.0.3", "t=0 0", "m=image 0 udptl t38", "m=audio 6000 RTP/SAVP 8", `a=${key}`),
    });
    same(answered.media[1]!.protocol, "RTP/AVP");
    const held = yield* relay.offer({
      ...{ call: "d", from: "a", to: "b", toward: "outside" },
      sdp: sdp("c=IN IP4 0.0.0.0", "t=0 0", "m=image 0 udptl t38", "m=audio 5000 RTP/AVP 8", "a=inactive"),
    });
    same(held.media[1]!.port, offered.media[1]!.port);
    for (const one of [offered, answered, held]) {
      const text = printSdp(one);
      ok(!/127\.0\.0\.[23]|alice|PBX|candidate|10\.0\.0\.1/.test(text), text);
      ok(text.includes(`o=- 1 1 IN IP4 ${HOST}`), text);
    }
    ok(printSdp(held).includes("c=IN IP4 0.0.0.0"), printSdp(held));
    yield* relay.end("d");
  }),
);

/** By what rtpengine says of it, sooner than in earnest. */
const watched = check(
  "a call by rtpengine whose sound stops is bad, and not before",
  ["rtpengine"],
  Effect.gen(function* () {
    const quality = { sampleMs: 200, windowSamples: 3, holdDownMs: 1_000, lossMax: 0.5 };
    const relay = yield* rtpengineWith({ quality });
    const given = yield* setUp(relay, 1, INSIDE_PORT, OUTSIDE_PORT);
    const traffic = yield* Effect.acquireRelease(
      Effect.promise(() => openTraffic(given, INSIDE_PORT, OUTSIDE_PORT)),
      ({ close }) => Effect.sync(close),
    );
    yield* Effect.promise(() => traffic.play(2_500));
    same((yield* relay.calls)[0]!.bad, undefined);
    yield* Effect.sleep(3_500);
    same((yield* relay.calls)[0]!.bad, "silence");
  }),
);

/** Many calls at once, each a packet every 20 ms both ways; with our own ends, since no machine has as many telephones. */
const many = (
  name: string,
  needs: ReadonlyArray<string>,
  open: Effect.Effect<MediaRelayShape, any, Ports | Scope.Scope>,
  calls: number,
  ms: number,
): InteropCheck =>
  check(
    `${calls} calls at once by ${name}: no packet is lost`,
    needs,
    Effect.gen(function* () {
      const relay = yield* open;
      const given = yield* setUp(relay, calls, INSIDE_PORT, OUTSIDE_PORT);
      const traffic = yield* Effect.acquireRelease(
        Effect.promise(() => openTraffic(given, INSIDE_PORT, OUTSIDE_PORT)),
        ({ close }) => Effect.sync(close),
      );
      const { sent, came } = yield* Effect.promise(() => traffic.play(ms));
      ok(sent >= calls, `${sent} packets`);
      same(came, sent);
      same((yield* relay.calls).length, calls);
      yield* Effect.forEach(given, (_, i) => relay.end(`bench-${i}`), { discard: true });
      same(yield* relay.calls, []);
    }),
  );
/** Below the ports that are drawn (kit/ports.ts), and those that the system gives. */
const [INSIDE_PORT, OUTSIDE_PORT] = [10_000, 11_000];

/** Packets that come late are lost. */
export const isAlone = true;

export const checks: ReadonlyArray<InteropCheck> = [
  ...RELAYS.flatMap(([name, needs, open]) => [
    talks(name, needs, open, "inside"),
    talks(name, needs, open, "outside"),
    holds(name, needs, open),
  ]),
  endToEnd,
  descriptions,
  watched,
  many("our relay", [], embedded, 30, 3_000),
  many("rtpengine", ["rtpengine"], rtpengine, 200, 200),
];
