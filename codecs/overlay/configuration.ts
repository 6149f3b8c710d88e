/**
 * The configuration of an overlay: what every node of it must agree on. RFC 6940 §11.1.
 * As a value; document-read.ts and document-write.ts turn it from XML and into XML. DECISIONS.md D-036, D-115.
 * Requirements: RFC 6940 §6.3.2, §6.5.1.5.
 */

import { type DataModel, type Endpoint, kindId, type NodeId } from "../reload/mod.ts";

/** XML namespace of the document. RFC 6940 §11.1, §14.17.1. */
export const BASE_NAMESPACE = "urn:ietf:params:xml:ns:p2p:config-base";
/** XML namespace of Chord's elements in it. RFC 6940 §11.1, §14.17.2. */
export const CHORD_NAMESPACE = "urn:ietf:params:xml:ns:p2p:config-chord";
/**
 * Quota, rates, validation delay, rounding and number hash: additions of ours, docs/protocol/enrolment.md#the-document.
 */
export const VIPR_NAMESPACE = "urn:vipr:overlay:1";

/** What a `kind` element says: how values of a Kind are stored, and who may store them. RFC 6940 §11.1. */
export interface KindConfiguration {
  readonly kind: number;
  readonly model: DataModel;
  readonly accessControl: string;
  /** Values of this Kind at one resource. */
  readonly maxCount: number;
  /** Bytes of one value. */
  readonly maxSize: number;
  readonly maxNodeMultiple?: number;
  /** The whole `kind-block` as it stood, when it holds a kind-signature: not a blank of it may change. */
  readonly signedBlock?: string;
}

/**
 * How a number becomes the name that is hashed to its Resource-ID: as it is, or slowly,
 * docs/protocol/overlay.md#the-vipr-usage.
 */
export type NumberHash = "sha1" | "scrypt";

/** A `configuration` element, each child under its own name, times in the units that the names end with, `maxMessageSize` in bytes. */
export interface OverlayConfiguration {
  readonly name: string;
  readonly sequence: number;
  readonly expirationMs?: number;
  readonly topologyPlugin: string;
  readonly nodeIdLength: number;
  /** DER. */
  readonly rootCertificates: ReadonlyArray<Uint8Array>;
  readonly enrollmentServers: ReadonlyArray<string>;
  /** The digest that makes Node-IDs of keys; absent where self-signed certificates are not permitted. */
  readonly selfSigned?: "sha1" | "sha256";
  readonly bootstrapNodes: ReadonlyArray<Endpoint>;
  /** One node in so many can act as TURN server; 0 when there is none. */
  readonly turnDensity: number;
  readonly clientsPermitted: boolean;
  readonly noIce: boolean;
  readonly sharedSecret?: string;
  readonly maxMessageSize: number;
  readonly initialTtl: number;
  readonly reliabilityTimerMs: number;
  readonly linkProtocols: ReadonlyArray<string>;
  readonly chordUpdateIntervalS: number;
  readonly chordPingIntervalS: number;
  readonly chordReactive: boolean;
  /** Nodes that may sign the next document, and Kinds. */
  readonly configurationSigners: ReadonlyArray<NodeId>;
  readonly kindSigners: ReadonlyArray<NodeId>;
  readonly badNodes: ReadonlyArray<NodeId>;
  readonly mandatoryExtensions: ReadonlyArray<string>;
  readonly kinds: ReadonlyArray<KindConfiguration>;
  /** Entries one Node-ID may keep in the whole overlay. */
  readonly quota: number;
  readonly storesPerSecond: number;
  readonly fetchesPerSecond: number;
  readonly maxValidationDelayS: number;
  /** PVP's rounding interval T. */
  readonly roundIntervalS: number;
  readonly numberHash: NumberHash;
}

/** Why a document is not read. */
export interface OverlayDocumentError {
  readonly _tag: "BadOverlayDocument";
  /** The element, from the root. */
  readonly at: string;
  readonly why: string;
}
/** What reading a document gives. */
export type OverlayRead =
  | { readonly ok: true; readonly value: OverlayConfiguration }
  | { readonly ok: false; readonly error: OverlayDocumentError };

/** The defaults where a document has no such element: §11.1, and docs/protocol/enrolment.md#the-document. */
export const overlayDefaults = {
  topologyPlugin: "CHORD-RELOAD",
  nodeIdLength: 16,
  rootCertificates: [],
  enrollmentServers: [],
  bootstrapNodes: [],
  turnDensity: 1,
  clientsPermitted: true,
  noIce: false,
  maxMessageSize: 5_000,
  initialTtl: 100,
  reliabilityTimerMs: 3_000,
  linkProtocols: ["TLS"],
  chordUpdateIntervalS: 600,
  chordPingIntervalS: 3_600,
  chordReactive: true,
  configurationSigners: [],
  kindSigners: [],
  badNodes: [],
  mandatoryExtensions: [],
  kinds: [],
  quota: 10_000,
  storesPerSecond: 10,
  fetchesPerSecond: 10,
  maxValidationDelayS: 86_400,
  roundIntervalS: 10,
  numberHash: "sha1",
} as const satisfies Partial<OverlayConfiguration>;

/** docs/protocol/overlay.md#the-vipr-usage: 64 entries a number, 4 KiB each. */
export const viprRegistrationKind: KindConfiguration = {
  kind: kindId.viprRegistration,
  model: "dictionary",
  accessControl: "VIPR-MATCH",
  maxCount: 64,
  maxSize: 4_096,
};
/** CERTIFICATE_BY_NODE: certificates under the hash of their Node-ID, 4 at most, 8 KiB each. RFC 6940 §8. */
export const certificateByNodeKind: KindConfiguration = {
  kind: kindId.certificateByNode,
  model: "array",
  accessControl: "NODE-MATCH",
  maxCount: 4,
  maxSize: 8_192,
};
/** CERTIFICATE_BY_USER: as CERTIFICATE_BY_NODE, under the hash of the user's name. RFC 6940 §8. */
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

/**
 * What a node of this project cannot do that the overlay asks of its nodes, each in words for its operator. "If a node is
 * not capable of supporting the new requirements, it MUST exit the overlay", §11.1.
 */
export const unsupportedIn = (overlay: OverlayConfiguration): ReadonlyArray<string> => [
  ...overlay.mandatoryExtensions
    .filter((extension) => extension !== VIPR_NAMESPACE)
    .map((extension) => `mandatory-extension ${extension}`),
  ...(overlay.topologyPlugin === "CHORD-RELOAD" ? [] : [`topology-plugin ${overlay.topologyPlugin}`]),
  ...(overlay.nodeIdLength === 16 ? [] : [`node-id-length ${overlay.nodeIdLength}`]),
  ...(overlay.linkProtocols.includes("TLS") ? [] : [`overlay-link-protocol ${overlay.linkProtocols.join(" ")}`]),
  ...(overlay.noIce ? [] : ["no-ice false: this node has no ICE"]),
  ...(overlay.sharedSecret === undefined ? [] : ["shared-secret"]),
];

/** Why the configuration may not be acted on at that time; undefined when it may. */
export const expiryOf = ({ expirationMs }: OverlayConfiguration, nowMs: number): string | undefined =>
  expirationMs !== undefined && expirationMs <= nowMs
    ? `the configuration expired at ${new Date(expirationMs).toISOString()}`
    : undefined;

/** §6.3.2.1: "greater than or less than are interpreted by modulo arithmetic as in TCP". */
export const isLaterSequence = (one: number, other: number): boolean =>
  one !== other && (one - other + SEQUENCES) % SEQUENCES < SEQUENCES / 2;
/** The sequence after this one: 65535 is not one of them. */
export const sequenceAfter = (sequence: number): number => (sequence + 1) % SEQUENCES;
const SEQUENCES = 65_535;
