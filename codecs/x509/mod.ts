/** X.509 certificates, read strictly. RFC 5280 §4. */
export {
  type CertifiedKey,
  RSA_BITS_MAX,
  RSA_BITS_MIN,
  type SignatureAlgorithm,
  type SignatureScheme,
} from "./algorithms.ts";
export {
  CERTIFICATE_BYTES_MAX,
  type Certificate,
  type CertificateRead,
  type CertificateReadError,
  type CertificateReadReason,
  equalCertificates,
  readCertificate,
} from "./certificate.ts";
export { ELEMENTS_MAX } from "./der.ts";
export {
  ANY_POLICY,
  EXTENSIONS_MAX,
  type Extensions,
  keyPurpose,
  keyUsage,
  NAMES_MAX,
  type NameConstraints,
  SUBTREES_MAX,
} from "./extensions.ts";
export type { DistinguishedName, GeneralName } from "./names.ts";
export { type RequestRead, readRequest } from "./request.ts";
