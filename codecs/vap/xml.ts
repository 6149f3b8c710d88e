/**
 * Restricted reader for XML from outside: sizes first, no document type, only the five entities and numbers, few
 * levels. Names are read without their prefixes, since the draft's schema and its example disagree about namespaces.
 * DECISIONS.md D-012.
 */
import { XMLParser } from "fast-xml-parser";
import { CONTENT_BYTES_MAX } from "./registry.ts";

/** `at` is the element. */
export interface XmlError {
  readonly _tag: "XmlError";
  readonly at: string;
  readonly why: string;
}
/** What reading a document gives. */
export type Read<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: XmlError };

const DEPTH_MAX = 8;
const TEXT_CHARACTERS_MAX = 4_096;

/** Thrown only inside `codecs/vap`, and turned into a value by `reading`. */
export class Fault extends Error {
  readonly at: string;
  constructor(at: string, why: string) {
    super(why);
    this.at = at;
  }
}

/** An element: its children and `@attributes` by name, a list where a name stands more than once. */
export type Element = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  removeNSPrefix: true,
  ignoreDeclaration: true,
});

/** Passes the root element of that name to `of`; every error is returned as a value. */
export const reading = <A>(bytes: Uint8Array, root: string, of: (element: Element) => A): Read<A> => {
  try {
    return { ok: true, value: of(rootOf(bytes, root)) };
  } catch (thrown) {
    // The messages of the parser and the decoder may quote the input, so they are not passed on.
    const { at, message } = thrown instanceof Fault ? thrown : { at: "document", message: "not well-formed" };
    return { ok: false, error: { _tag: "XmlError", at, why: message } };
  }
};

const rootOf = (bytes: Uint8Array, name: string): Element => {
  if (bytes.length > CONTENT_BYTES_MAX) throw new Fault("document", `longer than ${CONTENT_BYTES_MAX} bytes`);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\0+$/, ""); // "arbitrary padding"
  if (text.includes("<!")) throw new Fault("document", "a document type, a comment or a CDATA section");
  if (depthOf(text) > DEPTH_MAX) throw new Fault("document", "too deep");
  return child(parser.parse(text, true) as Element, name);
};

/** The parser recurses at each level. */
const depthOf = (text: string): number => {
  let [depth, most] = [0, 0];
  for (const [tag] of text.matchAll(/<[^>]*>/g)) {
    if (tag.startsWith("</")) depth -= 1;
    else if (!tag.endsWith("/>") && !tag.startsWith("<?")) depth += 1;
    most = Math.max(most, depth);
  }
  return most;
};

/** The one child of that name; throws Fault where there is none, or more than one, or a text. */
export const child = (parent: Element, name: string): Element => {
  const found = Object.hasOwn(parent, name) ? parent[name] : undefined;
  return elementOf(found, name);
};

const elementOf = (found: unknown, name: string): Element => {
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Fault(name, "not one element");
  return found as Element;
};

export const children = (parent: Element, name: string, min: number, max: number): ReadonlyArray<unknown> => {
  const found = Object.hasOwn(parent, name) ? [parent[name]].flat() : [];
  if (found.length < min || found.length > max) throw new Fault(name, `not ${min} to ${max} of them`);
  return found;
};
export const elements = (parent: Element, name: string, min: number, max: number): ReadonlyArray<Element> =>
  children(parent, name, min, max).map((found) => elementOf(found, name));
export const texts = (parent: Element, name: string, min: number, max: number): ReadonlyArray<string> =>
  children(parent, name, min, max).map((found) => plain(found, name));
/** The text of the one child of that name, 1 to 4,096 characters; throws Fault otherwise. */
export const textOf = (parent: Element, name: string): string => texts(parent, name, 1, 1)[0]!;

/** The text of an element, or of an attribute; an element may carry attributes beside it. */
const plain = (found: unknown, at: string): string => {
  const value = typeof found === "object" && found !== null ? (found as Element)["#text"] : found;
  if (typeof value !== "string" || value === "") throw new Fault(at, "not a text");
  if (value.length > TEXT_CHARACTERS_MAX) throw new Fault(at, "too long");
  return unescaped(value, at);
};

const names: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const unescaped = (text: string, at: string): string =>
  text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]{2,4})?;?/g, (whole: string, name: string | undefined) => {
    if (name === undefined || !whole.endsWith(";")) throw new Fault(at, "a bare ampersand");
    if (Object.hasOwn(names, name)) return names[name]!;
    const point = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
    if (!(point > 0 && point <= 0x10ffff) || (point >= 0xd800 && point <= 0xdfff))
      throw new Fault(at, "an unknown entity");
    return String.fromCodePoint(point);
  });

/** White space is written as character references, because parsers trim it. */
export const escaped = (text: string): string =>
  [...text]
    .map((sign) => {
      const name = Object.keys(names).find((key) => names[key] === sign);
      if (name !== undefined) return `&${name};`;
      return /\s/.test(sign) ? `&#${sign.codePointAt(0)};` : sign;
    })
    .join("");
/** An element with this text, escaped. */
export const element = (name: string, text: string): string => `<${name}>${escaped(text)}</${name}>`;

/** One `route` element: 1 to 16 SIP URIs, as texts that nothing here has read. */
export interface Route {
  readonly sipUris: ReadonlyArray<string>;
}
export const ROUTES_MAX = 16;
const URIS_MAX = 16;
export const routesOf = (parent: Element): ReadonlyArray<Route> =>
  elements(parent, "route", 1, ROUTES_MAX).map((route) => ({ sipUris: texts(route, "SIPURI", 1, URIS_MAX) }));
export const routeText = ({ sipUris }: Route): string =>
  `<route>${sipUris.map((uri) => element("SIPURI", uri)).join("")}</route>`;
