/** The ViPR Access Protocol's machines: a request, a call agent's session, a server's session, the publisher. */
export { vapClient } from "./client.ts";
export { NUMBERS_ASKED_MAX, NUMBERS_MAX, VCRS_MAX, WAITING_NUMBERS_MAX } from "./client-jobs.ts";
export type { VapClientAction, VapClientEvent, VapClientInput, VapFailure, VapResult } from "./client-types.ts";
export { vapPublisher } from "./publisher.ts";
export {
  PUBLISHED_NUMBERS_MAX,
  QUEUE_NUMBERS_MAX,
  QUEUE_REFRESHED_MAX,
  STORES_AT_ONCE_MAX,
} from "./publisher-queue.ts";
export type {
  PublishFailure,
  PublishOutcome,
  VapPublisherAction,
  VapPublisherEvent,
  VapPublisherInput,
} from "./publisher-types.ts";
export { inTimeNumbersMax } from "./refresh-pace.ts";
export { vapServer } from "./server.ts";
export type {
  Notification,
  VapCloseReason,
  VapQuota,
  VapServerAction,
  VapServerEvent,
  VapServerInput,
} from "./server-types.ts";
export {
  TI_MS,
  type VapOutcome,
  type VapTransactionAction,
  type VapTransactionEvent,
  type VapTransactionInput,
  vapTransaction,
} from "./transaction.ts";
