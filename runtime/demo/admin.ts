/** The demonstration's overlay shown: the admin port of its first node. Orders are not taken: nobody is told the token. */
import { Clock, Effect } from "effect";
import { handleAdmin } from "../../actors/admin/mod.ts";
import { Keys } from "../../actors/ports/mod.ts";
import type { OverlayNode } from "../../actors/reload/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { serveAdmin } from "../admin.ts";
import { newToken } from "../cli/door.ts";

export const openDemoAdmin = Effect.fn("demo.admin")(function* (
  on: Endpoint,
  node: OverlayNode,
  certificate: Uint8Array,
) {
  const { notAfterMs } = yield* Effect.orDie((yield* Keys).inspect(certificate));
  const times = { startedMs: yield* Clock.currentTimeMillis, certificateEndsMs: notAfterMs };
  return yield* serveAdmin(on, handleAdmin({ node, token: newToken(), times }));
});
