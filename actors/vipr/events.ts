/** What a ViPR server reports to its watcher, as its machines name it. */
import type { Effect } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import type { ViprEvent } from "../../machines/vipr/mod.ts";

export type { ViprEvent } from "../../machines/vipr/mod.ts";

/** `by`: the VService of ours that it is about, and so the company. */
export type ViprWatch = (event: ViprEvent, by: VServiceId) => Effect.Effect<void>;
