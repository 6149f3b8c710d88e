/** Assigned names of the enrolment protocol. RFC 6940 §11.2 and §11.3. */

/** The reason of a refusal, which is the whole body of a 403. §11.3. */
export const enrolmentTokens = [
  "failed_authentication",
  "username_not_available",
  "Node-IDs_not_available",
  "bad_CSR",
] as const;
/** Why an enrolment is refused: one of `enrolmentTokens`. */
export type EnrolmentToken = (typeof enrolmentTokens)[number];

/** "If the client receives an unknown token in the body, it SHOULD treat it as a failure for an unknown reason." */
export const readToken = (text: string): EnrolmentToken | "unknown" =>
  enrolmentTokens.find((token) => token === text.trim()) ?? "unknown";

/** Of what is sent and answered: document, request, certificate, form, token. RFC 6940 §11.2, §11.3. */
export const mediaType = {
  overlay: "application/p2p-overlay+xml",
  csr: "application/pkcs10",
  certificate: "application/pkix-cert",
  form: "multipart/form-data",
  text: "text/plain",
} as const;

/** Where an overlay's document is fetched, behind the overlay's name. RFC 6940 §11.2. */
export const CONFIGURATION_PATH = "/.well-known/reload-config";
/** The path of our server, where the document names none. */
export const ENROLMENT_PATH = "/enroll";
