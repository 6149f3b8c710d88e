/** An overlay of one member: its credentials, and the document. For tests that start a ViPR server on sockets. */

import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { reloadUri } from "../../codecs/enrol/mod.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";

export const OVERLAY = "vipr.test";
const HOUR_MS = 3_600_000;
const CLOCK_SLACK_MS = 60_000;

export const memberOf = Effect.fnUntraced(function* (nodeId: bigint) {
  const keys = yield* Keys;
  const nowMs = yield* Clock.currentTimeMillis;
  const root = yield* makeAuthority({ name: "root", nowMs });
  const key = yield* keys.generate;
  const certificate = yield* root.issue({
    csr: yield* keys.certificateRequest(key),
    uris: [reloadUri({ nodeId: nodeIdFrom(nodeId), overlay: OVERLAY })],
    dnsNames: [],
    emails: ["a@vipr.test"],
    notBeforeMs: nowMs - CLOCK_SLACK_MS,
    notAfterMs: nowMs + HOUR_MS,
  });
  const credentials = { key, certificates: [certificate], roots: [root.root] };
  return { credentials, overlay: viprOverlay({ name: OVERLAY, sequence: 1, rootCertificates: [root.root] }) };
});
