/** Enrolment: how a node asks for its certificate, and how it is refused. RFC 6940 §11. */
export {
  badForm,
  FORM_BYTES_MAX,
  FORM_PARTS_MAX,
  type FormError,
  type FormPart,
  type FormRead,
  formContentType,
  readForm,
  writeForm,
} from "./form.ts";
export {
  type EnrolmentPlace,
  enrolmentUrl,
  type ReloadUri,
  readEnrolmentUrl,
  readReloadUri,
  reloadUri,
  userNameOf,
} from "./names.ts";
export { decodeEnrolled, encodeEnrolled } from "./record.ts";
export {
  CONFIGURATION_PATH,
  ENROLMENT_PATH,
  type EnrolmentToken,
  enrolmentTokens,
  mediaType,
  readToken,
} from "./registry.ts";
export { type EnrolmentRequest, NODE_IDS_ASKED_MAX, readEnrolment, writeEnrolment } from "./request.ts";
