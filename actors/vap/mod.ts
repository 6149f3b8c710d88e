/** The ViPR Access Protocol hosted: a call agent's client, a ViPR server's side, the publisher behind it. */
export {
  connectVap,
  LEARNED_MAX,
  type VapClientOptions,
} from "./client.ts";
export type { PublishedVService, VapHandlers } from "./handlers.ts";
export { type Holders, openHolders, VSERVICES_MAX, VSERVICES_OF_USER_MAX } from "./holders.ts";
export { type VapClient, VapRefused } from "./jobs.ts";
export { openPublisher, PublishFailed, type VapPublisher, type VapPublisherOptions } from "./publisher.ts";
export { InsecureVap, serveVap, type VapCounters, type VapServer, type VapServerOptions } from "./server.ts";
