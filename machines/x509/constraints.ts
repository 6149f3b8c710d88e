/**
 * Name constraints: what an authority may certify, compared with what was certified below it. RFC 5280 §4.2.1.10.
 *
 *   an excluded subtree that holds the name -> refused
 *   permitted subtrees of the name's form, and none holds it -> refused
 *
 * A name of a form that is constrained and that we do not compare is refused too, as the section asks.
 */
import type { DistinguishedName, GeneralName, NameConstraints } from "../../codecs/x509/mod.ts";

/** What a constraint and a name have to do with each other. */
type Match = "inside" | "outside" | "otherForm" | "incomparable";

/** `compared` counts the comparisons made, so that the caller can bound them. The sentence of a refusal, else undefined. */
export const constraintFault = (
  name: GeneralName,
  { permitted, excluded }: NameConstraints,
  compared: (comparisons: number) => void,
): string | undefined => {
  compared(permitted.length + excluded.length);
  for (const subtree of excluded) {
    const match = matchOf(name, subtree, "part");
    if (match === "inside") return `a name that is excluded above (${formOf(name)})`;
    if (match === "incomparable") return `a constrained name that cannot be compared (${formOf(name)})`;
  }
  let isConstrained = false;
  for (const subtree of permitted) {
    const match = matchOf(name, subtree, "whole");
    if (match === "inside") return undefined;
    if (match === "incomparable") return `a constrained name that cannot be compared (${formOf(name)})`;
    isConstrained ||= match === "outside";
  }
  return isConstrained ? `a name that is not permitted above (${formOf(name)})` : undefined;
};

const formOf = (name: GeneralName): string => (name.type === "other" ? `form ${name.form}` : name.type);

/** `held`: whether a wildcard must lie in the subtree as a whole, or is in it already with one of the hosts it stands for. */
const matchOf = (name: GeneralName, subtree: GeneralName, held: "whole" | "part"): Match => {
  if (name.type === "other")
    return subtree.type === "other" && subtree.form === name.form ? "incomparable" : "otherForm";
  if (subtree.type !== name.type) return "otherForm";
  if (name.type === "ip") return matchOfIp(name.value, subtree.value as Uint8Array);
  if (name.type === "directory") return insideIf(isBelow(name.value, subtree.value as DistinguishedName));
  const base = subtree.value as string;
  // A constraint that cannot be read would exclude nothing if it were compared as it stands.
  if (!isHostConstraint(name.type === "email" ? base.replace(/^[^@]+@(?!\.)/, "") : base)) return "incomparable";
  if (name.type === "email") return matchOfEmail(name.value, base);
  return name.type === "dns" ? matchOfDns(name.value, base, held) : matchOfUri(name.value, base);
};

const insideIf = (isInside: boolean): Match => (isInside ? "inside" : "outside");

/** Labels of letters, digits, hyphens and underscores; a root's dot at the end is not written. */
const HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;
const IPV4 = /^\d+(\.\d+){3}$/;
const hostOf = (text: string): string | undefined => {
  const host = text.toLowerCase();
  return HOST.test(host) && !IPV4.test(host) ? host : undefined;
};

/** A host, a domain with a dot before it, or nothing, which holds every host. */
const isHostConstraint = (base: string): boolean => base === "" || hostOf(base.replace(/^\./, "")) !== undefined;

/** ".example.com" holds what has labels before it, "example.com" that host alone. */
const matchOfHost = (host: string, base: string): boolean =>
  base === "" || base.startsWith(".") ? host.length > base.length && host.endsWith(base) : host === base;

/** "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side". A wildcard stands for a label. */
const matchOfDns = (name: string, base: string, held: "whole" | "part"): Match => {
  const host = hostOf(name.startsWith("*.") ? name.slice(2) : name);
  if (host === undefined) return "incomparable";
  const below = base.toLowerCase();
  if (below === "") return "inside";
  // A wildcard that may stand for an excluded host is excluded; one that stands for more than a permitted host is not permitted.
  const spread = held === "part" && name.startsWith("*.") && below.endsWith(`.${host}`);
  return insideIf(
    spread || (below.startsWith(".") ? host.endsWith(below) : host === below || host.endsWith(`.${below}`)),
  );
};

/**
 * By the URI's host and nothing else of it: "the constraint applies only to the host part". A URI without an authority, or
 * with an address there, cannot be compared, and is refused: "the application MUST reject the certificate".
 */
const matchOfUri = (name: string, base: string): Match => {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(name)?.[1];
  if (authority === undefined) return "incomparable";
  const parts = authority.split("@");
  const host = parts.length > 2 ? undefined : hostOf(parts.at(-1)!.replace(/:\d*$/, ""));
  return host === undefined ? "incomparable" : insideIf(matchOfHost(host, base.toLowerCase()));
};

/** A constraint is a mailbox, a host, or with a dot before it a domain. The part before the @ may tell case apart. */
const matchOfEmail = (name: string, base: string): Match => {
  const at = name.lastIndexOf("@");
  const host = hostOf(name.slice(at + 1));
  if (at < 1 || host === undefined) return "incomparable";
  const baseAt = base.lastIndexOf("@");
  if (baseAt >= 0)
    return insideIf(name.slice(0, at) === base.slice(0, baseAt) && host === base.slice(baseAt + 1).toLowerCase());
  return insideIf(matchOfHost(host, base.toLowerCase()));
};

/** "In the style of RFC 4632 (CIDR)": address and mask, of the same family. */
const matchOfIp = (address: Uint8Array, base: Uint8Array): Match => {
  if (base.length !== 2 * address.length) return "outside";
  return insideIf(
    address.every((byte, i) => (byte & base[address.length + i]!) === (base[i]! & base[address.length + i]!)),
  );
};

/** The constraint's RDNs begin the name. */
const isBelow = (name: DistinguishedName, base: DistinguishedName): boolean =>
  base.rdns.length <= name.rdns.length && base.rdns.every((rdn, i) => rdn === name.rdns[i]);
