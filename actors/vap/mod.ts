/** The ViPR Access Protocol: a call agent's client, the server, the publisher behind it. */
export {
  connectVap,
  LEARNED_MAX,
  type VapClientOptions,
} from "./client.ts";
export { InsecureVap, PublishFailed, VapRefused } from "./errors.ts";
export type { VapClosed, VapEvent } from "./events.ts";
export type { PublishedVService, VapHandlers } from "./handlers.ts";
export type { VapClient, VapState } from "./jobs.ts";
export { KEPT_MAX, KEPT_OF_VSERVICE_MAX, type KeptRoutes, openKeptRoutes } from "./kept-routes.ts";
export {
  OWNER_IDLE_MS,
  type Owners,
  openOwners,
  storedOwners,
  VSERVICES_MAX,
  VSERVICES_OF_USER_MAX,
} from "./owners.ts";
export { openPublisher, type VapPublisher, type VapPublisherOptions } from "./publisher.ts";
export { serveVap, type VapCounters, type VapServer, type VapServerOptions } from "./server.ts";
