/**
 * The configuration document read: XML to a value, with the exact bytes that its signatures cover. RFC 6940 §11.1.
 *
 *   overlay --+-- configuration (one an overlay) -- ... required-kinds -- kind-block --+-- kind
 *             +-- signature, over the configuration before it                          +-- kind-signature, over the kind
 *
 * elements.ts reads what is inside. Errors are values.
 * Requirements: RFC 6940 §14.16.
 */
import { utf8 } from "../shared/mod.ts";
import {
  BASE_NAMESPACE,
  type KindConfiguration,
  type OverlayConfiguration,
  type OverlayDocumentError,
  type OverlayRead,
} from "./configuration.ts";
import { childrenOf, configurationOf, isBase, kindConfiguration } from "./elements.ts";
import { base64In, Fault } from "./fields.ts";
import { type Span, spansAt, spansOf } from "./markup.ts";
import { readXml, type XmlElement } from "./xml.ts";

/** Bytes, and what stood beside them as a signature over them: a SecurityBlock each, §6.3.4. */
export interface Signed {
  readonly bytes: Uint8Array;
  readonly signatures: ReadonlyArray<Uint8Array>;
}
/** A `kind` element's bytes, with the signatures of its block. RFC 6940 §11.1. */
export interface SignedKind extends Signed {
  readonly kind: number;
}
/** One configuration of a document: its value, its bytes as signed, and its place in the text, in characters. */
export interface OverlayDocument extends Signed {
  readonly overlay: OverlayConfiguration;
  readonly kinds: ReadonlyArray<SignedKind>;
  /** Where its configuration element lies in the text, and where the signatures after it end. */
  readonly start: number;
  readonly end: number;
  readonly signaturesEnd: number;
}
type Read<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: OverlayDocumentError };

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
