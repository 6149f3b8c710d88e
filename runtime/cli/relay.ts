/** The media relay of a border element, or why there is none. */
import { Effect } from "effect";
import type { ViprConfig } from "../config/mod.ts";
import { type MediaWatching, openMediaRelay } from "../media.ts";
import { listenStopped, stopped } from "./exit.ts";

export const relayOf = (config: ViprConfig, watching?: MediaWatching) =>
  openMediaRelay(config.media, watching).pipe(
    Effect.catchTag("MediaNotConfigured", ({ key, why }) => stopped("usage", `media.${key}: ${why}`)),
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "media takes others"))),
  );
