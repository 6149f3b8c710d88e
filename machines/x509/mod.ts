/** Whether a chain of certificates is to be believed, RFC 5280 §6, and for which server, RFC 9525. Functions only: nothing here waits. */
export {
  PATH_MAX,
  PATHS_MAX,
  type PathQuestion,
  type PathVerdict,
  SHOWN_MAX,
  SIGNATURES_MAX,
  type SignatureQuestion,
  validatePath,
} from "./path.ts";
export type { CertificateReason, PathReason, Refusal } from "./refusal.ts";
export { type CertificateUse, COMPARISONS_MAX } from "./rules.ts";
export { serverNameFault } from "./server-name.ts";
