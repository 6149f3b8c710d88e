/**
 * What is said once the password is proved: one request and one answer, each XML in a frame. Profile §2; the answer's
 * shape is that of draft-jennings-vipr-vap-02 §10.2.
 *
 *   u32 length | <valrequest xmlns="urn:vipr:pvp:1"><number>+1…</number><domain>a.example</domain></valrequest>
 *   u32 length | <valinfo><number/><ticket/><route><SIPURI/>…</route>…</valinfo>  or  <valerror code="403"/>
 *
 * The parser is told to expand no entity, and a document type is refused: five entities and character numbers are read here.
 */
import { XMLParser } from "fast-xml-parser";
import { type E164, isE164, utf8 } from "../shared/mod.ts";
import { opaque, struct, type TypeOf, u32 } from "../wire/mod.ts";

export const EXCHANGE_BYTES_MAX = 65_536;
/** With its length. */
export const FRAME_BYTES_MAX = EXCHANGE_BYTES_MAX + 4;

export const PvpFrame = struct("ValExchange", "profile §2", { document: opaque(u32, EXCHANGE_BYTES_MAX, 1) });
export type PvpFrame = TypeOf<typeof PvpFrame>;

export interface ValRequest {
  readonly number: E164;
  /** Whom the originator says it is; nothing proves it yet. */
  readonly domain: string;
}
export interface ValInfo {
  readonly number: E164;
  readonly ticket: string;
  readonly routes: ReadonlyArray<{ readonly sipUris: ReadonlyArray<string> }>;
}
/** 403: domain not welcome. 404: no such number published by this VService. 503: later. */
export type ValErrorCode = 403 | 404 | 503;
export type ValAnswer =
  | { readonly type: "valinfo"; readonly info: ValInfo }
  | { readonly type: "valerror"; readonly code: ValErrorCode };

export interface ExchangeError {
  readonly _tag: "ExchangeError";
  /** The element. */
  readonly at: string;
  readonly why: string;
}
export type Read<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: ExchangeError };

const NAMESPACE = "urn:vipr:pvp:1";
const ROUTES_MAX = 16;
const URIS_MAX = 16;
const TEXT_CHARACTERS_MAX = 4_096;
const DEPTH_MAX = 8;
const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A DNS name in the one form that PVP and tickets use: lower case, A-labels, no final dot. */
export const isDomain = (text: string): boolean => DOMAIN.test(text);

export const writeRequest = ({ number, domain }: ValRequest): Uint8Array =>
  utf8(`<valrequest xmlns="${NAMESPACE}">${element("number", number)}${element("domain", domain)}</valrequest>`);

export const writeAnswer = (answer: ValAnswer): Uint8Array =>
  utf8(answer.type === "valerror" ? `<valerror code="${answer.code}"/>` : valInfoText(answer.info));

const valInfoText = ({ number, ticket, routes }: ValInfo): string => {
  const route = ({ sipUris }: { readonly sipUris: ReadonlyArray<string> }) =>
    `<route>${sipUris.map((uri) => element("SIPURI", uri)).join("")}</route>`;
  return `<valinfo>${element("number", number)}${element("ticket", ticket)}${routes.map(route).join("")}</valinfo>`;
};

export const readRequest = (bytes: Uint8Array): Read<ValRequest> =>
  reading(bytes, (root) => {
    const request = child(root, "valrequest");
    if (request["@xmlns"] !== NAMESPACE) throw new Fault("valrequest", "another namespace");
    const domain = textOf(request, "domain");
    if (!isDomain(domain)) throw new Fault("domain", "not a domain name");
    return { number: numberOf(request), domain };
  });

export const readAnswer = (bytes: Uint8Array): Read<ValAnswer> =>
  reading<ValAnswer>(bytes, (root) => {
    if ("valerror" in root) return { type: "valerror", code: codeOf(child(root, "valerror")) };
    const info = child(root, "valinfo");
    const routes = children(info, "route", ROUTES_MAX).map((route) => ({
      sipUris: children(node(route, "route"), "SIPURI", URIS_MAX).map((uri) => plain(uri, "SIPURI")),
    }));
    return { type: "valinfo", info: { number: numberOf(info), ticket: textOf(info, "ticket"), routes } };
  });

// Below: the parser's objects, walked with suspicion.
type Element = Readonly<Record<string, unknown>>;

class Fault extends Error {
  readonly at: string;
  constructor(at: string, why: string) {
    super(why);
    this.at = at;
  }
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  ignoreDeclaration: true,
});

const reading = <A>(bytes: Uint8Array, of: (root: Element) => A): Read<A> => {
  try {
    return { ok: true, value: of(documentOf(bytes)) };
  } catch (error) {
    // The parser throws for what is not XML, the decoder for what is not UTF-8; neither message is for a peer.
    const { at, message } = error instanceof Fault ? error : { at: "document", message: "not well-formed" };
    return { ok: false, error: { _tag: "ExchangeError", at, why: message } };
  }
};

const documentOf = (bytes: Uint8Array): Element => {
  if (bytes.length > EXCHANGE_BYTES_MAX) throw new Fault("document", "too long");
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  if (text.includes("<!")) throw new Fault("document", "a document type, a comment or a CDATA section");
  if (depthOf(text) > DEPTH_MAX) throw new Fault("document", "too deep");
  const root = parser.parse(text, true) as Element;
  if (Object.keys(root).length !== 1) throw new Fault("document", "not one root");
  return root;
};

/** The parser calls itself for each level: what is deeper than any of ours is refused before. */
const depthOf = (text: string): number => {
  let [depth, most] = [0, 0];
  for (const [tag] of text.matchAll(/<[^>]*>/g)) {
    if (tag.startsWith("</")) depth -= 1;
    else if (!tag.endsWith("/>") && !tag.startsWith("<?")) depth += 1;
    most = Math.max(most, depth);
  }
  return most;
};

const node = (value: unknown, at: string): Element => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Fault(at, "not one element");
  return value as Element;
};
const child = (parent: Element, name: string): Element => {
  if (!Object.hasOwn(parent, name)) throw new Fault(name, "missing");
  return node(parent[name], name);
};
const children = (parent: Element, name: string, max: number): ReadonlyArray<unknown> => {
  const found = Object.hasOwn(parent, name) ? [parent[name]].flat() : [];
  if (found.length < 1 || found.length > max) throw new Fault(name, `not 1 to ${max} of them`);
  return found;
};
const textOf = (parent: Element, name: string): string => plain(children(parent, name, 1)[0], name);

const plain = (value: unknown, at: string): string => {
  if (typeof value !== "string" || value === "") throw new Fault(at, "not a text");
  if (value.length > TEXT_CHARACTERS_MAX) throw new Fault(at, "too long");
  return unescaped(value, at);
};

const numberOf = (parent: Element): E164 => {
  const number = textOf(parent, "number");
  if (!isE164(number)) throw new Fault("number", "not an E.164 number");
  return number;
};

const codeOf = (error: Element): ValErrorCode => {
  const code = error["@code"];
  const known = ([403, 404, 503] as const).find((number) => String(number) === code);
  if (known === undefined) throw new Fault("valerror", "no code that we know");
  return known;
};

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const unescaped = (text: string, at: string): string =>
  text.replace(/&([^;]{0,8};)?/g, (_, named: string | undefined) => {
    const name = named?.slice(0, -1) ?? "";
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
    const point = number === null ? -1 : Number.parseInt(number[1] ?? number[2]!, number[1] === undefined ? 10 : 16);
    const known = Object.hasOwn(entities, name) ? entities[name] : undefined;
    if (known !== undefined) return known;
    if (point < 1 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw new Fault(at, "an unknown entity");
    return String.fromCodePoint(point);
  });

const element = (name: string, text: string): string => `<${name}>${escaped(text)}</${name}>`;

/** White space is written as numbers, since parsers trim it. */
const escaped = (text: string): string =>
  text.replace(/[&<>"'\s]/g, (sign) => {
    const name = Object.keys(entities).find((key) => entities[key] === sign);
    return name === undefined ? `&#${sign.codePointAt(0)};` : `&${name};`;
  });
