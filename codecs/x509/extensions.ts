/** The extensions that the path rules ask for. RFC 5280 §4.2.1. What is not among them is kept by its criticality alone. */
import {
  booleanOf,
  type Cursor,
  constructed,
  type DerElement,
  DerFault,
  namedBitsOf,
  oidOf,
  primitive,
  smallOf,
  tag,
} from "./der.ts";
import { type GeneralName, generalNameOf } from "./names.ts";

/** Of one certificate; with more it is malformed. */
export const EXTENSIONS_MAX = 32;
/** Names of one subjectAltName: a node may have many Node-IDs. */
export const NAMES_MAX = 512;
/** Subtrees of one nameConstraints. */
export const SUBTREES_MAX = 256;
const POLICIES_MAX = 64;
const USAGES_MAX = 32;

/** Bits of keyUsage, §4.2.1.3. */
export const keyUsage = { digitalSignature: 1 << 0, keyCertSign: 1 << 5 } as const;
/** KeyPurposeIds, §4.2.1.12. */
export const keyPurpose = { serverAuth: "2b06010505070301", clientAuth: "2b06010505070302" } as const;
/** The policy anyPolicy, 2.5.29.32.0, in hexadecimal. RFC 5280 §4.2.1.4. */
export const ANY_POLICY = "551d2000";

export interface BasicConstraints {
  readonly isAuthority: boolean;
  /** Of an authority: issuers that may stand below it, self-issued ones not counted. */
  readonly pathLength?: number;
}
/** Subtrees in which the names below an authority must lie, and must not. RFC 5280 §4.2.1.10. */
export interface NameConstraints {
  readonly permitted: ReadonlyArray<GeneralName>;
  readonly excluded: ReadonlyArray<GeneralName>;
}
export interface PolicyConstraints {
  /** Certificates that may still follow without a policy, or with mapped ones. */
  readonly requireExplicitPolicy?: number;
}
export interface AuthorityKeyIdentifier {
  readonly keyIdentifier?: Uint8Array;
  /** Of the issuer's own certificate. */
  readonly serial?: Uint8Array;
}

/** What of them was there, each at most once. */
export interface Extensions {
  readonly basicConstraints?: BasicConstraints;
  /** A mask of `keyUsage`. */
  readonly keyUsage?: number;
  /** Of `keyPurpose` and others. */
  readonly keyPurposes?: ReadonlyArray<string>;
  readonly altNames?: { readonly names: ReadonlyArray<GeneralName>; readonly isCritical: boolean };
  readonly nameConstraints?: NameConstraints;
  /** Object identifiers in hexadecimal. */
  readonly policies?: ReadonlyArray<string>;
  readonly policyConstraints?: PolicyConstraints;
  readonly inhibitAnyPolicy?: number;
  /** There is a policyMappings, which is not processed. */
  readonly hasPolicyMappings?: boolean;
  readonly authorityKey?: AuthorityKeyIdentifier;
  readonly subjectKey?: Uint8Array;
  /** Critical ones that are not processed here. */
  readonly unknownCritical: ReadonlyArray<string>;
}
type Mutable = { -readonly [K in keyof Extensions]: Extensions[K] };

const SEEN_TWICE = "stands twice";
/** Whether a fault of reading is a repeated extension, which has a reason of its own. */
export const isRepetition = ({ why }: DerFault): boolean => why === SEEN_TWICE;

/**
 * Extensions ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
 * "A certificate MUST NOT include more than one instance of a particular extension", §4.2.
 */
export const extensionsOf = (list: Cursor, at: string): Extensions => {
  const out: Mutable = { unknownCritical: [] };
  const seen = new Set<string>();
  if (list.isAtEnd) throw new DerFault(at, "an empty list");
  while (!list.isAtEnd) {
    if (seen.size >= EXTENSIONS_MAX) throw new DerFault(at, `over ${EXTENSIONS_MAX} extensions`);
    const fields = list.enter(tag.sequence, at);
    const id = oidOf(fields.take(tag.oid, at), at);
    const path = `${at}.${NAMES[id] ?? id}`;
    if (seen.has(id)) throw new DerFault(path, SEEN_TWICE);
    seen.add(id);
    const critical = fields.optional(tag.boolean, path);
    if (critical !== undefined && !booleanOf(critical, path)) throw new DerFault(path, "a default that is written");
    const value = fields.inside(fields.take(tag.octetString, path));
    fields.end(path);
    const isCritical = critical !== undefined;
    const read = READERS[id];
    if (read !== undefined) {
      read(value, path, out, isCritical);
      value.end(path);
    }
    if (isCritical && !PROCESSED.has(id)) out.unknownCritical = [...out.unknownCritical, id];
  }
  return out;
};

const NAMES: Readonly<Record<string, string>> = {
  "551d0e": "subjectKeyIdentifier",
  "551d0f": "keyUsage",
  "551d11": "subjectAltName",
  "551d13": "basicConstraints",
  "551d1e": "nameConstraints",
  "551d20": "certificatePolicies",
  "551d21": "policyMappings",
  "551d23": "authorityKeyIdentifier",
  "551d24": "policyConstraints",
  "551d25": "extKeyUsage",
  "551d36": "inhibitAnyPolicy",
};
/** Those whose rules machines/x509 carries out, so that they may be critical. */
const PROCESSED = new Set(["551d0f", "551d11", "551d13", "551d1e", "551d20", "551d24", "551d25", "551d36"]);

/** SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }, §4.2.1.9 */
const basicConstraintsOf = (value: Cursor, at: string): BasicConstraints => {
  const fields = value.enter(tag.sequence, at);
  const ca = fields.optional(tag.boolean, at);
  if (ca !== undefined && !booleanOf(ca, at)) throw new DerFault(at, "a default that is written");
  const length = fields.optional(tag.integer, at);
  fields.end(at);
  if (length !== undefined && ca === undefined) throw new DerFault(at, "a path length without cA");
  return { isAuthority: ca !== undefined, ...(length === undefined ? {} : { pathLength: smallOf(length, at) }) };
};

/** SEQUENCE SIZE (1..MAX) OF something, at most so many. */
const listOf = <A>(value: Cursor, max: number, at: string, one: (fields: Cursor) => A): ReadonlyArray<A> => {
  const out: Array<A> = [];
  if (value.isAtEnd) throw new DerFault(at, "an empty list");
  while (!value.isAtEnd) {
    if (out.length >= max) throw new DerFault(at, `over ${max} of them`);
    out.push(one(value));
  }
  return out;
};

/** Each GeneralSubtree is a SEQUENCE { base, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }; "minimum MUST be zero, and maximum MUST be absent", §4.2.1.10. */
const subtreesOf = (value: Cursor | undefined, at: string): ReadonlyArray<GeneralName> =>
  value === undefined
    ? []
    : listOf(value, SUBTREES_MAX, at, (list) => {
        const fields = list.enter(tag.sequence, at);
        const base = generalNameOf(fields, at);
        fields.end(at);
        if (base.type === "ip" && base.value.length !== 8 && base.value.length !== 32)
          throw new DerFault(at, "no address with its mask");
        return base;
      });

const nameConstraintsOf = (value: Cursor, at: string): NameConstraints => {
  const fields = value.enter(tag.sequence, at);
  const [permitted, excluded] = [0, 1].map((n) => {
    const subtrees = fields.optional(constructed(n), at);
    return subtrees === undefined ? undefined : fields.inside(subtrees);
  });
  if (permitted === undefined && excluded === undefined) throw new DerFault(at, "no constraint");
  fields.end(at);
  return { permitted: subtreesOf(permitted, at), excluded: subtreesOf(excluded, at) };
};

/** SEQUENCE { requireExplicitPolicy [0], inhibitPolicyMapping [1] }, not both absent, §4.2.1.11. */
const policyConstraintsOf = (value: Cursor, at: string): PolicyConstraints => {
  const fields = value.enter(tag.sequence, at);
  if (fields.isAtEnd) throw new DerFault(at, "no constraint");
  const explicit = fields.optional(primitive(0), at);
  const mapping = fields.optional(primitive(1), at);
  fields.end(at);
  if (mapping !== undefined) smallOf(mapping, at); // nothing is mapped here, so that nothing need be inhibited
  return explicit === undefined ? {} : { requireExplicitPolicy: smallOf(explicit, at) };
};

/** SEQUENCE OF SEQUENCE { policyIdentifier, qualifiers OPTIONAL }; no identifier twice, §4.2.1.4. */
const policiesOf = (value: Cursor, at: string): ReadonlyArray<string> => {
  const found = listOf(value.enter(tag.sequence, at), POLICIES_MAX, at, (list) => {
    const fields = list.enter(tag.sequence, at);
    const id = oidOf(fields.take(tag.oid, at), at);
    fields.optional(tag.sequence, at);
    fields.end(at);
    return id;
  });
  if (new Set(found).size !== found.length) throw new DerFault(at, "a policy that stands twice");
  return found;
};

/** SEQUENCE { keyIdentifier [0], authorityCertIssuer [1], authorityCertSerialNumber [2] }, all OPTIONAL, §4.2.1.1. */
const authorityKeyOf = (value: Cursor, at: string): AuthorityKeyIdentifier => {
  const fields = value.enter(tag.sequence, at);
  const key = fields.optional(primitive(0), at);
  fields.optional(constructed(1), at);
  const serial = fields.optional(primitive(2), at);
  fields.end(at);
  return {
    ...(key === undefined ? {} : { keyIdentifier: key.contents }),
    ...(serial === undefined ? {} : { serial: serial.contents }),
  };
};

const oneOf = (value: Cursor, expected: number, at: string): DerElement => value.take(expected, at);

const READERS: Readonly<Record<string, (value: Cursor, at: string, out: Mutable, isCritical: boolean) => void>> = {
  "551d0e": (value, at, out) => {
    out.subjectKey = oneOf(value, tag.octetString, at).contents;
  },
  "551d0f": (value, at, out) => {
    out.keyUsage = namedBitsOf(oneOf(value, tag.bitString, at), at);
  },
  "551d11": (value, at, out, isCritical) => {
    const names = listOf(value.enter(tag.sequence, at), NAMES_MAX, at, (list) => generalNameOf(list, at));
    if (names.some((name) => name.type === "ip" && name.value.length !== 4 && name.value.length !== 16))
      throw new DerFault(at, "no IP address");
    out.altNames = { names, isCritical };
  },
  "551d13": (value, at, out) => {
    out.basicConstraints = basicConstraintsOf(value, at);
  },
  "551d1e": (value, at, out) => {
    out.nameConstraints = nameConstraintsOf(value, at);
  },
  "551d20": (value, at, out) => {
    out.policies = policiesOf(value, at);
  },
  "551d21": (value, at, out) => {
    oneOf(value, tag.sequence, at);
    out.hasPolicyMappings = true;
  },
  "551d23": (value, at, out) => {
    out.authorityKey = authorityKeyOf(value, at);
  },
  "551d24": (value, at, out) => {
    out.policyConstraints = policyConstraintsOf(value, at);
  },
  "551d25": (value, at, out) => {
    out.keyPurposes = listOf(value.enter(tag.sequence, at), USAGES_MAX, at, (list) =>
      oidOf(list.take(tag.oid, at), at),
    );
  },
  "551d36": (value, at, out) => {
    out.inhibitAnyPolicy = smallOf(oneOf(value, tag.integer, at), at);
  },
};
