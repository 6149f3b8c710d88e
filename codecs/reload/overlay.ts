/**
 * The overlay configuration document: what every node of an overlay must agree on. RFC 6940 §11.1.
 * Read from XML and written to it; what this project adds stands in a namespace of its own. Errors are values.
 */
import type { Endpoint } from "./address.ts";
import { type DataModel, kindId, modelOfKind, reloadPort } from "./registry.ts";
import { readXml, writeXml, type XmlElement, type XmlToWrite } from "./xml.ts";

export const BASE_NAMESPACE = "urn:ietf:params:xml:ns:p2p:config-base";
export const CHORD_NAMESPACE = "urn:ietf:params:xml:ns:p2p:config-chord";
/** Quota, rates, validation delay and rounding: the profile's additions. */
export const VIPR_NAMESPACE = "urn:vipr:overlay:1";

export interface KindConfiguration {
  readonly kind: number;
  readonly model: DataModel;
  readonly accessControl: string;
  /** Values of this Kind at one resource. */
  readonly maxCount: number;
  /** Bytes of one value. */
  readonly maxSize: number;
  readonly maxNodeMultiple?: number;
}

export interface OverlayConfiguration {
  readonly name: string;
  readonly sequence: number;
  readonly expirationMs?: number;
  readonly topologyPlugin: string;
  readonly nodeIdLength: number;
  /** DER. */
  readonly rootCertificates: ReadonlyArray<Uint8Array>;
  readonly enrollmentServers: ReadonlyArray<string>;
  readonly bootstrapNodes: ReadonlyArray<Endpoint>;
  readonly noIce: boolean;
  readonly maxMessageSize: number;
  readonly initialTtl: number;
  readonly reliabilityTimerMs: number;
  readonly chordUpdateIntervalS: number;
  readonly chordPingIntervalS: number;
  readonly chordReactive: boolean;
  readonly badNodes: ReadonlyArray<bigint>;
  readonly mandatoryExtensions: ReadonlyArray<string>;
  readonly kinds: ReadonlyArray<KindConfiguration>;
  /** Entries one Node-ID may keep in the whole overlay. */
  readonly quota: number;
  readonly storesPerSecond: number;
  readonly fetchesPerSecond: number;
  readonly maxValidationDelayS: number;
  /** PVP's rounding interval T. */
  readonly roundIntervalS: number;
}

export interface OverlayDocumentError {
  readonly _tag: "BadOverlayDocument";
  /** The element, from the root. */
  readonly at: string;
  readonly why: string;
}
export type OverlayRead =
  | { readonly ok: true; readonly value: OverlayConfiguration }
  | { readonly ok: false; readonly error: OverlayDocumentError };

/** What a document that says nothing means: §11.1, and the profile §1 and §2. */
export const overlayDefaults = {
  topologyPlugin: "CHORD-RELOAD",
  nodeIdLength: 16,
  rootCertificates: [],
  enrollmentServers: [],
  bootstrapNodes: [],
  noIce: false,
  maxMessageSize: 5_000,
  initialTtl: 100,
  reliabilityTimerMs: 3_000,
  chordUpdateIntervalS: 600,
  chordPingIntervalS: 3_600,
  chordReactive: true,
  badNodes: [],
  mandatoryExtensions: [],
  kinds: [],
  quota: 10_000,
  storesPerSecond: 10,
  fetchesPerSecond: 10,
  maxValidationDelayS: 86_400,
  roundIntervalS: 10,
} as const satisfies Partial<OverlayConfiguration>;

/** The profile §1: 64 entries a number, 4 KiB each. */
export const viprRegistrationKind: KindConfiguration = {
  kind: kindId.viprRegistration,
  model: "dictionary",
  accessControl: "VIPR-MATCH",
  maxCount: 64,
  maxSize: 4_096,
};
export const certificateByNodeKind: KindConfiguration = {
  kind: kindId.certificateByNode,
  model: "array",
  accessControl: "NODE-MATCH",
  maxCount: 4,
  maxSize: 8_192,
};
export const certificateByUserKind: KindConfiguration = {
  ...certificateByNodeKind,
  kind: kindId.certificateByUser,
  accessControl: "USER-MATCH",
};

/** An overlay as this project runs them: room for 64 entries and their certificates in one answer. */
export const viprOverlay = (
  given: Pick<OverlayConfiguration, "name" | "sequence"> & Partial<OverlayConfiguration>,
): OverlayConfiguration => ({
  ...overlayDefaults,
  noIce: true,
  maxMessageSize: 131_072,
  mandatoryExtensions: [VIPR_NAMESPACE],
  kinds: [viprRegistrationKind, certificateByNodeKind, certificateByUserKind],
  ...given,
});

class Fault extends Error {
  readonly at: string;
  readonly why: string;
  constructor(at: string, why: string) {
    super(why);
    this.at = at;
    this.why = why;
  }
}

/** The configuration of the overlay named, or of the first one when no name is given. */
export const readOverlay = (text: string, name?: string): OverlayRead => {
  const bad = (at: string, why: string): OverlayRead => ({ ok: false, error: { _tag: "BadOverlayDocument", at, why } });
  const root = readXml(text);
  if ("error" in root) return bad("document", root.error);
  if (root.namespace !== BASE_NAMESPACE || root.name !== "overlay") return bad(root.name, "not an overlay document");
  const found = childrenOf(root, BASE_NAMESPACE, "configuration").find(
    ({ attributes }) => name === undefined || attributes["instance-name"] === name,
  );
  if (found === undefined) return bad("overlay.configuration", `none for ${name ?? "any overlay"}`);
  try {
    return { ok: true, value: configurationOf(found) };
  } catch (fault) {
    if (fault instanceof Fault) return bad(`overlay.configuration.${fault.at}`, fault.why);
    throw fault;
  }
};

const configurationOf = (element: XmlElement): OverlayConfiguration => {
  const base = (name: string) => childrenOf(element, BASE_NAMESPACE, name);
  const number = (namespace: string, name: string, otherwise: number, min: number, max: number) =>
    numberIn(last(childrenOf(element, namespace, name))?.text, name, otherwise, min, max);
  const truth = (namespace: string, name: string, otherwise: boolean) =>
    truthIn(last(childrenOf(element, namespace, name))?.text, name, otherwise);
  const name = element.attributes["instance-name"];
  if (name === undefined || !/^[A-Za-z0-9.-]{1,255}$/.test(name)) throw new Fault("instance-name", "not a DNS name");
  const expiration = element.attributes.expiration;
  return {
    name,
    sequence: numberIn(element.attributes.sequence, "sequence", 0, 0, 65_534),
    ...(expiration === undefined ? {} : { expirationMs: timeIn(expiration) }),
    topologyPlugin: last(base("topology-plugin"))?.text ?? overlayDefaults.topologyPlugin,
    nodeIdLength: number(BASE_NAMESPACE, "node-id-length", 16, 16, 20),
    rootCertificates: base("root-cert").map(({ text }) => base64In(text, "root-cert")),
    enrollmentServers: base("enrollment-server").map(({ text }) => text),
    bootstrapNodes: base("bootstrap-node").map(bootstrapOf),
    noIce: truth(BASE_NAMESPACE, "no-ice", overlayDefaults.noIce),
    maxMessageSize: number(BASE_NAMESPACE, "max-message-size", overlayDefaults.maxMessageSize, 512, 0xff_ffff),
    initialTtl: number(BASE_NAMESPACE, "initial-ttl", overlayDefaults.initialTtl, 1, 255),
    reliabilityTimerMs: number(
      BASE_NAMESPACE,
      "overlay-reliability-timer",
      overlayDefaults.reliabilityTimerMs,
      200,
      600_000,
    ),
    chordUpdateIntervalS: number(
      CHORD_NAMESPACE,
      "chord-update-interval",
      overlayDefaults.chordUpdateIntervalS,
      1,
      86_400,
    ),
    chordPingIntervalS: number(CHORD_NAMESPACE, "chord-ping-interval", overlayDefaults.chordPingIntervalS, 1, 86_400),
    chordReactive: truth(CHORD_NAMESPACE, "chord-reactive", overlayDefaults.chordReactive),
    badNodes: base("bad-node").map(({ text }) => nodeIdIn(text, "bad-node")),
    mandatoryExtensions: base("mandatory-extension").map(({ text }) => text),
    kinds: base("required-kinds").flatMap(kindsOf),
    quota: number(VIPR_NAMESPACE, "quota", overlayDefaults.quota, 1, 100_000_000),
    storesPerSecond: number(VIPR_NAMESPACE, "stores-per-second", overlayDefaults.storesPerSecond, 1, 1_000_000),
    fetchesPerSecond: number(VIPR_NAMESPACE, "fetches-per-second", overlayDefaults.fetchesPerSecond, 1, 1_000_000),
    maxValidationDelayS: number(
      VIPR_NAMESPACE,
      "max-validation-delay",
      overlayDefaults.maxValidationDelayS,
      0,
      604_800,
    ),
    roundIntervalS: number(VIPR_NAMESPACE, "round-interval", overlayDefaults.roundIntervalS, 1, 3_600),
  };
};

const childrenOf = (element: XmlElement, namespace: string, name: string): ReadonlyArray<XmlElement> =>
  element.children.filter((child) => child.namespace === namespace && child.name === name);

const last = <A>(items: ReadonlyArray<A>): A | undefined => items[items.length - 1];

const bootstrapOf = ({ attributes }: XmlElement): Endpoint => {
  const host = attributes.address;
  if (host === undefined || host === "") throw new Fault("bootstrap-node", "no address");
  return { host, port: numberIn(attributes.port, "bootstrap-node.port", reloadPort, 1, 65_535) };
};

const kindsOf = (required: XmlElement): ReadonlyArray<KindConfiguration> =>
  childrenOf(required, BASE_NAMESPACE, "kind-block")
    .flatMap((block) => childrenOf(block, BASE_NAMESPACE, "kind"))
    .map((element) => {
      const field = (name: string) => last(childrenOf(element, BASE_NAMESPACE, name))?.text;
      const kind = kindOf(element.attributes);
      const model = modelNames[field("data-model") ?? ""];
      if (model === undefined) throw new Fault("kind.data-model", `${field("data-model") ?? "missing"}`);
      // "clients MUST ignore them in favor of the IANA versions", §11.1: so it is with ours.
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
    });

const modelNames: Record<string, DataModel> = { SINGLE: "single", ARRAY: "array", DICTIONARY: "dictionary" };
const kindNames: Record<string, number> = {
  "TURN-SERVICE": kindId.turnService,
  CERTIFICATE_BY_NODE: kindId.certificateByNode,
  CERTIFICATE_BY_USER: kindId.certificateByUser,
  "VIPR-REGISTRATION": kindId.viprRegistration,
};

const kindOf = ({ id, name }: Readonly<Record<string, string>>): number =>
  id !== undefined
    ? numberIn(id, "kind.id", undefined, 1, 0xffff_fffe)
    : (kindNames[name ?? ""] ?? fail("kind.name", `no Kind of the name ${name ?? "(none)"}`));

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

/** The document of one overlay, unsigned. Elements that say what their absence says are written all the same. */
export const writeOverlay = (overlay: OverlayConfiguration): string => {
  const one = (name: string, contents: string | number | boolean): XmlToWrite => ({ name, contents: String(contents) });
  return writeXml({
    name: "overlay",
    attributes: { xmlns: BASE_NAMESPACE, "xmlns:chord": CHORD_NAMESPACE, "xmlns:vipr": VIPR_NAMESPACE },
    contents: [
      {
        name: "configuration",
        attributes: {
          "instance-name": overlay.name,
          sequence: String(overlay.sequence),
          ...(overlay.expirationMs === undefined ? {} : { expiration: new Date(overlay.expirationMs).toISOString() }),
        },
        contents: [
          one("topology-plugin", overlay.topologyPlugin),
          one("node-id-length", overlay.nodeIdLength),
          ...overlay.rootCertificates.map((der) => one("root-cert", btoa(String.fromCharCode(...der)))),
          ...overlay.enrollmentServers.map((url) => one("enrollment-server", url)),
          ...overlay.bootstrapNodes.map(({ host, port }) => ({
            name: "bootstrap-node",
            attributes: { address: host, port: String(port) },
          })),
          one("no-ice", overlay.noIce),
          one("chord:chord-update-interval", overlay.chordUpdateIntervalS),
          one("chord:chord-ping-interval", overlay.chordPingIntervalS),
          one("chord:chord-reactive", overlay.chordReactive),
          one("max-message-size", overlay.maxMessageSize),
          one("initial-ttl", overlay.initialTtl),
          one("overlay-reliability-timer", overlay.reliabilityTimerMs),
          ...overlay.badNodes.map((id) => one("bad-node", id.toString(16).padStart(32, "0"))),
          ...overlay.mandatoryExtensions.map((urn) => one("mandatory-extension", urn)),
          one("vipr:quota", overlay.quota),
          one("vipr:stores-per-second", overlay.storesPerSecond),
          one("vipr:fetches-per-second", overlay.fetchesPerSecond),
          one("vipr:max-validation-delay", overlay.maxValidationDelayS),
          one("vipr:round-interval", overlay.roundIntervalS),
          { name: "required-kinds", contents: overlay.kinds.map(kindBlock) },
        ],
      },
    ],
  });
};

const kindBlock = (kind: KindConfiguration): XmlToWrite => {
  const name = Object.entries(kindNames).find(([, id]) => id === kind.kind && id < 0xf0000001)?.[0];
  const one = (name: string, contents: string | number): XmlToWrite => ({ name, contents: String(contents) });
  return {
    name: "kind-block",
    contents: [
      {
        name: "kind",
        attributes: name === undefined ? { id: String(kind.kind) } : { name },
        contents: [
          one("data-model", kind.model.toUpperCase()),
          one("access-control", kind.accessControl),
          one("max-count", kind.maxCount),
          one("max-size", kind.maxSize),
          ...(kind.maxNodeMultiple === undefined ? [] : [one("max-node-multiple", kind.maxNodeMultiple)]),
        ],
      },
    ],
  };
};
