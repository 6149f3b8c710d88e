/**
 * XML read into a tree whose names carry their namespaces, and written back. Tags by fast-xml-parser; no DTD. References to
 * characters are read here: the parser knows either the five names alone, or all those of HTML. DECISIONS.md D-012.
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
const CDATA = "#cdata";
const ATTRIBUTES = ":@";
const COMMON = { preserveOrder: true, ignoreAttributes: false, attributeNamePrefix: "", suppressEmptyNode: true };

const parser = new XMLParser({
  ...COMMON,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  processEntities: false,
  cdataPropName: CDATA, // nothing is a reference in there
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
    const qualified = Object.keys(node).find((key) => key !== ATTRIBUTES && key !== TEXT && key !== CDATA);
    return qualified === undefined || qualified.startsWith("?") ? [] : [elementOf(qualified, node, scope, depth)];
  });
};

const elementOf = (qualified: string, node: Record<string, any>, outer: Scope, depth: number): XmlElement => {
  const written = Object.entries((node[ATTRIBUTES] ?? {}) as Record<string, string>).map(
    ([key, value]) => [key, withoutReferences(value)] as const,
  );
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
    text: inside.map(textOf).join("").trim(),
  };
};

const textOf = (child: Record<string, any>): string => {
  if (TEXT in child) return withoutReferences(String(child[TEXT]));
  return CDATA in child ? (child[CDATA] as Ordered).map((part) => String(part[TEXT] ?? "")).join("") : "";
};

const NAMES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** XML 1.0 §4.1, §4.6: characters by number, and the five names; without a DTD there are no other entities. */
const withoutReferences = (text: string): string =>
  text.replace(
    /&(?:#x([0-9a-fA-F]+);|#([0-9]+);|([^\s;&]{1,16});)?/g,
    (whole, hex?: string, digits?: string, name?: string) => {
      if (name !== undefined && Object.hasOwn(NAMES, name)) return NAMES[name]!;
      const point = hex !== undefined ? Number.parseInt(hex, 16) : digits !== undefined ? Number(digits) : Number.NaN;
      if (!isCharacter(point)) throw new Error(`${whole} is no reference to a character`);
      return String.fromCodePoint(point);
    },
  );

/** Char of XML 1.0 §2.2. */
const isCharacter = (point: number): boolean =>
  point === 0x9 ||
  point === 0xa ||
  point === 0xd ||
  (point >= 0x20 && point <= 0xd7ff) ||
  (point >= 0xe000 && point <= 0xfffd) ||
  (point >= 0x10000 && point <= 0x10ffff);

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
