/**
 * The configuration document read: XML to a value, with the exact bytes that its signatures cover. RFC 6940 §11.1.
 *
 *   overlay --+-- configuration (one an overlay) -- ... required-kinds -- kind-block --+-- kind
 *             +-- signature, over the configuration before it                          +-- kind-signature, over the kind
 *
 * Elements of other namespaces are passed over, as are those of ours that we do not know. Errors are values.
 */
import { utf8 } from "../shared/mod.ts";
import type { Endpoint } from "./address.ts";
import { type Span, spansAt, spansOf } from "./markup.ts";
import {
  BASE_NAMESPACE,
  CHORD_NAMESPACE,
  type KindConfiguration,
  type OverlayConfiguration,
  type OverlayDocumentError,
  type OverlayRead,
  overlayDefaults,
  VIPR_NAMESPACE,
} from "./overlay.ts";
import { type DataModel, kindId, modelOfKind, reloadPort } from "./registry.ts";
import { readXml, type XmlElement } from "./xml.ts";

/** Bytes, and what stood beside them as a signature over them: a SecurityBlock each, §6.3.4. */
export interface Signed {
  readonly bytes: Uint8Array;
  readonly signatures: ReadonlyArray<Uint8Array>;
}
export interface SignedKind extends Signed {
  readonly kind: number;
}
export interface OverlayDocument extends Signed {
  readonly overlay: OverlayConfiguration;
  readonly kinds: ReadonlyArray<SignedKind>;
  /** Where its configuration element lies in the text, and where the signatures after it end. */
  readonly start: number;
  readonly end: number;
  readonly signaturesEnd: number;
}
type Read<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: OverlayDocumentError };

class Fault extends Error {
  readonly at: string;
  readonly why: string;
  constructor(at: string, why: string) {
    super(why);
    this.at = at;
    this.why = why;
  }
}
const bad = (at: string, why: string): { readonly ok: false; readonly error: OverlayDocumentError } => ({
  ok: false,
  error: { _tag: "BadOverlayDocument", at, why },
});
const attempt = <A>(under: string, read: () => A): Read<A> => {
  try {
    return { ok: true, value: read() };
  } catch (fault) {
    if (fault instanceof Fault) return bad(`${under}${fault.at}`, fault.why);
    throw fault;
  }
};

/** The configuration of the overlay named, or of the first one when no name is given. */
export const readOverlay = (text: string, name?: string): OverlayRead => {
  const read = readDocument(text, name);
  return read.ok ? { ok: true, value: read.value.overlay } : read;
};

/** The same, with what its signatures cover. */
export const readDocument = (text: string, name?: string): Read<OverlayDocument> => {
  const root = readXml(text);
  if ("error" in root) return bad("document", root.error);
  if (root.namespace !== BASE_NAMESPACE || root.name !== "overlay") return bad(root.name, "not an overlay document");
  const spans = spansOf(text);
  const parts = spans === undefined ? [] : spansAt(spans, 0, []).concat(spans.filter(({ parent }) => parent === 0));
  const [whole, ...children] = parts;
  if (whole === undefined || children.length !== root.children.length) return bad("document", "unreadable markup");
  const found = root.children.flatMap((child, i) =>
    isBase(child, "configuration") && (name === undefined || child.attributes["instance-name"] === name) ? [i] : [],
  );
  if (found.length === 0) return bad("overlay.configuration", `none for ${name ?? "any overlay"}`);
  if (name !== undefined && found.length > 1) return bad("overlay.configuration", `two for ${name}`);
  return attempt("overlay.configuration.", () => documentAt(text, root, children, whole, found[0]!));
};

/** What is read is what is signed: the element by itself, in nothing but its root's start tag. */
const documentAt = (
  text: string,
  root: XmlElement,
  children: ReadonlyArray<Span>,
  whole: Span,
  at: number,
): OverlayDocument => {
  const { start, end } = children[at]!;
  const alone = text.slice(start, end);
  const opening = text.slice(whole.start, whole.inside);
  const closing = `</${/^<([^\s/>]+)/.exec(opening)?.[1]}>`;
  const read = readXml(`${opening}${alone}${closing}`);
  if ("error" in read) throw new Fault("document", read.error);
  const element = read.children[0]!;
  const signatures: Array<Uint8Array> = [];
  let next = at + 1;
  for (; next < children.length && isBase(root.children[next]!, "signature"); next++)
    signatures.push(base64In(root.children[next]!.text, "signature"));
  const blocks = childrenOf(element, "required-kinds").flatMap((kinds) => childrenOf(kinds, "kind-block"));
  const kinds = kindsIn(alone, blocks);
  return {
    overlay: configurationOf(
      element,
      kinds.map(({ configuration }) => configuration),
    ),
    bytes: utf8(alone),
    signatures,
    kinds: kinds.map(({ signed }) => signed),
    start,
    end,
    signaturesEnd: children[next - 1]!.end,
  };
};

/** One `kind-block` as a ConfigUpdate brings it: it assumes the default namespace, §6.5.4.1. */
export const readKindBlock = (
  block: string,
): Read<{ readonly configuration: KindConfiguration; readonly signed: SignedKind }> => {
  const text = `<required-kinds xmlns="${BASE_NAMESPACE}">${block}</required-kinds>`;
  const read = readXml(text);
  if ("error" in read) return bad("kind-block", read.error);
  const blocks = childrenOf(read, "kind-block");
  if (blocks.length !== 1 || read.children.length !== 1) return bad("kind-block", "not one kind-block");
  return attempt("", () => kindsIn(`<configuration>${text}</configuration>`, blocks)[0]!);
};

const kindsIn = (alone: string, blocks: ReadonlyArray<XmlElement>) => {
  const spans = spansOf(alone) ?? [];
  const at = (...path: ReadonlyArray<string>) => spansAt(spans, 0, ["required-kinds", "kind-block", ...path]);
  const [outer, inner] = [at(), at("kind")];
  // A stranger's element of the same name would make places and elements disagree: no signature is looked for then.
  if (outer.length !== blocks.length || inner.length !== blocks.length)
    throw new Fault("kind-block", "not exactly one kind in each");
  return blocks.map((block, i) => {
    const [element] = childrenOf(block, "kind");
    if (element === undefined) throw new Fault("kind-block", "no kind");
    const signatures = childrenOf(block, "kind-signature").map(({ text }) => base64In(text, "kind-signature"));
    const { start, end } = outer[i]!;
    const configuration: KindConfiguration = {
      ...kindConfiguration(element),
      ...(signatures.length === 0 ? {} : { signedBlock: alone.slice(start, end) }),
    };
    const bytes = utf8(alone.slice(inner[i]!.start, inner[i]!.end));
    return { configuration, signed: { kind: configuration.kind, bytes, signatures } };
  });
};

const configurationOf = (element: XmlElement, kinds: ReadonlyArray<KindConfiguration>): OverlayConfiguration => {
  const base = (name: string) => childrenOf(element, name);
  const texts = (name: string) => base(name).map(({ text }) => text);
  const last = (namespace: string, name: string) => childrenOf(element, name, namespace).at(-1)?.text;
  const from = (namespace: string) => ({
    number: (name: string, otherwise: number, min: number, max: number) =>
      numberIn(last(namespace, name), name, otherwise, min, max),
    truth: (name: string, otherwise: boolean) => truthIn(last(namespace, name), name, otherwise),
  });
  const [{ number, truth }, chord, vipr] = [from(BASE_NAMESPACE), from(CHORD_NAMESPACE), from(VIPR_NAMESPACE)];
  const { expiration, sequence } = element.attributes;
  const name = element.attributes["instance-name"];
  if (name === undefined || !/^[A-Za-z0-9.-]{1,255}$/.test(name)) throw new Fault("instance-name", "not a DNS name");
  const selfSigned = selfSignedOf(base("self-signed-permitted").at(-1));
  const sharedSecret = texts("shared-secret").at(-1);
  const links = texts("overlay-link-protocol");
  const d = overlayDefaults;
  return {
    name,
    sequence: numberIn(sequence, "sequence", 0, 0, 65_534),
    ...(expiration === undefined ? {} : { expirationMs: timeIn(expiration) }),
    topologyPlugin: texts("topology-plugin").at(-1) ?? d.topologyPlugin,
    nodeIdLength: number("node-id-length", d.nodeIdLength, 16, 20),
    rootCertificates: texts("root-cert").map((text) => base64In(text, "root-cert")),
    enrollmentServers: texts("enrollment-server"),
    ...(selfSigned === undefined ? {} : { selfSigned }),
    bootstrapNodes: base("bootstrap-node").map(bootstrapOf),
    turnDensity: number("turn-density", d.turnDensity, 0, 255),
    clientsPermitted: truth("clients-permitted", d.clientsPermitted),
    noIce: truth("no-ice", d.noIce),
    ...(sharedSecret === undefined ? {} : { sharedSecret }),
    maxMessageSize: number("max-message-size", d.maxMessageSize, 512, 0xff_ffff),
    initialTtl: number("initial-ttl", d.initialTtl, 1, 255),
    reliabilityTimerMs: number("overlay-reliability-timer", d.reliabilityTimerMs, 200, 600_000),
    linkProtocols: links.length === 0 ? d.linkProtocols : links,
    chordUpdateIntervalS: chord.number("chord-update-interval", d.chordUpdateIntervalS, 1, 86_400),
    chordPingIntervalS: chord.number("chord-ping-interval", d.chordPingIntervalS, 1, 86_400),
    chordReactive: chord.truth("chord-reactive", d.chordReactive),
    configurationSigners: texts("configuration-signer").map((text) => nodeIdIn(text, "configuration-signer")),
    kindSigners: texts("kind-signer").map((text) => nodeIdIn(text, "kind-signer")),
    badNodes: texts("bad-node").map((text) => nodeIdIn(text, "bad-node")),
    mandatoryExtensions: texts("mandatory-extension"),
    kinds,
    quota: vipr.number("quota", d.quota, 1, 100_000_000),
    storesPerSecond: vipr.number("stores-per-second", d.storesPerSecond, 1, 1_000_000),
    fetchesPerSecond: vipr.number("fetches-per-second", d.fetchesPerSecond, 1, 1_000_000),
    maxValidationDelayS: vipr.number("max-validation-delay", d.maxValidationDelayS, 0, 604_800),
    roundIntervalS: vipr.number("round-interval", d.roundIntervalS, 1, 3_600),
    numberHash: numberHashIn(last(VIPR_NAMESPACE, "number-hash")),
  };
};

const childrenOf = (element: XmlElement, name: string, namespace = BASE_NAMESPACE): ReadonlyArray<XmlElement> =>
  element.children.filter((child) => child.namespace === namespace && child.name === name);
const isBase = ({ namespace, name }: XmlElement, expected: string): boolean =>
  namespace === BASE_NAMESPACE && name === expected;

const bootstrapOf = ({ attributes }: XmlElement): Endpoint => {
  const host = attributes.address;
  if (host === undefined || host === "") throw new Fault("bootstrap-node", "no address");
  return { host, port: numberIn(attributes.port, "bootstrap-node.port", reloadPort, 1, 65_535) };
};

const selfSignedOf = (element: XmlElement | undefined): "sha1" | "sha256" | undefined => {
  if (element === undefined || !truthIn(element.text, "self-signed-permitted", false)) return undefined;
  const { digest } = element.attributes;
  return digest === "sha1" || digest === "sha256" ? digest : fail("self-signed-permitted.digest", digest ?? "missing");
};

const numberHashIn = (text: string | undefined): OverlayConfiguration["numberHash"] =>
  text === undefined
    ? overlayDefaults.numberHash
    : text === "sha1" || text === "scrypt"
      ? text
      : fail("number-hash", `neither sha1 nor scrypt: ${text.slice(0, 20)}`);

const kindConfiguration = (element: XmlElement): KindConfiguration => {
  const field = (name: string) => childrenOf(element, name).at(-1)?.text;
  const kind = kindOf(element.attributes);
  const model = modelNames.get(field("data-model") ?? "");
  if (model === undefined) throw new Fault("kind.data-model", `${field("data-model") ?? "missing"}`);
  //# "the data-model and access-control elements MUST match those in the Kind registration, and clients MUST ignore them in favor of the IANA versions" (RFC 6940 §11.1)
  const known = modelOfKind(kind);
  const multiple = field("max-node-multiple");
  return {
    kind,
    model: known ?? model,
    accessControl: field("access-control") ?? fail("kind.access-control", "missing"),
    maxCount: numberIn(field("max-count"), "kind.max-count", undefined, 1, 1_000_000),
    maxSize: numberIn(field("max-size"), "kind.max-size", undefined, 0, 0xff_ffff),
    ...(multiple === undefined
      ? {}
      : { maxNodeMultiple: numberIn(multiple, "kind.max-node-multiple", undefined, 1, 1_000) }),
  };
};

// Maps, as they are asked with a document's text: objects would also answer to `constructor`.
const modelNames: ReadonlyMap<string, DataModel> = new Map([
  ["SINGLE", "single"],
  ["ARRAY", "array"],
  ["DICTIONARY", "dictionary"],
]);
export const kindNames: ReadonlyMap<string, number> = new Map([
  ["SIP-REGISTRATION", 0x1], // RFC 7904
  ["TURN-SERVICE", kindId.turnService],
  ["CERTIFICATE_BY_NODE", kindId.certificateByNode],
  ["CERTIFICATE_BY_USER", kindId.certificateByUser],
  ["VIPR-REGISTRATION", kindId.viprRegistration],
]);

const kindOf = ({ id, name }: Readonly<Record<string, string>>): number =>
  id !== undefined
    ? numberIn(id, "kind.id", undefined, 1, 0xffff_fffe)
    : (kindNames.get(name ?? "") ?? fail("kind.name", `no Kind of the name ${name ?? "(none)"}`));

const fail = (at: string, why: string): never => {
  throw new Fault(at, why);
};

const numberIn = (
  text: string | undefined,
  at: string,
  otherwise: number | undefined,
  min: number,
  max: number,
): number => {
  if (text === undefined || text === "") return otherwise ?? fail(at, "missing");
  const value = Number(text);
  return /^-?[0-9]+$/.test(text) && value >= min && value <= max
    ? value
    : fail(at, `${text.slice(0, 20)} outside ${min}..${max}`);
};

const truthIn = (text: string | undefined, at: string, otherwise: boolean): boolean => {
  if (text === undefined) return otherwise;
  return text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : fail(at, "not a boolean");
};

/** RFC 3339 in UTC. */
const timeIn = (text: string): number => {
  const ms = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(ms) ? fail("expiration", "not a time in UTC") : ms;
};

const nodeIdIn = (text: string, at: string): bigint =>
  /^[0-9a-fA-F]{1,32}$/.test(text) ? BigInt(`0x${text}`) : fail(at, "not a Node-ID");

const base64In = (text: string, at: string): Uint8Array => {
  const bare = text.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(bare) || bare.length % 4 !== 0) return fail(at, "not base64");
  return Uint8Array.from(atob(bare), (char) => char.charCodeAt(0));
};
