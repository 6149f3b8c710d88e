/** Enrolment: which users the server certifies, and the steps of a node that enrols. RFC 6940 §11. */
export {
  addressBrake,
  BRAKE_NAMES_MAX,
  type Brake,
  type BrakePolicy,
  failed,
  forgiven,
  noBrake,
  userBrake,
  waitOf,
} from "./brake.ts";
export {
  type EnrolClientAction,
  type EnrolClientEvent,
  type EnrolClientInput,
  type EnrolClientTimer,
  type EnrolFailure,
  type EnrolOutcome,
  enrolClient,
} from "./client.ts";
export { isPassword, passwordDigest } from "./password.ts";
export {
  ENROLLED_USERS_MAX,
  ENROLMENTS_UNDER_WAY_MAX,
  type Enrolled,
  type EnrolServerAction,
  type EnrolServerEvent,
  type EnrolServerInput,
  enrolServer,
  NODE_ID_BYTES,
} from "./server.ts";
