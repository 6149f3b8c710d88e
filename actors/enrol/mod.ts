/** Enrolment: the server that issues certificates, the node that requests one. RFC 6940 §11. */
export {
  type ConfigurationServer,
  type Enrolled,
  type EnrolWith,
  enrol,
  fetchDocument,
  fetchOverlay,
} from "./client.ts";
export { EnrolmentFailed, EnrolmentRefused } from "./errors.ts";
export {
  CERTIFICATE_LIFETIME_MS,
  type EnrolmentCounters,
  type EnrolmentServer,
  type EnrolmentServerOptions,
  NODE_IDS_PER_USER_MAX,
  serveEnrolment,
} from "./server.ts";
