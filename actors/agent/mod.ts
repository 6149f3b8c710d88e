/** A call agent's records on their way to the ViPR server, and the routes that come back. */
export {
  OUTBOX_PUT_MAX,
  OUTBOX_TABLE,
  OUTBOX_WAITING_MAX,
  type Outbox,
  type OutboxCounts,
  type OutboxOptions,
  openOutbox,
} from "./outbox.ts";
export { openRouteCache, type Routes, type RoutesOptions } from "./routes.ts";
export {
  FAILOVER_AFTER_MS,
  type NamedServer,
  openServers,
  type PublishProgress,
  type Servers,
} from "./servers.ts";
export {
  openUploads,
  UPLOADS_AT_ONCE_MAX,
  UPLOADS_WAITING_MAX,
  UploadFailed,
  type UploadFailure,
  type Uploads,
} from "./uploads.ts";
