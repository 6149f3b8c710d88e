/**
 * A certification request, as far as an authority asks: its outer form, and which key it wants certified. RFC 2986 §4:
 *
 *   CertificationRequest ::= SEQUENCE { info SEQUENCE { version, subject, subjectPKInfo, attributes [0] },
 *                                       signatureAlgorithm, signature BIT STRING }
 */
import { type CertifiedKey, keyOf } from "./algorithms.ts";
import { CERTIFICATE_BYTES_MAX } from "./certificate.ts";
import { Cursor, constructed, DerFault, octetsOf, smallOf, tag } from "./der.ts";
import { nameOf } from "./names.ts";

/** The key of a request, with its SubjectPublicKeyInfo in DER; or the field that is wrong. */
export type RequestRead =
  | { readonly ok: true; readonly value: { readonly key: CertifiedKey; readonly keyInfo: Uint8Array } }
  | { readonly ok: false; readonly error: { readonly at: string; readonly why: string } };

/** Nothing may stand behind it. Its signature is for others to verify, and its names are nobody's word. */
export const readRequest = (der: Uint8Array): RequestRead => {
  if (der.length > CERTIFICATE_BYTES_MAX) return refused("request", `over ${CERTIFICATE_BYTES_MAX} bytes`);
  try {
    const input = new Cursor(der, { elements: 0 });
    const outer = input.enter(tag.sequence, "request");
    input.end("request");
    const info = outer.enter(tag.sequence, "info");
    outer.take(tag.sequence, "signatureAlgorithm");
    octetsOf(outer.take(tag.bitString, "signature"), "signature");
    outer.end("request");
    if (smallOf(info.take(tag.integer, "version"), "version") !== 0) return refused("version", "not version 1");
    nameOf(info, info.any("subject"), "subject");
    const keyInfo = info.take(tag.sequence, "subjectPKInfo");
    const key = keyOf(info.inside(keyInfo), "subjectPKInfo");
    info.optional(constructed(0), "attributes"); // some leave it out, though it may be empty
    info.end("info");
    return { ok: true, value: { key, keyInfo: keyInfo.whole } };
  } catch (thrown) {
    if (!(thrown instanceof DerFault)) throw thrown;
    return refused(thrown.at, thrown.why);
  }
};

const refused = (at: string, why: string) => ({ ok: false, error: { at, why } }) as const;
