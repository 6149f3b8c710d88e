/** Names in certificates: distinguished names, and the general names of subjectAltName. RFC 5280 §4.1.2.4, §4.2.1.6, §7. */
import { hexOf } from "../shared/mod.ts";
import { type Cursor, constructed, type DerElement, DerFault, oidOf, primitive, tag } from "./der.ts";

/** Bytes of one distinguished name; it is kept as text twice as long. */
const NAME_BYTES_MAX = 2_048;
/** RDNs of one distinguished name, attributes of one RDN. */
const RDNS_MAX = 32;
const ATTRIBUTES_MAX = 8;

/** A name of RDNs, up to 2,048 bytes in DER. RFC 5280 §4.1.2.4. */
export interface DistinguishedName {
  /** The DER in hexadecimal: issuer and subject are chained by comparing these. */
  readonly id: string;
  /** RDNs brought to one form, for comparison with the constraints of an authority. §7.1. */
  readonly rdns: ReadonlyArray<string>;
  /** Values of emailAddress attributes, which constraints on rfc822Name cover too. §4.2.1.10. */
  readonly emails: ReadonlyArray<string>;
}

/** One alternative name, or the base of a constraint; texts are printable ASCII. RFC 5280 §4.2.1.6. */
export type GeneralName =
  | { readonly type: "email" | "dns" | "uri"; readonly value: string }
  | { readonly type: "directory"; readonly value: DistinguishedName }
  /** Four or sixteen bytes; in a name constraint eight or thirty-two, address and mask. */
  | { readonly type: "ip"; readonly value: Uint8Array }
  /** otherName, x400Address, ediPartyName, registeredID: kept by their tag numbers, and never compared. */
  | { readonly type: "other"; readonly form: number };

const EMAIL_ADDRESS = "2a864886f70d010901";

/** Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY } */
export const nameOf = (holder: Cursor, element: DerElement, at: string): DistinguishedName => {
  if (element.tag !== tag.sequence) throw new DerFault(at, "no distinguished name");
  if (element.whole.length > NAME_BYTES_MAX) throw new DerFault(at, `a name over ${NAME_BYTES_MAX} bytes`);
  const [rdns, emails]: [Array<string>, Array<string>] = [[], []];
  const sets = holder.inside(element);
  while (!sets.isAtEnd) {
    if (rdns.length >= RDNS_MAX) throw new DerFault(at, `over ${RDNS_MAX} RDNs`);
    rdns.push(rdnOf(sets.enter(tag.set, at), at, emails));
  }
  return { id: hexOf(element.whole), rdns, emails };
};

const rdnOf = (set: Cursor, at: string, emails: Array<string>): string => {
  const [ders, attributes]: [Array<string>, Array<string>] = [[], []];
  while (!set.isAtEnd) {
    if (ders.length >= ATTRIBUTES_MAX) throw new DerFault(at, `over ${ATTRIBUTES_MAX} attributes in one RDN`);
    const element = set.take(tag.sequence, at);
    const fields = set.inside(element);
    const type = oidOf(fields.take(tag.oid, at), at);
    const value = fields.any(at);
    fields.end(at);
    const text = textOf(value);
    if (type === EMAIL_ADDRESS) emails.push(text ?? "");
    // A value that is no text is compared byte by byte.
    attributes.push(`${type}=${text === undefined ? hexOf(value.whole) : foldedOf(text)}`);
    ders.push(hexOf(element.whole));
  }
  if (ders.length === 0) throw new DerFault(at, "an empty RDN");
  if (ders.some((der, i) => i > 0 && der <= ders[i - 1]!)) throw new DerFault(at, "an RDN that is not sorted");
  return attributes.sort().join("+");
};

/** §7.1 asks for RFC 4518's preparation: case folded, and runs of white space made one. */
const foldedOf = (text: string): string => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();

const textOf = ({ tag: type, contents }: DerElement): string | undefined => {
  if (type === tag.utf8String) return new TextDecoder().decode(contents);
  if (type === tag.printableString || type === tag.ia5String || type === tag.teletexString)
    return String.fromCharCode(...contents);
  if (type !== tag.bmpString || contents.length % 2 !== 0) return undefined;
  const units = Array.from({ length: contents.length / 2 }, (_, i) => contents[2 * i]! * 256 + contents[2 * i + 1]!);
  return String.fromCharCode(...units);
};

const FORM = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 } as const;

/** GeneralName ::= CHOICE { otherName [0], rfc822Name [1], dNSName [2], …, directoryName [4], …, URI [6], iPAddress [7], … } */
export const generalNameOf = (names: Cursor, at: string): GeneralName => {
  const element = names.any(at);
  switch (element.tag) {
    case primitive(FORM.email):
      return { type: "email", value: ia5Of(element, at) };
    case primitive(FORM.dns):
      return { type: "dns", value: ia5Of(element, at) };
    case primitive(FORM.uri):
      return { type: "uri", value: ia5Of(element, at) };
    case primitive(FORM.ip):
      return { type: "ip", value: element.contents };
    case constructed(FORM.directory): {
      const inner = names.inside(element);
      const value = nameOf(inner, inner.any(at), at);
      inner.end(at);
      return { type: "directory", value };
    }
  }
  const form = element.tag & 0x1f;
  const isKnown = (element.tag & 0xc0) === 0x80 && form <= 8;
  if (!isKnown || Object.values<number>(FORM).includes(form)) throw new DerFault(at, "no general name");
  return { type: "other", form };
};

/** IA5String, of printable characters only: a NUL in a name ends it for some readers and not for others. */
const ia5Of = ({ contents }: DerElement, at: string): string => {
  if (contents.some((byte) => byte < 0x20 || byte > 0x7e)) throw new DerFault(at, "not printable ASCII");
  return String.fromCharCode(...contents);
};
