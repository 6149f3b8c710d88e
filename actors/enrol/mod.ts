/** Enrolment hosted: a server that certifies, a node that asks. RFC 6940 §11. */
export {
  type ConfigurationServer,
  type Enrolled,
  EnrolmentFailed,
  EnrolmentRefused,
  type EnrolWith,
  enrol,
  fetchDocument,
  fetchOverlay,
} from "./client.ts";
export {
  CERTIFICATE_LIFETIME_MS,
  type EnrolmentCounters,
  type EnrolmentServer,
  type EnrolmentServerOptions,
  NODE_IDS_PER_USER_MAX,
  serveEnrolment,
} from "./server.ts";
