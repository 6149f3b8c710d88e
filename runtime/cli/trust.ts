/**
 * How a newcomer comes to trust an overlay: its root as a file, or the root's fingerprint as the authority printed it.
 *
 *   document over unproved TLS --> a root in it that has the fingerprint, the overlay's name --> all else is thrown away
 *   document again, over TLS that this root proves to be of that name --> believed
 *
 * DECISIONS.md D-074.
 */
import https from "node:https";
import { Effect } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import type { ConfigurationServer } from "../../actors/enrol/mod.ts";
import { Entropy } from "../../actors/ports/mod.ts";
import { CONFIGURATION_PATH, mediaType } from "../../codecs/enrol/mod.ts";
import { readDocument } from "../../codecs/overlay/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { type Anchor, fingerprintOf, isAnchored } from "./anchor.ts";
import { type Stopped, stopped } from "./exit.ts";

const DOCUMENT_BYTES_MAX = 1_048_576;
const TIMEOUT_MS = 10_000;
/** As a client that enrols has them, docs/protocol/enrolment.md. */
const ATTEMPTS_MAX = 4;
const RETRY_BETWEEN_MS = [500, 2_000] as const;

/** As people compare it: `sha256:` and pairs of digits. */
export const fingerprintText = (der: Uint8Array): string => `sha256:${fingerprintOf(der).match(/../g)!.join(":")}`;

/** Where to enrol, and whom to believe there. */
export const findServer = Effect.fn("node.findServer")(function* (
  at: Endpoint,
  anchor: Anchor,
  name: string | undefined,
): Effect.fn.Return<ConfigurationServer, Stopped, Entropy> {
  if (anchor.type === "root" && name !== undefined) return { ...at, overlayName: name, roots: [anchor.der] };
  const read = readDocument(yield* attempted(unproved(at)), name);
  if (!read.ok) return yield* stopped("unreachable", `${addressText(at)}: ${read.error.at}: ${read.error.why}`);
  const { overlay } = read.value;
  if (anchor.type === "root") return { ...at, overlayName: overlay.name, roots: [anchor.der] };
  const root = overlay.rootCertificates.find(isAnchored(anchor));
  if (root === undefined)
    return yield* stopped("refused", `${addressText(at)}: no root there has that fingerprint; this may be an impostor`);
  return { ...at, overlayName: overlay.name, roots: [root] };
});

/** An authority that does not answer may be starting. */
const attempted = Effect.fnUntraced(function* (ask: Effect.Effect<string, Stopped>) {
  const { between } = yield* Entropy;
  for (let attempts = 1; attempts < ATTEMPTS_MAX; attempts++) {
    const answer = yield* Effect.option(ask);
    if (answer._tag === "Some") return answer.value;
    yield* Effect.sleep(yield* between(...RETRY_BETWEEN_MS));
  }
  return yield* ask;
});

/** Whatever is served there; nothing of it is believed but what a fingerprint or a later handshake proves. */
const unproved = (at: Endpoint): Effect.Effect<string, Stopped> =>
  Effect.callback((resume) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      resume(Effect.fail(stopped("unreachable", `the authority at ${addressText(at)} cannot be reached: ${why}`)));
      request.destroy();
    };
    const request = https.get({
      ...at,
      path: CONFIGURATION_PATH,
      headers: { accept: mediaType.overlay, connection: "close" },
      agent: false,
      rejectUnauthorized: false,
    });
    const timer = setTimeout(() => fail("no answer"), TIMEOUT_MS);
    request.on("error", (error) => fail(error.message));
    request.once("response", (response) => {
      const parts: Array<Buffer> = [];
      let size = 0;
      response.on("error", (error) => fail(error.message));
      response.on("data", (part: Buffer) => {
        parts.push(part);
        size += part.length;
        if (size > DOCUMENT_BYTES_MAX) fail(`a document over ${DOCUMENT_BYTES_MAX} bytes`);
      });
      response.on("end", () => {
        clearTimeout(timer);
        if (response.statusCode !== 200) return fail(`status ${response.statusCode} instead of a document`);
        resume(Effect.succeed(Buffer.concat(parts).toString("utf8")));
      });
    });
    return Effect.sync(() => {
      clearTimeout(timer);
      request.destroy();
    });
  });
