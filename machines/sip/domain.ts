/** Whose certificate this is, in the words of SIP. RFC 5922 §7.1 and §7.2. Functions only. */

import { parseUri } from "../../codecs/sip/mod.ts";
import { isDomainName } from "../../codecs/ticket/mod.ts";

export interface CertificateNames {
  readonly uris: ReadonlyArray<string>;
  readonly dnsNames: ReadonlyArray<string>;
}

/**
 * The domains that a certificate proves, lower case: those of its `sip:` URIs, or its DNS names when there is none.
 * A URI with a user part names a person and proves no domain; wildcards prove nothing; the subject's common name is
 * never looked at.
 */
export const domainsOf = ({ uris, dnsNames }: CertificateNames): ReadonlyArray<string> => {
  const fromUris = uris.flatMap((text) => {
    const uri = parseUri(text);
    return uri.ok && uri.value.type === "sip" && !uri.value.secure && uri.value.user === undefined
      ? [uri.value.host]
      : [];
  });
  const names = fromUris.length > 0 ? fromUris : dnsNames.map((name) => name.toLowerCase());
  return [...new Set(names.filter(isDomainName))];
};
