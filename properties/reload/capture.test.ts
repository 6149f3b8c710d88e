/** What a node says and hears for who captures it: whole messages, both ways, from the moment that somebody captures. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Exit, Scope } from "effect";
import { Captured, type CaptureLine, openCaptures } from "../../actors/capture/mod.ts";
import { bodyTypeOf, codeOf, Packet } from "../../codecs/reload/mod.ts";
import { bytesOfBase64 } from "../../codecs/shared/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import { overlayOf, testOverlay } from "./ring-of-nodes.ts";

const typeOf = (line: CaptureLine): string => {
  ok("message" in line);
  const packet = decode(Packet, bytesOfBase64(line.message)!);
  ok(packet.ok);
  return `${line.to.port === 0 ? "heard" : "said"} ${bodyTypeOf(codeOf(packet.value.payload)!)}`;
};

const story = Effect.gen(function* () {
  const overlay = yield* overlayOf(3);
  const captures = yield* openCaptures;
  const node = yield* Effect.provideService(overlay.join(), Captured, captures);
  const first = overlay.members[0]!;
  same(captures.isOn, false);

  const scope = yield* Scope.make();
  const seen = yield* Scope.provide(captures.open({ protocols: ["reload"], wholeNumbers: false }), scope);
  yield* node.ping(first.nodeId);
  const lines = yield* seen;
  // What the ring says of itself may be between them.
  const types = lines.map(typeOf).filter((type) => type.includes("ping"));
  same(types, ["said pingReq", "heard pingAns"]);
  for (const line of lines) {
    ok("message" in line);
    same([line.protocol, line.transport], ["reload", "tcp"]);
    const peer = line.to.port === 0 ? line.from : line.to;
    same(peer, { host: first.host, port: first.port });
  }
  yield* Scope.close(scope, Exit.void);
  yield* node.ping(first.nodeId);
  const again = yield* Effect.scoped(
    Effect.gen(function* () {
      const later = yield* captures.open({ protocols: ["reload"], wholeNumbers: false });
      yield* first.ping(node.nodeId);
      return (yield* later).map(typeOf).filter((type) => type.includes("ping"));
    }),
  );
  same(again, ["heard pingReq", "said pingAns"]);
});

testOverlay("capture: a node's messages are seen while somebody captures, as they go over its links", story);
