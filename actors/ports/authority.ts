/** Issues certificates, for an enrolment server. */
import { Context, type Effect } from "effect";
import type { CertificateError } from "./keys.ts";

/** What a certificate is to say: names as they come into subjectAltName, times in ms since 1970. */
export interface IssueRequest {
  /** PKCS#10 in DER; its signature is checked before anything is issued. */
  readonly csr: Uint8Array;
  readonly uris: ReadonlyArray<string>;
  readonly dnsNames: ReadonlyArray<string>;
  readonly emails: ReadonlyArray<string>;
  /** RFC 6940 certificates have none. */
  readonly commonName?: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What issues the overlay's certificates, RFC 6940 §11.3. */
export interface AuthorityShape {
  /** The root certificate in DER. */
  readonly root: Uint8Array;
  /** The chain between the issued certificates and the root, DER, the issuer first; empty where the root itself issues. */
  readonly intermediates: ReadonlyArray<Uint8Array>;
  /** A certificate in DER. */
  readonly issue: (request: IssueRequest) => Effect.Effect<Uint8Array, CertificateError>;
}

/** The port of an enrolment server to its certificate authority. */
export class Authority extends Context.Service<Authority, AuthorityShape>()("vipr/actors/ports/Authority") {}
