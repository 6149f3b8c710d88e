/**
 * The exchange after the handshake: one request and one answer, each XML in a frame.
 * docs/protocol/pvp.md#the-exchange; the answer's shape is that of draft-jennings-vipr-vap-02 §10.2, read and written
 * by `codecs/vap`, which has the restricted XML reader.
 *
 *   u32 length | <valrequest xmlns="urn:vipr:pvp:1"><number>+1…</number><domain>a.example</domain></valrequest>
 *   u32 length | <valinfo><number/><ticket/><route><SIPURI/>…</route>…</valinfo>  or  <valerror code="403"/>
 */
import { type E164, isE164, utf8 } from "../shared/mod.ts";
import { element, Fault, type Read, reading, readValInfo, textOf, type ValInfo, writeValInfo } from "../vap/mod.ts";
import { opaque, struct, type TypeOf, u32 } from "../wire/mod.ts";

/** Of the document in a frame; `readRequest` and `readAnswer` take 32,767 of them. */
export const EXCHANGE_BYTES_MAX = 65_536;
/** A document, and its length before it. */
export const FRAME_BYTES_MAX = EXCHANGE_BYTES_MAX + 4;

/** A length of 4 bytes, and a document that is not empty. */
export const PvpFrame = struct("ValExchange", "docs/protocol/pvp.md#the-exchange", {
  document: opaque(u32, EXCHANGE_BYTES_MAX, 1),
});
export type PvpFrame = TypeOf<typeof PvpFrame>;

/** What the originator asks for, once the proof is given. */
export interface ValRequest {
  readonly number: E164;
  /** The domain that the originator gives; nothing proves it yet. */
  readonly domain: string;
}
/** 403: domain not welcome. 404: no such number published by this VService. 503: later. */
export type ValErrorCode = 403 | 404 | 503;
/** What the terminator answers: a ticket and routes, or why there are none. */
export type ValAnswer =
  | { readonly type: "valinfo"; readonly info: ValInfo }
  | { readonly type: "valerror"; readonly code: ValErrorCode };

const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A DNS name in the one form that PVP and tickets use: lower case, A-labels, no final dot. */
export const isDomain = (text: string): boolean => DOMAIN.test(text);

/** The document in UTF-8, without its frame. */
export const writeRequest = ({ number, domain }: ValRequest): Uint8Array =>
  utf8(`<valrequest xmlns="urn:vipr:pvp:1">${element("number", number)}${element("domain", domain)}</valrequest>`);

/** Recognised by the name of its element, whatever the namespace, as VAP's documents are. */
export const readRequest = (bytes: Uint8Array): Read<ValRequest> =>
  reading(bytes, "valrequest", (request) => {
    const number = textOf(request, "number");
    if (!isE164(number)) throw new Fault("number", "not an E.164 number");
    const domain = textOf(request, "domain");
    if (!isDomain(domain)) throw new Fault("domain", "not a domain name");
    return { number, domain };
  });

/** The document in UTF-8, without its frame. */
export const writeAnswer = (answer: ValAnswer): Uint8Array =>
  answer.type === "valerror" ? utf8(`<valerror code="${answer.code}"/>`) : writeValInfo(answer.info);

/** Either document; an error where it is neither, or has a code that is not ours. */
export const readAnswer = (bytes: Uint8Array): Read<ValAnswer> => {
  const error = reading<ValAnswer>(bytes, "valerror", (valerror) => ({ type: "valerror", code: codeOf(valerror) }));
  if (error.ok) return error;
  const info = readValInfo(bytes);
  return info.ok ? { ok: true, value: { type: "valinfo", info: info.value } } : info;
};

const codeOf = ({ "@code": code }: { readonly "@code"?: unknown }): ValErrorCode => {
  const known = ([403, 404, 503] as const).find((number) => String(number) === code);
  if (known === undefined) throw new Fault("valerror", "no code that we know");
  return known;
};
