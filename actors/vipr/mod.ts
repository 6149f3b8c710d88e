/** The ViPR server: the roles wired as one. */
export type { ViprEvent } from "./events.ts";
export { VALIDATIONS_MAX } from "./originating.ts";
export { startViprServer, type ViprCounters, type ViprServer, type ViprServerOptions } from "./server.ts";
