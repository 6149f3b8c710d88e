/**
 * The configuration element read into an `OverlayConfiguration`, one reader for each group of its elements. RFC 6940 §11.1.
 *
 * Elements of other namespaces are passed over, as are those of ours that we do not know.
 * Requirements: RFC 6940 §6.3.2, §7.3.
 */
import { type DataModel, type Endpoint, kindId, modelOfKind, reloadPort } from "../reload/mod.ts";
import {
  BASE_NAMESPACE,
  CHORD_NAMESPACE,
  type KindConfiguration,
  type OverlayConfiguration,
  overlayDefaults,
  VIPR_NAMESPACE,
} from "./configuration.ts";
import { base64In, Fault, fail, nodeIdIn, numberIn, timeIn, truthIn } from "./fields.ts";
import type { XmlElement } from "./xml.ts";

export const configurationOf = (element: XmlElement, kinds: ReadonlyArray<KindConfiguration>): OverlayConfiguration => {
  const base = fieldsOf(element, BASE_NAMESPACE);
  return {
    ...nameOf(element),
    ...topologyOf(base),
    ...enrolmentOf(base),
    ...membersOf(base),
    ...messagingOf(base),
    ...chordOf(fieldsOf(element, CHORD_NAMESPACE)),
    ...signersOf(base),
    mandatoryExtensions: base.texts("mandatory-extension"),
    kinds,
    ...viprOf(fieldsOf(element, VIPR_NAMESPACE)),
  };
};

/** The children of one namespace, by name. Where one value is asked for and several are given, the last counts. */
const fieldsOf = (element: XmlElement, namespace: string) => {
  const all = (name: string) => childrenOf(element, name, namespace);
  const texts = (name: string) => all(name).map(({ text }) => text);
  const last = (name: string) => texts(name).at(-1);
  return {
    all,
    texts,
    last,
    number: (name: string, otherwise: number, min: number, max: number) =>
      numberIn(last(name), name, otherwise, min, max),
    truth: (name: string, otherwise: boolean) => truthIn(last(name), name, otherwise),
    nodeIds: (name: string) => texts(name).map((text) => nodeIdIn(text, name)),
  };
};
type Fields = ReturnType<typeof fieldsOf>;
/** The part of the configuration that one group of elements describes. */
type Part<K extends keyof OverlayConfiguration> = Pick<OverlayConfiguration, K>;

const nameOf = ({ attributes }: XmlElement): Part<"name" | "sequence" | "expirationMs"> => {
  const { expiration, sequence, "instance-name": name } = attributes;
  if (name === undefined || !/^[A-Za-z0-9.-]{1,255}$/.test(name)) throw new Fault("instance-name", "not a DNS name");
  return {
    name,
    sequence: numberIn(sequence, "sequence", 0, 0, 65_534),
    ...(expiration === undefined ? {} : { expirationMs: timeIn(expiration) }),
  };
};

const topologyOf = ({ last, number }: Fields): Part<"topologyPlugin" | "nodeIdLength"> => ({
  topologyPlugin: last("topology-plugin") ?? overlayDefaults.topologyPlugin,
  nodeIdLength: number("node-id-length", overlayDefaults.nodeIdLength, 16, 20),
});

const enrolmentOf = ({ all, texts }: Fields): Part<"rootCertificates" | "enrollmentServers" | "selfSigned"> => {
  const selfSigned = selfSignedOf(all("self-signed-permitted").at(-1));
  return {
    rootCertificates: texts("root-cert").map((text) => base64In(text, "root-cert")),
    enrollmentServers: texts("enrollment-server"),
    ...(selfSigned === undefined ? {} : { selfSigned }),
  };
};

const membersOf = ({
  all,
  last,
  number,
  truth,
}: Fields): Part<"bootstrapNodes" | "turnDensity" | "clientsPermitted" | "noIce" | "sharedSecret"> => {
  const sharedSecret = last("shared-secret");
  return {
    bootstrapNodes: all("bootstrap-node").map(bootstrapOf),
    turnDensity: number("turn-density", overlayDefaults.turnDensity, 0, 255),
    clientsPermitted: truth("clients-permitted", overlayDefaults.clientsPermitted),
    noIce: truth("no-ice", overlayDefaults.noIce),
    ...(sharedSecret === undefined ? {} : { sharedSecret }),
  };
};

const messagingOf = ({
  texts,
  number,
}: Fields): Part<"maxMessageSize" | "initialTtl" | "reliabilityTimerMs" | "linkProtocols"> => {
  const linkProtocols = texts("overlay-link-protocol");
  return {
    maxMessageSize: number("max-message-size", overlayDefaults.maxMessageSize, 512, 0xff_ffff),
    initialTtl: number("initial-ttl", overlayDefaults.initialTtl, 1, 255),
    reliabilityTimerMs: number("overlay-reliability-timer", overlayDefaults.reliabilityTimerMs, 200, 600_000),
    linkProtocols: linkProtocols.length === 0 ? overlayDefaults.linkProtocols : linkProtocols,
  };
};

const chordOf = ({ number, truth }: Fields): Part<"chordUpdateIntervalS" | "chordPingIntervalS" | "chordReactive"> => ({
  chordUpdateIntervalS: number("chord-update-interval", overlayDefaults.chordUpdateIntervalS, 1, 86_400),
  chordPingIntervalS: number("chord-ping-interval", overlayDefaults.chordPingIntervalS, 1, 86_400),
  chordReactive: truth("chord-reactive", overlayDefaults.chordReactive),
});

const signersOf = ({ nodeIds }: Fields): Part<"configurationSigners" | "kindSigners" | "badNodes"> => ({
  configurationSigners: nodeIds("configuration-signer"),
  kindSigners: nodeIds("kind-signer"),
  badNodes: nodeIds("bad-node"),
});

/** The additions of docs/protocol/enrolment.md#the-document. */
const viprOf = ({
  last,
  number,
}: Fields): Part<
  "quota" | "storesPerSecond" | "fetchesPerSecond" | "maxValidationDelayS" | "roundIntervalS" | "numberHash"
> => ({
  quota: number("quota", overlayDefaults.quota, 1, 100_000_000),
  storesPerSecond: number("stores-per-second", overlayDefaults.storesPerSecond, 1, 1_000_000),
  fetchesPerSecond: number("fetches-per-second", overlayDefaults.fetchesPerSecond, 1, 1_000_000),
  maxValidationDelayS: number("max-validation-delay", overlayDefaults.maxValidationDelayS, 0, 604_800),
  roundIntervalS: number("round-interval", overlayDefaults.roundIntervalS, 1, 3_600),
  numberHash: numberHashIn(last("number-hash")),
});

export const childrenOf = (element: XmlElement, name: string, namespace = BASE_NAMESPACE): ReadonlyArray<XmlElement> =>
  element.children.filter((child) => child.namespace === namespace && child.name === name);
export const isBase = ({ namespace, name }: XmlElement, expected: string): boolean =>
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

/** One `kind` element. */
export const kindConfiguration = (element: XmlElement): KindConfiguration => {
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
