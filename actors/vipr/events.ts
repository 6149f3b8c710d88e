/** What a ViPR server tells whoever watches it, as its machines name it. */
export type { ViprEvent } from "../../machines/vipr/mod.ts";
