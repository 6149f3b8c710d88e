/** A program's messages for who captures them: nothing while nobody does, bounded while somebody does, for owners of the token only. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Exit, Fiber, Scope } from "effect";
import { type AdminRequest, CAPTURE_PATH, handleCaptures, refused } from "../../actors/admin/mod.ts";
import {
  CAPTURE_BYTES_MAX,
  CAPTURE_MESSAGES_MAX,
  CAPTURES_MAX,
  Captured,
  type CapturedMessage,
  type CaptureLine,
  openCaptures,
} from "../../actors/capture/mod.ts";
import { makeMessageLog } from "../../actors/proxy/mod.ts";
import { readDocument, writeDocument } from "../../actors/validation/frames.ts";
import { answerSeal, bytesOfBase64, e164, orderSeal, utf8 } from "../../codecs/shared/mod.ts";
import { parseSip } from "../../codecs/sip/mod.ts";
import { PvpFrame, writeRequest } from "../../codecs/validation/mod.ts";
import { VapMessage } from "../../codecs/vap/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { memoryPair } from "../../runtime/memory/network.ts";
import { testEffect } from "../kit/harness.ts";

const PEER = { host: "192.0.2.9", port: 5_620 };
const EVERYTHING = { protocols: ["vap", "pvp", "sip"], wholeNumbers: false } as const;
const vap = (attributes: VapMessage["attributes"] = []): CapturedMessage => ({
  protocol: "vap",
  isSent: true,
  transport: "tcp",
  own: undefined,
  peer: PEER,
  bytes: encode(VapMessage, {
    type: { method: "register", class: "request" },
    transactionId: new Uint8Array(12),
    attributes,
  }),
});
const messagesIn = (lines: ReadonlyArray<CaptureLine>) => lines.filter((line) => "message" in line);

testEffect(
  "capture: nobody captures, and nothing is kept; who does gets what comes from then on, of what it wants, until it goes",
  Effect.gen(function* () {
    const captures = yield* openCaptures;
    captures.saw(vap());
    same([captures.isOn, captures.isFull], [false, false]);
    const scope = yield* Scope.make();
    const seen = yield* Scope.provide(captures.open({ ...EVERYTHING, protocols: ["vap"] }), scope);
    same(captures.isOn, true);
    captures.saw(vap());
    captures.saw({ ...vap(), protocol: "sip" });
    const [line, ...more] = yield* seen;
    same(more, []);
    ok(line !== undefined && "message" in line);
    same([line.protocol, line.from, line.to], ["vap", { host: "0.0.0.0", port: 0 }, PEER]);
    yield* Scope.close(scope, Exit.void);
    same(captures.isOn, false);
  }),
);

testEffect(
  "capture: who does not read loses the newest and is told how many; what cannot be read counts as well",
  Effect.scoped(
    Effect.gen(function* () {
      const captures = yield* openCaptures;
      const seen = yield* captures.open(EVERYTHING);
      for (let i = 0; i < CAPTURE_MESSAGES_MAX + 5; i++) captures.saw(vap());
      let leftOut = 0;
      /** Reads so many messages. */
      const readAll = Effect.fnUntraced(function* (count: number) {
        for (let read = 0; read < count; ) {
          const lines = yield* seen;
          read += messagesIn(lines).length;
          for (const line of lines) if ("leftOut" in line) leftOut = line.leftOut;
        }
      });
      yield* readAll(CAPTURE_MESSAGES_MAX);
      same(leftOut, 5);
      captures.saw({ ...vap(), bytes: utf8("none of that kind") });
      same(yield* seen, [{ leftOut: 6 }]);
      const large = vap([{ type: "serviceContent", value: new Uint8Array(60_000) }]);
      const fitting = Math.floor(CAPTURE_BYTES_MAX / large.bytes.length);
      for (let i = 0; i < fitting + 2; i++) captures.saw(large);
      yield* readAll(fitting);
      same(leftOut, 8);
    }),
  ),
);

testEffect(
  "capture: SIP comes as it came and went, with its body; PVP's documents in frames, at both ends",
  Effect.scoped(
    Effect.gen(function* () {
      const captures = yield* openCaptures;
      const seen = yield* captures.open({ ...EVERYTHING, wholeNumbers: true });
      const sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n";
      const bytes = utf8(
        `INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`,
      );
      const read = parseSip(bytes);
      ok(read.ok);
      const at = { transport: "UDP", own: 1, host: "192.0.2.7", port: 5_060, stream: 0 } as const;
      const log = makeMessageLog(() => 0, captures, [PEER, { host: "192.0.2.1", port: 5_062 }]);
      log.received(at, read.value);
      log.logging(() => {})({ ...at, transport: "TLS" }, bytes);
      const [came, went] = yield* seen;
      ok(came !== undefined && "message" in came && went !== undefined && "message" in went);
      same(
        [came, went].map(({ transport, from, to }) => [transport, from.port, to.port]),
        [
          ["udp", 5_060, 5_062],
          ["tcp", 5_062, 5_060],
        ],
      );
      for (const { message } of [came, went]) same(bytesOfBase64(message), bytes);

      const [a, b] = yield* memoryPair();
      const document = writeRequest({ number: e164("+14085550199"), domain: "a.example" });
      yield* Effect.provideService(Effect.andThen(writeDocument(a, document), readDocument(b)), Captured, captures);
      const frames = messagesIn(yield* seen);
      same(frames.length, 2);
      for (const line of frames)
        same(decode(PvpFrame, bytesOfBase64((line as { message: string }).message)!), {
          ok: true,
          value: { document },
        });
      yield* writeDocument(a, document); // where nobody captures
    }),
  ),
);

const TOKEN = "a token";
const request = (body: unknown, more: Partial<AdminRequest> = {}): AdminRequest => ({
  method: "POST",
  path: CAPTURE_PATH,
  host: "127.0.0.1:8080",
  authorization: `Bearer ${TOKEN}`,
  body: JSON.stringify(body),
  ...more,
});

testEffect(
  "capture: the admin port gives lines to who has the token, refuses what it cannot take, and one capture too many",
  Effect.gen(function* () {
    const captures = yield* openCaptures;
    const handle = handleCaptures(captures, TOKEN, () => Effect.succeed(refused(404, "elsewhere")));
    const statusOf = (asked: AdminRequest) => Effect.map(handle(asked), ({ status }) => status);
    same(yield* statusOf(request({}, { path: "/ring.json" })), 404);
    same(yield* statusOf(request({}, { method: "GET" })), 405);
    same(yield* statusOf(request({}, { host: "a.example" })), 421);
    same(yield* statusOf(request({}, { authorization: "Bearer another" })), 401);
    for (const wrong of [null, 7, { protocols: ["rtp"] }, { protocols: "sip" }, { numbers: "some" }])
      same(yield* statusOf(request(wrong)), 400);
    same(yield* statusOf(request({}, { body: "{" })), 400);

    const nonce = "0".repeat(32);
    const body = JSON.stringify({ protocols: ["vap"], numbers: "whole" });
    const sealed = request({}, { body, authorization: orderSeal(TOKEN, nonce, CAPTURE_PATH, body) });
    const answer = yield* handle(sealed);
    same([answer.status, answer.seal], [200, answerSeal(TOKEN, nonce, 200, "null")]);
    const written: Array<string> = [];
    const live = (asked: typeof answer) =>
      Effect.forkChild(
        asked.live!((text) => Effect.sync(() => void written.push(text))),
        { startImmediately: true },
      );
    const first = yield* live(answer);
    captures.saw(vap());
    while (written.length === 0) yield* Effect.yieldNow;
    const { atMs, message, ...line } = JSON.parse(written.join(""));
    same(line, { protocol: "vap", transport: "tcp", from: { host: "0.0.0.0", port: 0 }, to: PEER });
    ok(typeof atMs === "number" && decode(VapMessage, bytesOfBase64(message)!).ok);

    const others = [];
    for (let i = 1; i < CAPTURES_MAX; i++) others.push(yield* live(yield* handle(request({}))));
    same(captures.isFull, true);
    same(yield* statusOf(request({})), 409);
    yield* Fiber.interruptAll([first, ...others]);
    same([captures.isOn, captures.isFull], [false, false]);
  }),
);
