/** The relay over NG: what is asked, what is believed of the answers, and what happens when there is none. In virtual time. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Fiber } from "effect";
import { type MediaRelayShape, openRtpengineRelay, type RtpengineOptions, type Side } from "../../actors/media/mod.ts";
import { Datagrams } from "../../actors/ports/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { printSdp, type Sdp } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { lawsOn } from "../kit/law.ts";
import { audio, cryptoLine, HOST, KEY_A, KEY_B, sdpOf } from "./ends.ts";
import { type Asked, honest, PORT, RELAYED, read, relayedBy, rtpengine, type Says } from "./other-rtpengine.ts";

const law = lawsOn("rtpengine", () => memoryLayer({ seed: 1 }), runVirtual);
const relayLaw = (
  what: string,
  says: Says,
  body: (relay: MediaRelayShape, asked: ReadonlyArray<Asked>) => Effect.Effect<unknown, any, any>,
  more: Partial<RtpengineOptions> = {},
) =>
  law(
    what,
    Effect.scoped(
      Effect.gen(function* () {
        const asked = yield* rtpengine(PORT, says);
        const relay = yield* openRtpengineRelay({
          servers: [{ host: HOST, port: PORT }],
          privateOutside: true,
          ...more,
        });
        yield* body(relay, asked);
      }),
    ) as Effect.Effect<void>,
  );
const ask = (toward: Side, sdp: Sdp) => ({ call: "c", from: "a", to: "b", toward, sdp });
const fromInside = audio(4_000, "RTP/AVP");
const fromOutside = audio(4_000, "RTP/SAVP", cryptoLine(7, KEY_B));
const answeredOutside = audio(5_000, "RTP/SAVP", cryptoLine(1, KEY_B));

// docs/protocol/media.md
relayLaw("a call from inside: what it is asked, and that its description is shown", honest, (relay, asked) =>
  Effect.gen(function* () {
    const offered = yield* relay.offer(ask("outside", fromInside));
    same([offered.media[0]!.port, offered.media[0]!.protocol], [40_000, "RTP/SAVP"]);
    same(offered.origin.endsWith(`IN IP4 ${RELAYED}`), true);
    const answered = yield* relay.answer(ask("inside", answeredOutside));
    same([answered.media[0]!.port, answered.media[0]!.protocol], [40_000, "RTP/AVP"]);
    yield* relay.end("c");
    same(
      asked.map(({ command }) => command),
      ["offer", "answer", "delete"],
    );
    const [first] = asked;
    same([first!.DTLS, first!.ICE, first!["transport-protocol"]], ["off", "remove", "RTP/SAVP"]);
    same([first!["call-id"], first!["from-tag"], asked[1]!["to-tag"]], ["c", "a", "b"]);
    ok(first!.SDES.includes("no-NULL_HMAC_SHA1_80") && first!.SDES.includes("no-AEAD_AES_256_GCM"));
    same(asked[2]!["delete-delay"], 0);
  }),
);
relayLaw("a call from outside is RTP inside, and answered by a line of its offer", honest, (relay, asked) =>
  Effect.gen(function* () {
    const offered = yield* relay.offer(ask("inside", fromOutside));
    same(offered.media[0]!.protocol, "RTP/AVP");
    same(asked[0]!["transport-protocol"], "RTP/AVP");
    const answered = yield* relay.answer(ask("outside", fromInside));
    same([answered.media[0]!.protocol, JSON.stringify(answered).includes("crypto:7")], ["RTP/SAVP", true]);
  }),
);
relayLaw("streams that are not secured, and lines that weaken, are not put to it", honest, (relay, asked) =>
  Effect.gen(function* () {
    const weak = `${cryptoLine(8, KEY_A)} UNENCRYPTED_SRTP`;
    const text = printSdp(audio(4_000, "RTP/SAVP", weak, cryptoLine(7, KEY_B)));
    const offered = yield* relay.offer(
      ask("inside", read(`${text}m=image 4002 udptl t38\r\nm=audio 4004 RTP/AVP 8\r\n`)),
    );
    const given = read(asked[0]!.sdp);
    same(
      given.media.map(({ port }) => port > 0),
      [true, false, false],
    );
    same(asked[0]!.sdp.includes("UNENCRYPTED"), false);
    same(
      offered.media.map(({ port }) => port > 0),
      [true, false, false],
    );
  }),
);

const lies: ReadonlyArray<readonly [string, Says]> = [
  ["a clear profile", (asked) => relayedBy(asked, "RTP/AVP")],
  ["no key", (asked) => relayedBy(asked, "RTP/SAVP")],
  ["a key that does not encrypt", (asked) => relayedBy(asked, "RTP/SAVP", `${cryptoLine(1, KEY_A)} UNENCRYPTED_SRTP`)],
  ["NULL suites only", (asked) => relayedBy(asked, "RTP/SAVP", cryptoLine(1, KEY_A, "NULL_HMAC_SHA1_80"))],
  ["no description", () => ({ result: "ok" })],
  ["a description that is none", () => ({ result: "ok", sdp: "hello" })],
  ["an error", () => ({ result: "error", "error-reason": "no" })],
  ["no JSON", () => "d2:oke"],
  ["a list", () => "[1]"],
  [
    "another number of streams",
    (asked) => ({
      result: "ok",
      sdp: `${(relayedBy(asked, "RTP/SAVP", cryptoLine(1, KEY_A)) as any).sdp}m=audio 1 RTP/SAVP 8\r\n`,
    }),
  ],
  ["no port", (asked) => ({ result: "ok", sdp: asked.sdp.replace(/m=audio [0-9]+/, "m=audio 0") })],
];
for (const [what, says] of lies)
  relayLaw(`an offer that it answers with ${what} is shown to nobody`, says, (relay) =>
    Effect.gen(function* () {
      same((yield* Effect.flip(relay.offer(ask("outside", fromInside)))).reason, "unavailable");
      same(yield* relay.calls, []);
    }),
  );
const badAnswers: ReadonlyArray<readonly [string, Sdp]> = [
  ["in the clear", fromInside],
  ["with a key that cannot be read", audio(5_000, "RTP/SAVP", cryptoLine(1, "AAAA"))],
  ["with the offer's key", audio(5_000, "RTP/SAVP", cryptoLine(1, KEY_A))],
  ["of another tag", audio(5_000, "RTP/SAVP", cryptoLine(2, KEY_B))],
  ["of port 0", audio(0, "RTP/SAVP", cryptoLine(1, KEY_B))],
];
for (const [what, sdp] of badAnswers)
  relayLaw(`an answer ${what} is not put to it, whatever it would say`, honest, (relay, asked) =>
    Effect.gen(function* () {
      yield* relay.offer(ask("outside", fromInside));
      same((yield* Effect.flip(relay.answer(ask("inside", sdp)))).reason, "notSecured");
      same(asked.length, 1);
    }),
  );
// docs/protocol/media.md
relayLaw(
  "an answer for outside that it gives no key, or another tag, is no answer",
  (asked) => (asked.command === "offer" ? honest(asked) : relayedBy(asked, "RTP/SAVP", cryptoLine(9, KEY_A))),
  (relay) =>
    Effect.gen(function* () {
      yield* relay.offer(ask("inside", fromOutside));
      same((yield* Effect.flip(relay.answer(ask("outside", fromInside)))).reason, "notSecured");
    }),
);
relayLaw(
  "what it leaves of the inside is not shown: on hold it leaves addresses",
  (asked) => {
    const { sdp } = relayedBy(asked, "RTP/SAVP", cryptoLine(1, KEY_A), "c=IN IP4 0.0.0.0", `a=x:${HOST}`) as {
      sdp: string;
    };
    return { result: "ok", sdp: sdp.replace(`c=IN IP4 ${RELAYED}`, `c=IN IP4 ${HOST}`) };
  },
  (relay) =>
    Effect.gen(function* () {
      const held = sdpOf("c=IN IP4 127.0.0.1", "t=0 0", "m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0");
      const text = printSdp(yield* relay.offer(ask("outside", held)));
      same([text.includes(HOST), text.includes(RELAYED), text.includes("c=IN IP4 0.0.0.0")], [false, true, true]);
    }),
);

relayLaw(
  "addresses of our own network, from outside, are not put to it, however often they are said",
  honest,
  (relay, asked) =>
    Effect.gen(function* () {
      const secured = "m=audio 4000 RTP/SAVP 8\r\nc=IN IP4 203.0.113.9\r\nc=IN IP4 10.0.0.1";
      const lines = [
        "c=IN IP4 10.0.0.2",
        "t=0 0",
        ...secured.split("\r\n"),
        "a=candidate:1 1 UDP 1 10.0.0.3 9 typ host",
      ];
      const offered = yield* relay.offer(ask("inside", sdpOf(...lines, cryptoLine(7, KEY_B))));
      same(
        [offered.media.length, /10\.0\.0\.[123]/.test(asked[0]!.sdp), asked[0]!.sdp.includes("203.0.113.9")],
        [1, false, true],
      );
      same((yield* Effect.flip(relay.offer(ask("inside", fromOutside)))).reason, "badAddress");
      const rtcp = sdpOf(
        "c=IN IP4 203.0.113.9",
        "t=0 0",
        "m=audio 4000 RTP/SAVP 8",
        "a=rtcp:5 IN IP4 10.0.0.1",
        cryptoLine(7, KEY_B),
      );
      same((yield* Effect.flip(relay.offer(ask("inside", rtcp)))).reason, "badAddress");
      same(asked.length, 1);
    }),
  { privateOutside: false },
);
relayLaw("a description that fits no datagram is not asked about, and makes nobody silent", honest, (relay, asked) =>
  Effect.gen(function* () {
    const long = audio(4_000, "RTP/AVP", ...Array.from({ length: 700 }, (_, i) => `a=x${i}:${"y".repeat(90)}`));
    same((yield* Effect.flip(relay.offer(ask("outside", long)))).reason, "unavailable");
    same(asked.length, 0);
  }),
);

let silences = 0;
relayLaw(
  "a request that is lost is sent again under its cookie",
  (asked) => (silences++ < 2 ? undefined : honest(asked)),
  (relay, asked) =>
    Effect.gen(function* () {
      yield* relay.offer(ask("outside", fromInside));
      same([asked.length, new Set(asked.map(({ cookie }) => cookie)).size], [3, 1]);
    }),
);
relayLaw(
  "one that is silent is given up, and not asked first for a while; a call stays where it began",
  () => undefined,
  (relay, asked) =>
    Effect.gen(function* () {
      const second = yield* rtpengine(PORT + 1, honest);
      yield* relay.offer(ask("outside", fromInside));
      same([asked.length, second.length], [3, 1]);
      yield* relay.answer(ask("inside", answeredOutside));
      yield* relay.offer({ ...ask("outside", fromInside), call: "d" });
      same([asked.length, second.length], [3, 3]);
      yield* Effect.sleep(31_000);
      yield* relay.offer({ ...ask("outside", fromInside), call: "e" });
      same(asked.length, 6);
    }),
  {
    servers: [
      { host: HOST, port: PORT },
      { host: HOST, port: PORT + 1 },
    ],
  },
);
relayLaw(
  "a call from before a restart is ended wherever it is",
  honest,
  (relay, asked) =>
    Effect.gen(function* () {
      const second = yield* rtpengine(PORT + 1, honest);
      yield* relay.end("c");
      same(
        [asked, second].map((all) => all.map(({ command }) => command)),
        [["delete"], ["delete"]],
      );
    }),
  {
    servers: [
      { host: HOST, port: PORT },
      { host: HOST, port: PORT + 1 },
    ],
  },
);
relayLaw(
  "where none answers, the call has no relay",
  () => undefined,
  (relay) =>
    Effect.gen(function* () {
      same((yield* Effect.flip(relay.offer(ask("outside", fromInside)))).reason, "unavailable");
      yield* relay.end("c");
    }),
);
relayLaw(
  "another's answer is none, though it have the cookie",
  (asked) => (asked.command === "offer" && asked.cookie.length === 16 ? undefined : honest(asked)),
  (relay, asked) =>
    Effect.gen(function* () {
      const stranger = yield* (yield* Datagrams).open(
        { host: HOST, port: 0 },
        { received: () => {}, failed: () => {} },
      );
      const asking = yield* Effect.forkScoped(Effect.flip(relay.offer(ask("outside", fromInside))));
      yield* Effect.sleep(10);
      // The relay's own port is the first that memory gives.
      for (let port = 50_000; port < 50_004; port++)
        stranger.send(utf8(`${asked[0]!.cookie} ${JSON.stringify(honest(asked[0]!))}`), "0.0.0.0", port);
      same((yield* Fiber.join(asking)).reason, "unavailable");
    }),
);
