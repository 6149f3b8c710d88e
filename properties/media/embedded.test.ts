/** Our relay between a telephone and another company's border element: in memory, and on the sockets of this runtime. */
import { ok, deepStrictEqual as same } from "node:assert";
import process from "node:process";
import { Effect, type Layer } from "effect";
import { type EmbeddedOptions, type MediaRelayShape, openEmbeddedRelay, type Side } from "../../actors/media/mod.ts";
import { choosableOf, type Sdp, SUITES, type SuiteName } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { lawsOn, type Run } from "../kit/law.ts";
import {
  audio,
  cryptoLine,
  HOST,
  KEY_A,
  KEY_B,
  keyIn,
  openEnd,
  portOf,
  rtp,
  sdpOf,
  srtpOf,
  sure,
  waitFor,
} from "./ends.ts";

const OPTIONS: EmbeddedOptions = {
  inside: [{ host: HOST }],
  outside: [{ host: HOST }],
  ports: { min: 31_000, max: 33_999 },
  privateOutside: true,
};
const SUITE = "AES_CM_128_HMAC_SHA1_80";
/** For one call at once, of one of the programs that run this at once; below those that the system gives away. */
const FIRST_OF_FEW = 20_000 + 4 * (process.pid % 3_000);
const FEW = { min: FIRST_OF_FEW, max: FIRST_OF_FEW + 3 };
const ask = (call: string, toward: Side, sdp: Sdp) => ({ call, from: "a", to: "b", toward, sdp });

/** A call from inside, answered outside: both ends, and what each was shown. */
const callOut = Effect.fn(function* (relay: MediaRelayShape, call = "c") {
  const [phone, border] = [yield* openEnd(), yield* openEnd()];
  const offered = yield* relay.offer(ask(call, "outside", audio(phone.port, "RTP/AVP")));
  const line = keyIn(offered.media[0]!);
  const answered = yield* relay.answer(
    ask(call, "inside", audio(border.port, "RTP/SAVP", cryptoLine(line.tag, KEY_B, line.suite))),
  );
  return { phone, border, offered, answered, ...srtpOf(KEY_B, SUITE, line.keys[0]!.keySalt) };
});
/** A call from outside, answered inside. */
const callIn = Effect.fn(function* (relay: MediaRelayShape, call = "c") {
  const [phone, border] = [yield* openEnd(), yield* openEnd()];
  const offered = yield* relay.offer(
    ask(
      call,
      "inside",
      audio(border.port, "RTP/SAVP", cryptoLine(7, KEY_B, SUITE), cryptoLine(9, KEY_A, "AES_CM_128_HMAC_SHA1_32")),
    ),
  );
  const answered = yield* relay.answer(ask(call, "outside", audio(phone.port, "RTP/AVP")));
  const line = keyIn(answered.media[0]!);
  return { phone, border, offered, answered, line, ...srtpOf(KEY_B, SUITE, line.keys[0]!.keySalt) };
});
const linesOf = (sdp: Sdp): string => JSON.stringify(sdp);

const laws = (name: string, layer: () => Layer.Layer<any>, run: Run): void => {
  const law = lawsOn(`media relay, ${name}`, layer, run);
  const relayLaw = (what: string, body: (relay: MediaRelayShape) => Effect.Effect<unknown, any, any>, more = {}) =>
    law(
      what,
      Effect.scoped(
        Effect.flatMap(openEmbeddedRelay({ ...OPTIONS, ...more }), (relay) => body(relay)),
      ) as Effect.Effect<void>,
    );

  relayLaw("a call from inside is RTP there and SRTP outside, both ways, by the ports that each was shown", (relay) =>
    Effect.gen(function* () {
      const { phone, border, offered, answered, sender, receiver } = yield* callOut(relay);
      same([offered.media[0]!.protocol, answered.media[0]!.protocol], ["RTP/SAVP", "RTP/AVP"]);
      // One after the other: Deno sends two of one turn in any order.
      phone.send(rtp(1), portOf(answered));
      const [one] = yield* waitFor(border, 1);
      phone.send(rtp(2, 0x1234, 101), portOf(answered));
      const [, two] = yield* waitFor(border, 2);
      same(one!.port, portOf(offered));
      same(
        [sure(receiver.rtp(one!.bytes)).slice(), sure(receiver.rtp(two!.bytes)).slice()],
        [rtp(1), rtp(2, 0x1234, 101)],
      );
      border.send(sure(sender.rtp(rtp(9, 5))), portOf(offered));
      const [back] = yield* waitFor(phone, 1);
      same([back!.bytes, back!.port], [rtp(9, 5), portOf(answered)]);
    }),
  );

  relayLaw("a call from outside is answered by its own tag, with a key of ours", (relay) =>
    Effect.gen(function* () {
      const { phone, border, offered, answered, line, sender, receiver } = yield* callIn(relay);
      same([offered.media[0]!.protocol, answered.media[0]!.protocol], ["RTP/AVP", "RTP/SAVP"]);
      same([line.tag, line.suite, linesOf(offered).includes("crypto")], [7, SUITE, false]);
      border.send(sure(sender.rtp(rtp(1))), portOf(answered));
      same((yield* waitFor(phone, 1))[0]!.bytes, rtp(1));
      phone.send(rtp(3), portOf(offered));
      same(sure(receiver.rtp((yield* waitFor(border, 1))[0]!.bytes)).slice(), rtp(3));
    }),
  );

  for (const suite of Object.keys(SUITES) as ReadonlyArray<SuiteName>)
    relayLaw(`an offer of ${suite} alone is answered with it`, (relay) =>
      Effect.gen(function* () {
        const [phone, border] = [yield* openEnd(), yield* openEnd()];
        const key = "A".repeat(suite.includes("256") ? 62 : 40);
        const gcm = cryptoLine(1, `${"A".repeat(38)}==`, "AEAD_AES_128_GCM");
        yield* relay.offer(ask("c", "inside", audio(border.port, "RTP/SAVP", gcm, cryptoLine(2, key, suite))));
        const answered = yield* relay.answer(ask("c", "outside", audio(phone.port, "RTP/AVP")));
        const line = keyIn(answered.media[0]!);
        same([line.tag, line.suite], [2, suite]);
        border.send(sure(srtpOf(key, suite, key).sender.rtp(rtp(1))), portOf(answered));
        same((yield* waitFor(phone, 1))[0]!.bytes, rtp(1));
      }),
    );

  relayLaw("what came twice, was changed, or comes from a stranger goes no further and is counted", (relay) =>
    Effect.gen(function* () {
      const { phone, border, offered, answered, sender } = yield* callOut(relay);
      const packet = sure(sender.rtp(rtp(1)));
      const changed = sure(sender.rtp(rtp(2)));
      changed[20]! ^= 1;
      border.send(packet, portOf(offered));
      yield* waitFor(phone, 1);
      border.send(packet, portOf(offered));
      border.send(changed, portOf(offered));
      yield* Effect.sleep(20);
      const stranger = yield* openEnd();
      stranger.send(sure(sender.rtp(rtp(3))), portOf(offered));
      phone.send(rtp(1), portOf(answered));
      yield* waitFor(border, 1);
      stranger.send(rtp(2), portOf(answered));
      border.send(sure(sender.rtp(rtp(4))), portOf(offered));
      phone.send(rtp(5), portOf(answered));
      yield* waitFor(border, 2);
      same(
        (yield* waitFor(phone, 2)).map(({ bytes }) => bytes[3]),
        [1, 4],
      );
      const [{ streams }] = (yield* relay.calls) as any;
      same(streams[0].fromOutside.refused, { replayed: 1, notAuthentic: 1, stranger: 1 });
      same(streams[0].fromInside.refused, { stranger: 1 });
    }),
  );

  relayLaw("SRTP of a telephone passes unopened, by the keys of the two ends", (relay) =>
    Effect.gen(function* () {
      const [phone, border] = [yield* openEnd(), yield* openEnd()];
      const weak = `${cryptoLine(2, KEY_A)} UNENCRYPTED_SRTP`;
      const offered = yield* relay.offer(
        ask("c", "outside", audio(phone.port, "RTP/SAVP", cryptoLine(1, KEY_A), weak)),
      );
      same([keyIn(offered.media[0]!).keys[0]!.keySalt, linesOf(offered).includes("UNENCRYPTED")], [KEY_A, false]);
      const answered = yield* relay.answer(ask("c", "inside", audio(border.port, "RTP/SAVP", cryptoLine(1, KEY_B))));
      same(keyIn(answered.media[0]!).keys[0]!.keySalt, KEY_B);
      const { sender } = srtpOf(KEY_A, SUITE, KEY_B);
      const packet = sure(sender.rtp(rtp(1)));
      phone.send(packet.slice(), portOf(answered));
      same((yield* waitFor(border, 1))[0]!.bytes, packet);
      const [{ streams }] = (yield* relay.calls) as any;
      same(streams[0].mode, "passed");
    }),
  );

  relayLaw("streams that are not secured are refused by port 0 on both sides, and the others are taken", (relay) =>
    Effect.gen(function* () {
      const [phone, border] = [yield* openEnd(), yield* openEnd()];
      const offer = sdpOf(
        `c=IN IP4 ${HOST}`,
        "t=0 0",
        "m=image 5004 udptl t38",
        `m=audio ${phone.port} RTP/AVP 8`,
        "m=audio 0 RTP/AVP 8",
      );
      const offered = yield* relay.offer(ask("c", "outside", offer));
      same(
        offered.media.map(({ port, protocol }) => [port > 0, protocol]),
        [
          [false, "udptl"],
          [true, "RTP/SAVP"],
          [false, "RTP/AVP"],
        ],
      );
      const line = keyIn(offered.media[1]!);
      const answer = sdpOf(
        `c=IN IP4 ${HOST}`,
        "t=0 0",
        "m=image 0 udptl t38",
        `m=audio ${border.port} RTP/SAVP 8`,
        cryptoLine(line.tag, KEY_B),
        "m=audio 0 RTP/AVP 8",
      );
      const answered = yield* relay.answer(ask("c", "inside", answer));
      same(
        answered.media.map(({ port, protocol }) => [port > 0, protocol]),
        [
          [false, "udptl"],
          [true, "RTP/AVP"],
          [false, "RTP/AVP"],
        ],
      );
    }),
  );

  const refusals: ReadonlyArray<readonly [string, Side, Sdp, string, Partial<EmbeddedOptions>]> = [
    ["clear media from outside", "inside", audio(4_000, "RTP/AVP"), "notSecured", {}],
    [
      "a key that does not encrypt",
      "inside",
      audio(4_000, "RTP/SAVP", `${cryptoLine(1, KEY_A)} UNENCRYPTED_SRTP`),
      "notSecured",
      {},
    ],
    ["a NULL suite", "inside", audio(4_000, "RTP/SAVP", cryptoLine(1, KEY_A, "NULL_HMAC_SHA1_80")), "notSecured", {}],
    [
      "AES-GCM alone, which is none of ours",
      "inside",
      audio(4_000, "RTP/SAVP", cryptoLine(1, `${"A".repeat(38)}==`, "AEAD_AES_128_GCM")),
      "notSecured",
      {},
    ],
    [
      "a suite that we are told not to take",
      "inside",
      audio(4_000, "RTP/SAVP", cryptoLine(1, KEY_A, "AES_CM_128_HMAC_SHA1_32")),
      "notSecured",
      { suites: ["AES_CM_128_HMAC_SHA1_80"] },
    ],
    ["fax without RTP", "outside", sdpOf(`c=IN IP4 ${HOST}`, "t=0 0", "m=image 4000 udptl t38"), "notSecured", {}],
    [
      "an address of our own network, from outside",
      "inside",
      audio(4_000, "RTP/SAVP", cryptoLine(1, KEY_A)),
      "badAddress",
      { privateOutside: false },
    ],
    [
      "a name for an address",
      "outside",
      sdpOf("c=IN IP4 phone.example", "t=0 0", "m=audio 4000 RTP/AVP 8"),
      "badAddress",
      {},
    ],
    [
      "an address of another family",
      "outside",
      sdpOf("c=IN IP6 2001:db8::1", "t=0 0", "m=audio 4000 RTP/AVP 8"),
      "badAddress",
      {},
    ],
    [
      "more streams than a telephone has",
      "outside",
      sdpOf(`c=IN IP4 ${HOST}`, "t=0 0", ...Array.from({ length: 9 }, () => "m=audio 4000 RTP/AVP 8")),
      "limit",
      {},
    ],
    [
      "a port when there are none",
      "outside",
      audio(4_000, "RTP/AVP"),
      "limit",
      { ports: { min: 31_000, max: 31_002 } },
    ],
    ["a call beyond the limit", "outside", audio(4_000, "RTP/AVP"), "limit", { callsMax: 0 }],
  ];
  for (const [what, toward, sdp, reason, more] of refusals)
    relayLaw(
      `${what}: ${reason}, and nothing is left of the call`,
      (relay) =>
        Effect.gen(function* () {
          const refusal = yield* Effect.flip(relay.offer(ask("c", toward, sdp)));
          same(refusal.reason, reason);
          same(yield* relay.calls, []);
        }),
      more,
    );

  const badAnswers: ReadonlyArray<readonly [string, (port: number, tag: number, own: string) => Sdp, string]> = [
    ["in the clear", (port) => audio(port, "RTP/AVP"), "notSecured"],
    ["without a key", (port) => audio(port, "RTP/SAVP"), "notSecured"],
    ["of port 0", (_, tag) => audio(0, "RTP/SAVP", cryptoLine(tag, KEY_B)), "notSecured"],
    ["with a tag that was not offered", (port) => audio(port, "RTP/SAVP", cryptoLine(77, KEY_B)), "notSecured"],
    [
      "with a suite that was not offered",
      (port, tag) => audio(port, "RTP/SAVP", cryptoLine(tag, KEY_B, "F8_128_HMAC_SHA1_80")),
      "notSecured",
    ],
    [
      "that weakens",
      (port, tag) => audio(port, "RTP/SAVP", `${cryptoLine(tag, KEY_B)} UNENCRYPTED_SRTP`),
      "notSecured",
    ],
    ["with our own key", (port, tag, own) => audio(port, "RTP/SAVP", cryptoLine(tag, own)), "notSecured"],
    [
      "with keys that are derived anew",
      (port, tag) => audio(port, "RTP/SAVP", `${cryptoLine(tag, KEY_B)} KDR=4`),
      "notSecured",
    ],
    [
      "of a stream more",
      (port, tag) => ({ ...audio(port, "RTP/SAVP", cryptoLine(tag, KEY_B)), media: [] }),
      "notAnOffer",
    ],
  ];
  for (const [what, answerOf, reason] of badAnswers)
    relayLaw(`an answer ${what}: ${reason}, and the offer can still be answered`, (relay) =>
      Effect.gen(function* () {
        const [phone, border] = [yield* openEnd(), yield* openEnd()];
        const offered = yield* relay.offer(ask("c", "outside", audio(phone.port, "RTP/AVP")));
        const { tag, keys } = keyIn(offered.media[0]!);
        const bad = answerOf(border.port, tag, keys[0]!.keySalt);
        same((yield* Effect.flip(relay.answer(ask("c", "inside", bad)))).reason, reason);
        yield* relay.answer(ask("c", "inside", audio(border.port, "RTP/SAVP", cryptoLine(tag, KEY_B))));
      }),
    );
  relayLaw("an answer that no offer has asked for is refused", (relay) =>
    Effect.gen(function* () {
      const secured = audio(4_000, "RTP/SAVP", cryptoLine(1, KEY_B));
      same((yield* Effect.flip(relay.answer(ask("c", "inside", secured)))).reason, "notAnOffer");
      yield* relay.offer(ask("c", "outside", audio(4_000, "RTP/AVP")));
      same((yield* Effect.flip(relay.answer(ask("c", "outside", secured)))).reason, "notAnOffer");
    }),
  );

  relayLaw(
    "hold, and another offer, keep ports and keys; a new key of the other end brings a new one of ours",
    (relay) =>
      Effect.gen(function* () {
        const { phone, border, offered, answered, line, sender, receiver } = yield* callIn(relay);
        border.send(sure(sender.rtp(rtp(1))), portOf(answered));
        yield* waitFor(phone, 1);
        const again = (key: string, ...lines: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            const shown = yield* relay.offer(
              ask("c", "inside", audio(border.port, "RTP/SAVP", cryptoLine(7, key), ...lines)),
            );
            const back = yield* relay.answer(ask("c", "outside", audio(phone.port, "RTP/AVP")));
            return { shown, back, key: keyIn(back.media[0]!).keys[0]!.keySalt };
          });
        const held = yield* again(KEY_B, "a=sendonly");
        same([portOf(held.shown), portOf(held.back)], [portOf(offered), portOf(answered)]);
        same(held.key, line.keys[0]!.keySalt);
        ok(linesOf(held.shown).includes("sendonly"));
        // The same keys go on counting: the first packet again is a replay still.
        phone.send(rtp(1), portOf(offered));
        sure(receiver.rtp((yield* waitFor(border, 1))[0]!.bytes));
        const renewed = yield* again(KEY_A);
        ok(renewed.key !== line.keys[0]!.keySalt);
        const fresh = srtpOf(KEY_A, SUITE, renewed.key);
        // What was on its way under the old key is taken still.
        border.send(sure(sender.rtp(rtp(2))), portOf(answered));
        border.send(sure(fresh.sender.rtp(rtp(3))), portOf(answered));
        same(
          (yield* waitFor(phone, 3)).map(({ bytes }) => bytes[3]),
          [1, 2, 3],
        );
      }),
  );

  relayLaw("early media and the answer are one where they say the same; another fork takes the call over", (relay) =>
    Effect.gen(function* () {
      const { phone, border, offered, answered, sender, receiver } = yield* callOut(relay);
      const line = keyIn(offered.media[0]!);
      const by = (port: number, key: string, to: string) =>
        relay.answer({ ...ask("c", "inside", audio(port, "RTP/SAVP", cryptoLine(line.tag, key, line.suite))), to });
      phone.send(rtp(1), portOf(answered));
      sure(receiver.rtp((yield* waitFor(border, 1))[0]!.bytes));
      same(yield* by(border.port, KEY_B, "b"), answered);
      border.send(sure(sender.rtp(rtp(1))), portOf(offered));
      yield* waitFor(phone, 1);
      const fork = yield* openEnd();
      same(yield* by(fork.port, KEY_A, "f"), answered);
      phone.send(rtp(2), portOf(answered));
      sure(receiver.rtp((yield* waitFor(fork, 1))[0]!.bytes));
      fork.send(sure(srtpOf(KEY_A, SUITE, KEY_B).sender.rtp(rtp(9))), portOf(offered));
      same(
        (yield* waitFor(phone, 2)).map(({ bytes }) => bytes[3]),
        [1, 9],
      );
    }),
  );

  relayLaw(
    "whoever comes back to a suite, or to SRTP of ours, uses no keystream twice and takes no packet twice",
    (relay) =>
      Effect.gen(function* () {
        const [phone, border] = [yield* openEnd(), yield* openEnd()];
        const exchange = (suite: string, key: string, passed = false) =>
          Effect.gen(function* () {
            const own = passed ? audio(phone.port, "RTP/SAVP", cryptoLine(1, KEY_A)) : audio(phone.port, "RTP/AVP");
            const offered = yield* relay.offer(ask("c", "outside", own));
            const line = choosableOf(offered.media[0]!).find((line) => line.suite === suite)!;
            const secured = audio(border.port, "RTP/SAVP", cryptoLine(line.tag, key, suite));
            return { offered, answered: yield* relay.answer(ask("c", "inside", secured)) };
          });
        const { offered, answered } = yield* exchange(SUITE, KEY_B);
        const { sender } = srtpOf(KEY_B, SUITE, KEY_A);
        const packet = sure(sender.rtp(rtp(1)));
        const both = Effect.gen(function* () {
          phone.send(rtp(1), portOf(answered));
          border.send(packet.slice(), portOf(offered));
          yield* Effect.sleep(40);
        });
        yield* both;
        same([border.came.length, phone.came.length], [1, 1]);
        yield* exchange("AES_CM_128_HMAC_SHA1_32", KEY_B);
        yield* exchange(SUITE, KEY_B);
        yield* both;
        yield* exchange(SUITE, KEY_B, true);
        yield* exchange(SUITE, KEY_B);
        yield* both;
        same([border.came.length, phone.came.length], [1, 1]);
        const { fromInside, fromOutside } = (yield* relay.calls)[0]!.streams[0]!;
        same([fromInside.refused.replayed, fromOutside.refused.replayed], [2, 2]);
      }),
  );

  relayLaw("an offer that is refused at the other end changes nothing", (relay) =>
    Effect.gen(function* () {
      const { phone, border, offered, answered, receiver } = yield* callOut(relay);
      yield* relay.offer(ask("c", "outside", audio(phone.port + 2, "RTP/AVP", "a=inactive")));
      phone.send(rtp(1), portOf(answered));
      sure(receiver.rtp((yield* waitFor(border, 1))[0]!.bytes));
      same((yield* relay.calls)[0]!.streams[0]!.fromInside.packets, 1);
      same(portOf(offered) > 0, true);
    }),
  );

  relayLaw("an end that has said the zero address is sent nothing. RFC 3264 §8.4", (relay) =>
    Effect.gen(function* () {
      const { phone, border, answered } = yield* callOut(relay);
      const held = sdpOf("c=IN IP4 0.0.0.0", "t=0 0", `m=audio ${border.port} RTP/SAVP 8 0 101`, cryptoLine(5, KEY_B));
      const shown = yield* relay.offer(ask("c", "inside", held));
      ok(linesOf(shown).includes("IN IP4 0.0.0.0"));
      yield* relay.answer(ask("c", "outside", audio(phone.port, "RTP/AVP")));
      phone.send(rtp(1), portOf(answered));
      yield* Effect.sleep(50);
      same(border.came.length, 0);
      same((yield* relay.calls)[0]!.streams[0]!.fromInside.refused, { held: 1 });
    }),
  );

  relayLaw("RTCP goes by the port above, or by the same one where both ends mux. RFC 5761", (relay) =>
    Effect.gen(function* () {
      const report = Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 9);
      const plain = yield* callOut(relay, "plain");
      plain.border.send(sure(plain.sender.rtcp(report)), portOf(plain.offered) + 1);
      yield* Effect.sleep(30);
      // The telephone's RTCP port is one above: nobody of ours listens there, so that it is seen by the count.
      const seen = (yield* relay.calls)[0]!.streams[0]!.fromOutside;
      same([seen.packets, seen.lastSeenMs !== undefined], [0, true]);
      const [phone, border] = [yield* openEnd(), yield* openEnd()];
      const offered = yield* relay.offer(ask("mux", "outside", audio(phone.port, "RTP/AVP", "a=rtcp-mux")));
      const line = keyIn(offered.media[0]!);
      const secured = audio(border.port, "RTP/SAVP", "a=rtcp-mux", cryptoLine(line.tag, KEY_B));
      const answered = yield* relay.answer(ask("mux", "inside", secured));
      const { sender, receiver } = srtpOf(KEY_B, SUITE, line.keys[0]!.keySalt);
      border.send(sure(sender.rtcp(report)), portOf(offered));
      same((yield* waitFor(phone, 1))[0]!.bytes, report);
      phone.send(report, portOf(answered));
      same(sure(receiver.rtcp((yield* waitFor(border, 1))[0]!.bytes)).slice(), report);
    }),
  );

  relayLaw(
    "IPv4 inside and IPv6 outside, and the address by which others reach us",
    (relay) =>
      Effect.gen(function* () {
        const [phone, border] = [yield* openEnd(), yield* openEnd("::1")];
        const offered = yield* relay.offer(ask("c", "outside", audio(phone.port, "RTP/AVP")));
        ok(offered.origin.endsWith("IN IP6 2001:db8::7") && linesOf(offered).includes('"IN IP6 2001:db8::7"'));
        const line = keyIn(offered.media[0]!);
        const secured = audio(border.port, "RTP/SAVP", cryptoLine(line.tag, KEY_B));
        const answered = yield* relay.answer(
          ask("c", "inside", {
            ...secured,
            lines: [{ letter: "c", value: "IN IP6 0:0::1" }, ...secured.lines.slice(1)],
          }),
        );
        ok(answered.origin.endsWith(`IN IP4 ${HOST}`));
        const { sender, receiver } = srtpOf(KEY_B, SUITE, line.keys[0]!.keySalt);
        phone.send(rtp(1), portOf(answered));
        same(sure(receiver.rtp((yield* waitFor(border, 1))[0]!.bytes)).slice(), rtp(1));
        border.send(sure(sender.rtp(rtp(2))), portOf(offered));
        same((yield* waitFor(phone, 1))[0]!.bytes, rtp(2));
      }),
    { outside: [{ host: "::1", advertise: "2001:db8::7" }] },
  );

  relayLaw("several streams have ports and keys of their own", (relay) =>
    Effect.gen(function* () {
      const ends = [yield* openEnd(), yield* openEnd()];
      const borders = [yield* openEnd(), yield* openEnd()];
      const of = (profile: string, at: ReadonlyArray<{ readonly port: number }>, lines: ReadonlyArray<string>) =>
        sdpOf(
          `c=IN IP4 ${HOST}`,
          "t=0 0",
          ...at.flatMap(({ port }, i) => [
            `m=${i === 0 ? "audio" : "video"} ${port} ${profile} 8`,
            ...(lines[i] === undefined ? [] : [lines[i]!]),
          ]),
        );
      const offered = yield* relay.offer(ask("c", "outside", of("RTP/AVP", ends, [])));
      const lines = offered.media.map(keyIn);
      same(
        new Set(
          offered.media.flatMap(({ lines }) => lines.map(({ value }) => value)).filter((v) => v.startsWith("crypto")),
        ).size,
        8,
      );
      const answered = yield* relay.answer(
        ask(
          "c",
          "inside",
          of(
            "RTP/SAVP",
            borders,
            lines.map(({ tag }, i) => cryptoLine(tag, i === 0 ? KEY_A : KEY_B)),
          ),
        ),
      );
      for (const [i, border] of borders.entries()) {
        const { receiver } = srtpOf(KEY_A, SUITE, lines[i]!.keys[0]!.keySalt);
        ends[i]!.send(rtp(7), portOf(answered, i));
        same(sure(receiver.rtp((yield* waitFor(border, 1))[0]!.bytes)).slice(), rtp(7));
      }
    }),
  );

  relayLaw(
    "a call that has ended gives its ports back, and its media goes nowhere",
    (relay) =>
      Effect.gen(function* () {
        const { phone, border, answered } = yield* callOut(relay);
        yield* relay.end("c");
        yield* relay.end("c");
        phone.send(rtp(1), portOf(answered));
        yield* Effect.sleep(30);
        same([border.came.length, yield* relay.calls], [0, []]);
        for (let i = 0; i < 20; i++) {
          yield* callOut(relay, `${i}`);
          yield* relay.end(`${i}`);
        }
      }),
    { ports: FEW },
  );
};

laws("memory", () => memoryLayer({ seed: 1 }), runVirtual);
laws(
  "sockets",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);
