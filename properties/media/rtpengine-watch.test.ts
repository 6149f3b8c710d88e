/** The media of calls by rtpengine are watched: when they are bad for too long the log and `calls` say so. In virtual time. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { openRtpengineRelay } from "../../actors/media/mod.ts";
import type { Sdp } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { lawsOn } from "../kit/law.ts";
import { audio, cryptoLine, HOST, KEY_B } from "./ends.ts";
import { honest, PORT, rtpengine } from "./other-rtpengine.ts";

const law = lawsOn("rtpengine watch", () => memoryLayer({ seed: 1 }), runVirtual);

/** What has come from outside so far, as rtpengine counts it; `away`: it answers no query any more. */
interface Line {
  packets: number;
  lost: number;
  reportedPercent: number;
  reports: number;
  away: boolean;
}
const stream = (kind: "RTP" | "RTCP", ssrc: number, packets: number) => ({
  flags: [kind],
  SSRC: ssrc,
  "crypto suite": "AES_CM_128_HMAC_SHA1_80",
  stats: { packets, bytes: 172 * packets, errors: 0 },
});
const queried = ({ packets, lost, reportedPercent, reports }: Line) => ({
  result: "ok",
  SSRC: {
    1: { "average MOS": { "packet loss": reportedPercent, jitter: 0 }, "cumulative loss": 0 },
    2: { "cumulative loss": lost },
  },
  tags: {
    a: { medias: [{ type: "audio", streams: [{ ...stream("RTP", 1, 1_000), "crypto suite": "(null)" }] }] },
    b: { medias: [{ type: "audio", streams: [stream("RTP", 2, packets), stream("RTCP", 2, reports)] }] },
  },
});

/** A call from inside that is up; `talk`: so many seconds of 50 packets each, of which so many are lost. */
const call = Effect.gen(function* () {
  const line: Line = { packets: 0, lost: 0, reportedPercent: 0, reports: 0, away: false };
  const asked = yield* rtpengine(PORT, (command) => {
    if (command.command !== "query") return honest(command);
    return line.away ? undefined : queried(line);
  });
  const relay = yield* openRtpengineRelay({ servers: [{ host: HOST, port: PORT }], privateOutside: true });
  const exchange = (offer: ReadonlyArray<string>, answer: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const ask = (sdp: Sdp) => ({ call: "c", from: "a", to: "b", sdp });
      yield* relay.offer({ ...ask(audio(4_000, "RTP/AVP", ...offer)), toward: "outside" });
      const secured = audio(5_000, "RTP/SAVP", cryptoLine(1, KEY_B), ...answer);
      yield* relay.answer({ ...ask(secured), toward: "inside" });
    });
  yield* exchange([], []);
  const talk = (seconds: number, lost = 0) =>
    Effect.gen(function* () {
      for (let i = 0; i < seconds; i++) {
        line.packets += 50 - lost;
        line.lost += lost;
        yield* Effect.sleep(1_000);
      }
    });
  const bad = Effect.map(relay.calls, ([one]) => one?.bad);
  return { relay, line, talk, exchange, bad, asked };
});

law(
  "while the other end talks nothing is bad; when it falls silent for a window and the hold-down, it is",
  Effect.gen(function* () {
    const { talk, bad } = yield* call;
    yield* talk(60);
    same(yield* bad, undefined);
    yield* Effect.sleep(20_000);
    same(yield* bad, undefined);
    yield* Effect.sleep(12_000);
    same(yield* bad, "silence");
  }),
);
law(
  "loss of what comes, and reported loss of what we send, for half a minute are bad; reports are something that comes",
  Effect.gen(function* () {
    const lossy = yield* call;
    yield* lossy.talk(30);
    yield* lossy.talk(40, 10);
    same(yield* lossy.bad, "loss");
  }),
);
law(
  "reported loss of what we send is bad, too; an end that sends reports alone is there",
  Effect.gen(function* () {
    const { line, talk, bad } = yield* call;
    for (let i = 0; i < 60; i++) {
      line.reports += 1;
      yield* Effect.sleep(1_000);
    }
    same(yield* bad, undefined);
    line.reportedPercent = 20;
    yield* talk(40);
    same(yield* bad, "reportedLoss");
  }),
);
law(
  "on hold nothing is to come, and nothing is bad",
  Effect.gen(function* () {
    const { talk, exchange, bad } = yield* call;
    yield* talk(5);
    yield* exchange(["a=sendonly"], ["a=recvonly"]);
    yield* Effect.sleep(120_000);
    same(yield* bad, undefined);
    yield* exchange([], []);
    yield* Effect.sleep(40_000);
    same(yield* bad, "silence");
  }),
);
law(
  "an answer or two that are lost are nothing; an rtpengine that is away carries no sound",
  Effect.gen(function* () {
    const { line, talk, bad } = yield* call;
    yield* talk(20);
    line.away = true;
    yield* talk(4);
    line.away = false;
    yield* talk(40);
    same(yield* bad, undefined);
    line.away = true;
    yield* talk(60);
    line.away = false;
    same(yield* bad, "silence");
  }),
);
law(
  "a call that has ended is asked about no more",
  Effect.gen(function* () {
    const { relay, talk, asked } = yield* call;
    yield* talk(10);
    yield* relay.end("c");
    const before = asked.length;
    ok(asked.some(({ command }) => command === "query"));
    yield* Effect.sleep(60_000);
    same(asked.length, before);
  }),
);
