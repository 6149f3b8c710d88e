/** The ViPR Access Protocol's machines: a request, a call agent's session, a server's session, the publisher. */
export {
  type VapClientAction,
  type VapClientEvent,
  type VapClientInput,
  type VapResult,
  vapClient,
} from "./client.ts";
export { NUMBERS_MAX, VCRS_MAX } from "./client-jobs.ts";
export {
  type PublishOutcome,
  type VapPublisherAction,
  type VapPublisherEvent,
  type VapPublisherInput,
  vapPublisher,
} from "./publisher.ts";
export { QUEUE_NUMBERS_MAX } from "./publisher-queue.ts";
export {
  type VapQuota,
  type VapServerAction,
  type VapServerEvent,
  type VapServerInput,
  vapServer,
} from "./server.ts";
export {
  TI_MS,
  type VapOutcome,
  type VapTransactionAction,
  type VapTransactionEvent,
  type VapTransactionInput,
  vapTransaction,
} from "./transaction.ts";
