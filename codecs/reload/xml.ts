/**
 * XML read into a tree whose names carry their namespaces, and written back. Text by fast-xml-parser; no DTD.
 * DECISIONS.md D-012.
 */
import { XMLBuilder, XMLParser, XMLValidator } from "fast-xml-parser";

export const DOCUMENT_CHARS_MAX = 1_048_576;
const DEPTH_MAX = 16;

export interface XmlElement {
  readonly namespace: string;
  readonly name: string;
  /** Attributes without a prefix; those of foreign namespaces are passed over. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: ReadonlyArray<XmlElement>;
  /** All text inside, white space trimmed at its ends. */
  readonly text: string;
}

type Ordered = ReadonlyArray<Record<string, any>>;
const TEXT = "#text";
const ATTRIBUTES = ":@";
const COMMON = { preserveOrder: true, ignoreAttributes: false, attributeNamePrefix: "", suppressEmptyNode: true };

const parser = new XMLParser({
  ...COMMON,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  processEntities: true,
});
const builder = new XMLBuilder({ ...COMMON, format: true, indentBy: "  ", processEntities: true });

/** The root element, or why there is none. */
export const readXml = (text: string): XmlElement | { readonly error: string } => {
  if (text.length > DOCUMENT_CHARS_MAX) return { error: `over ${DOCUMENT_CHARS_MAX} characters` };
  if (/<!DOCTYPE/i.test(text)) return { error: "document type definitions are not accepted" };
  const valid = XMLValidator.validate(text);
  if (valid !== true) return { error: `line ${valid.err.line}: ${valid.err.msg}` };
  try {
    const roots = elementsOf(
      parser.parse(text) as Ordered,
      new Map([["xml", "http://www.w3.org/XML/1998/namespace"]]),
      0,
    );
    return roots.length === 1 ? roots[0]! : { error: `${roots.length} root elements` };
  } catch (cause) {
    return { error: cause instanceof Error ? cause.message : "unreadable" };
  }
};

/** Namespaces by prefix: a map, as prefixes are a stranger's text and an object would also know `constructor`. */
type Scope = ReadonlyMap<string, string>;

const elementsOf = (nodes: Ordered, scope: Scope, depth: number): ReadonlyArray<XmlElement> => {
  if (depth > DEPTH_MAX) throw new Error(`nested deeper than ${DEPTH_MAX}`);
  return nodes.flatMap((node) => {
    const qualified = Object.keys(node).find((key) => key !== ATTRIBUTES && key !== TEXT);
    return qualified === undefined || qualified.startsWith("?") ? [] : [elementOf(qualified, node, scope, depth)];
  });
};

const elementOf = (qualified: string, node: Record<string, any>, outer: Scope, depth: number): XmlElement => {
  const written = Object.entries((node[ATTRIBUTES] ?? {}) as Record<string, string>);
  const scope = new Map(outer);
  for (const [key, value] of written) {
    if (key === "xmlns") scope.set("", value);
    else if (key.startsWith("xmlns:")) scope.set(key.slice("xmlns:".length), value);
  }
  const [prefix, name] = qualified.includes(":") ? (qualified.split(":", 2) as [string, string]) : ["", qualified];
  const namespace = scope.get(prefix);
  if (namespace === undefined && prefix !== "") throw new Error(`prefix ${prefix} is not declared`);
  const inside = node[qualified] as Ordered;
  return {
    namespace: namespace ?? "",
    name,
    attributes: Object.fromEntries(written.filter(([key]) => !key.includes(":") && key !== "xmlns")),
    children: elementsOf(inside, scope, depth + 1),
    text: inside
      .map((child) => (TEXT in child ? String(child[TEXT]) : ""))
      .join("")
      .trim(),
  };
};

/** An element to write: its name as it shall stand, with its prefix; its contents text or elements. */
export interface XmlToWrite {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly contents?: string | ReadonlyArray<XmlToWrite>;
}

export const writeXml = (root: XmlToWrite): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${(builder.build([orderedOf(root)]) as string).trim()}\n`;

const orderedOf = ({ name, attributes, contents }: XmlToWrite): Record<string, unknown> => ({
  [name]: typeof contents === "string" ? [{ [TEXT]: contents }] : (contents ?? []).map(orderedOf),
  ...(attributes === undefined ? {} : { [ATTRIBUTES]: attributes }),
});
