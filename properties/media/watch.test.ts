/** Our relay watches the media of its calls: when they are bad for too long it says so, and on hold it says nothing. */
import { deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { type MediaRelayShape, openEmbeddedRelay } from "../../actors/media/mod.ts";
import type { Sdp } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { lawsOn } from "../kit/law.ts";
import { audio, cryptoLine, type End, HOST, KEY_B, keyIn, openEnd, portOf, rtp, srtpOf, sure } from "./ends.ts";

const law = lawsOn("media watch", () => memoryLayer({ seed: 1 }), runVirtual);
const SUITE = "AES_CM_128_HMAC_SHA1_80";
const PACKET_MS = 100;

const opened = openEmbeddedRelay({
  inside: [{ host: HOST }],
  outside: [{ host: HOST }],
  ports: { min: 31_000, max: 31_999 },
  privateOutside: true,
});
/** A call from inside, and the other end's packets, so many seconds of them; of each ten `lost` do not come. */
const call = Effect.fn(function* (relay: MediaRelayShape) {
  const [phone, border] = [yield* openEnd(), yield* openEnd()] as [End, End];
  const exchange = (lines: ReadonlyArray<string>, answer: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const ask = (sdp: Sdp) => ({ call: "c", from: "a", to: "b", sdp });
      const offered = yield* relay.offer({ ...ask(audio(phone.port, "RTP/AVP", ...lines)), toward: "outside" });
      const line = keyIn(offered.media[0]!);
      const secured = audio(border.port, "RTP/SAVP", cryptoLine(line.tag, KEY_B, line.suite), ...answer);
      yield* relay.answer({ ...ask(secured), toward: "inside" });
      return { port: portOf(offered), key: line.keys[0]!.keySalt };
    });
  const { port, key } = yield* exchange([], []);
  const { sender } = srtpOf(KEY_B, SUITE, key);
  let sequence = 0;
  const talk = (seconds: number, lost = 0) =>
    Effect.gen(function* () {
      for (let i = 0; i < seconds * 10; i++) {
        const packet = sure(sender.rtp(rtp(++sequence)));
        if (i % 10 >= lost) border.send(packet, port);
        yield* Effect.sleep(PACKET_MS);
      }
    });
  const bad = Effect.map(relay.calls, ([one]) => one!.bad);
  return { talk, exchange, bad };
});

law(
  "while the other end talks nothing is bad; when it falls silent for a window and the hold-down, it is",
  Effect.gen(function* () {
    const { talk, bad } = yield* call(yield* opened);
    yield* talk(40);
    same(yield* bad, undefined);
    yield* Effect.sleep(23_000);
    same(yield* bad, undefined);
    yield* Effect.sleep(3_000);
    same(yield* bad, "silence");
  }),
);
law(
  "two packets of ten that are lost for half a minute are bad, and one second of it is not",
  Effect.gen(function* () {
    const { talk, bad } = yield* call(yield* opened);
    yield* talk(10);
    yield* talk(1, 5);
    yield* talk(30);
    same(yield* bad, undefined);
    yield* talk(30, 2);
    same(yield* bad, "loss");
  }),
);
for (const [what, lines, answer] of [
  ["we hold", ["a=sendonly"], ["a=recvonly"]],
  ["it holds", ["a=recvonly"], ["a=inactive"]],
] as const)
  law(
    `when ${what} nothing is to come, and nothing is bad; when the call goes on, it counts again`,
    Effect.gen(function* () {
      const { talk, exchange, bad } = yield* call(yield* opened);
      yield* talk(5);
      yield* exchange(lines, answer);
      yield* Effect.sleep(120_000);
      same(yield* bad, undefined);
      yield* exchange([], []);
      yield* talk(10);
      same(yield* bad, undefined);
      yield* Effect.sleep(30_000);
      same(yield* bad, "silence");
    }),
  );
law(
  "a call that has ended is watched no more",
  Effect.gen(function* () {
    const relay = yield* opened;
    const { talk } = yield* call(relay);
    yield* talk(1);
    yield* relay.end("c");
    yield* Effect.sleep(60_000);
    same(yield* relay.calls, []);
  }),
);
