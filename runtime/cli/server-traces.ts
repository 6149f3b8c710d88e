/** The spans of a server's events, where `trace.otlp` names a collector. */
import { randomBytes } from "node:crypto";
import { Effect } from "effect";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import { openSpanExport } from "../traces/export.ts";
import { spanOf } from "../traces/spans.ts";
import type { Folder } from "./folder.ts";

const KEY_FILE = "trace-key";
const KEY_BYTES = 32;

/** Gives what records an event. */
export const openTraces = Effect.fn("server.traces")(function* (folder: Folder, otlp: string | undefined) {
  if (otlp === undefined) return () => {};
  const stored = yield* folder.read(KEY_FILE);
  const key = stored === undefined ? randomBytes(KEY_BYTES) : Buffer.from(stored.trim(), "base64url");
  if (stored === undefined) yield* folder.write(KEY_FILE, `${key.toString("base64url")}\n`);
  const { record } = yield* openSpanExport(otlp);
  return (event: ViprEvent): void => record(spanOf(key, event, Date.now()));
});
