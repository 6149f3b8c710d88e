/**
 * The configuration document written, and its signature put where it belongs. RFC 6940 §11.1.
 *
 * Namespaces are declared in the configuration element, not only in the root: a signature covers the first and not the
 * second, so that a changed root could otherwise bind a prefix anew and take our elements out of their namespaces.
 * DECISIONS.md D-057.
 */
import { type NodeId, SignerIdentity } from "../reload/mod.ts";
import { concat } from "../shared/mod.ts";
import { encode } from "../wire/mod.ts";
import {
  BASE_NAMESPACE,
  CHORD_NAMESPACE,
  type KindConfiguration,
  type OverlayConfiguration,
  VIPR_NAMESPACE,
} from "./configuration.ts";
import { type OverlayDocument, readDocument, readKindBlock } from "./document-read.ts";
import { kindNames } from "./elements.ts";
import { writeXml, type XmlToWrite } from "./xml.ts";

const namespaces = { xmlns: BASE_NAMESPACE, "xmlns:chord": CHORD_NAMESPACE, "xmlns:vipr": VIPR_NAMESPACE };
const BLOCK_MARK = "block";

/** The document of one overlay, unsigned. Elements with default values are written too. */
export const writeOverlay = (overlay: OverlayConfiguration): string => {
  const kinds = overlay.kinds.map(asWritten);
  const configuration: XmlToWrite = {
    name: "configuration",
    attributes: {
      "instance-name": overlay.name,
      sequence: String(overlay.sequence),
      ...(overlay.expirationMs === undefined ? {} : { expiration: new Date(overlay.expirationMs).toISOString() }),
      ...namespaces,
    },
    contents: [...baseOf(overlay), ...extensionsOf(overlay), requiredKinds(kinds)],
  };
  const text = writeXml({ name: "overlay", attributes: namespaces, contents: [configuration] });
  return kinds.reduce(
    (text, { signedBlock }, i) => (signedBlock === undefined ? text : text.replace(markOf(i), () => signedBlock)),
    text,
  );
};

/** A signed block that needs prefixes of the document it came from would not be read in ours: it goes unsigned. */
const asWritten = ({ signedBlock, ...kind }: KindConfiguration): KindConfiguration =>
  signedBlock !== undefined && readKindBlock(signedBlock).ok ? { ...kind, signedBlock } : kind;

const one = (name: string, contents: string | number | boolean): XmlToWrite => ({ name, contents: String(contents) });
const hex = (id: NodeId): string => id.toString(16).padStart(32, "0");

const baseOf = (overlay: OverlayConfiguration): ReadonlyArray<XmlToWrite> => [
  one("topology-plugin", overlay.topologyPlugin),
  one("node-id-length", overlay.nodeIdLength),
  ...overlay.rootCertificates.map((der) => one("root-cert", base64Of(der))),
  ...overlay.enrollmentServers.map((url) => one("enrollment-server", url)),
  ...(overlay.selfSigned === undefined
    ? []
    : [{ name: "self-signed-permitted", attributes: { digest: overlay.selfSigned }, contents: "true" }]),
  ...overlay.bootstrapNodes.map(({ host, port }) => ({
    name: "bootstrap-node",
    attributes: { address: host, port: String(port) },
  })),
  one("turn-density", overlay.turnDensity),
  one("clients-permitted", overlay.clientsPermitted),
  one("no-ice", overlay.noIce),
  one("chord:chord-update-interval", overlay.chordUpdateIntervalS),
  one("chord:chord-ping-interval", overlay.chordPingIntervalS),
  one("chord:chord-reactive", overlay.chordReactive),
  ...(overlay.sharedSecret === undefined ? [] : [one("shared-secret", overlay.sharedSecret)]),
  one("max-message-size", overlay.maxMessageSize),
  one("initial-ttl", overlay.initialTtl),
  one("overlay-reliability-timer", overlay.reliabilityTimerMs),
  ...overlay.linkProtocols.map((name) => one("overlay-link-protocol", name)),
  ...overlay.configurationSigners.map((id) => one("configuration-signer", hex(id))),
  ...overlay.kindSigners.map((id) => one("kind-signer", hex(id))),
  ...overlay.badNodes.map((id) => one("bad-node", hex(id))),
  ...overlay.mandatoryExtensions.map((urn) => one("mandatory-extension", urn)),
];

const extensionsOf = (overlay: OverlayConfiguration): ReadonlyArray<XmlToWrite> => [
  one("vipr:quota", overlay.quota),
  one("vipr:stores-per-second", overlay.storesPerSecond),
  one("vipr:fetches-per-second", overlay.fetchesPerSecond),
  one("vipr:max-validation-delay", overlay.maxValidationDelayS),
  one("vipr:round-interval", overlay.roundIntervalS),
  one("vipr:number-hash", overlay.numberHash),
];

const requiredKinds = (kinds: ReadonlyArray<KindConfiguration>): XmlToWrite => ({
  name: "required-kinds",
  contents: kinds.map((kind, i) =>
    kind.signedBlock === undefined ? kindBlock(kind) : { name: "kind-block", attributes: { [BLOCK_MARK]: String(i) } },
  ),
});
const markOf = (i: number): string => `<kind-block ${BLOCK_MARK}="${i}"/>`;

const kindBlock = (kind: KindConfiguration): XmlToWrite => {
  const name = [...kindNames].find(([, id]) => id === kind.kind && id < 0xf0000001)?.[0];
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

const CHARS_AT_ONCE = 8_192; // arguments of one call
const base64Of = (bytes: Uint8Array): string => {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHARS_AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(at, at + CHARS_AT_ONCE));
  return btoa(text);
};

/**
 * What a signature over an element of the document is computed over: its bytes, and the SignerIdentity as in every other
 * signature of RFC 6940 (§6.3.4, §7.1). That the identity is covered here too is our reading of "the standard SecurityBlock".
 */
export const documentSignatureInput = (bytes: Uint8Array, identity: SignerIdentity): Uint8Array =>
  concat(bytes, encode(SignerIdentity, identity));

/** The same text with this SecurityBlock as the configuration's only signature. The configuration is not touched. */
export const withSignature = (text: string, name: string, block: Uint8Array): string => {
  const { start, end, signaturesEnd } = documentOf(text, name);
  const prefix = /^<([^\s/>:]+:)?configuration/.exec(text.slice(start, end))?.[1] ?? "";
  const signature = `\n  <${prefix}signature>${base64Of(block)}</${prefix}signature>`;
  return `${text.slice(0, end)}${signature}${text.slice(signaturesEnd)}`;
};

/** Throws on a text that is no document of that overlay: for documents of our own. */
const documentOf = (text: string, name: string): OverlayDocument => {
  const read = readDocument(text, name);
  if (!read.ok) throw new Error(`${read.error.at}: ${read.error.why}`);
  return read.value;
};

/** The bare `kind` element: what a kind-signature covers. */
export const kindElement = (kind: KindConfiguration): string => {
  const text = writeXml(kindBlock(kind));
  return text.slice(text.indexOf("<kind "), text.indexOf("</kind>") + "</kind>".length);
};
/** The `kind-block` of that element, with this SecurityBlock over it. */
export const signedKindBlock = (element: string, block: Uint8Array): string =>
  `<kind-block>${element}<kind-signature>${base64Of(block)}</kind-signature></kind-block>`;
