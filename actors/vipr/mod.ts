/** The ViPR server: the roles wired as one. */
export type { ViprDomains } from "./domains.ts";
export type { ViprEvent } from "./events.ts";
export { VALIDATIONS_MAX } from "./originating.ts";
export { ATTEMPTS_AT_ONCE_MAX } from "./proving.ts";
export { startViprServer, type ViprCounters, type ViprServer, type ViprServerOptions } from "./server.ts";
export { storedStory } from "./stored-story.ts";
export { GATHERED_MAX, openStories, STORIES_MAX, type Stories, type StoriesOptions } from "./stories.ts";
