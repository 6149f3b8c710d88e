/** What a ViPR server reports to its watcher, as its machines name it. */
export type { ViprEvent } from "../../machines/vipr/mod.ts";
