/**
 * What a border element must know of a dialog to pass its requests on, sealed into its own URIs: it keeps nothing of a call
 * that is answered, and a restart ends none. DECISIONS.md D-120, D-121; docs/protocol/sip.md#what-the-inside-does-not-show.
 *
 *   towards the outside   Record-Route: <sip:o...@acme.example;lr>   encrypted: the call, where its inside end is and the way there
 *                         Contact: <sip:c...@acme.example>           encrypted: the same after the end has moved
 *   towards the inside    Record-Route: <sip:i...@192.0.2.5;lr>      readable: the call and the domain at its other end
 *
 * Each is authenticated, and bound to the Call-ID beside which it stands: that of another call is worth nothing. The
 * encryption is deterministic (SIV, RFC 5297, with HMAC-SHA-256 for its S2V and AES-128-CTR): the same content in the same
 * call has the same text, as a response that is sent again must, and needs no random number.
 */
import { unsafe } from "@noble/ciphers/aes.js";
import { base64Of, bytesOfBase64, concat, equalSecrets, keepNewest, utf8 } from "../../codecs/shared/mod.ts";
import type { MakeSeal, Seal } from "../ticket/mod.ts";

export interface InsideToken {
  /** What the media relay, and we among ourselves, call this call. */
  readonly call: string;
  /** The domain at its outside end, which its certificate proves. */
  readonly domain: string;
}

export interface OutsideToken extends InsideToken {
  /** The number that was called; empty: it was none. */
  readonly number: string;
  /** The inside end's Contact, as a Request-URI. */
  readonly contact: string;
  /** The way to it: Route values, first to last. */
  readonly routes: ReadonlyArray<string>;
}

/** One of our keys. The newest seals, each opens. */
export interface TokenKey {
  /** 0 to 255. */
  readonly id: number;
  readonly seal: Seal;
  /** AES-128-CTR from this counter on: encrypts and decrypts. */
  readonly cipher: (counter: Uint8Array, text: Uint8Array) => Uint8Array;
}

export const TOKEN_KEY_BYTES = 32;
/** Keys that still open what they have sealed. */
export const TOKEN_KEYS_MAX = 8;

/** Of 32 random bytes. */
export const tokenKey = (id: number, master: Uint8Array, makeSeal: MakeSeal): TokenKey => {
  const derive = makeSeal(master);
  const cipher = keptCipher(derive(utf8("vipr border token: cipher")).slice(0, CIPHER_BYTES));
  return { id, seal: makeSeal(derive(utf8("vipr border token: integrity"))), cipher };
};

/** The key's schedule costs as much as the six blocks of a token, and is made once. The library's own counter goes on in place. */
const keptCipher = (key: Uint8Array): TokenKey["cipher"] => {
  const schedule = unsafe.expandKeyLE(key);
  return (counter, text) => unsafe.ctrCounter(schedule, counter.slice(), text.slice());
};

export class Tokens {
  private keys: ReadonlyArray<TokenKey>;
  /** Opened before, or made here: most are asked for again within the same call. */
  private readonly known = new Map<string, { readonly about: string; readonly fields: ReadonlyArray<string> }>();
  /** By all that a token says: the 200 of a call shows the token that its 180 has shown. */
  private readonly made = new Map<string, string>();

  /** Newest last; at least one. */
  constructor(keys: ReadonlyArray<TokenKey>) {
    this.keys = keys.slice(-TOKEN_KEYS_MAX);
  }

  /** From now on these. */
  use(keys: ReadonlyArray<TokenKey>): void {
    this.keys = keys.slice(-TOKEN_KEYS_MAX);
    this.known.clear();
    this.made.clear();
  }

  /** `callId`: as the side has it that will show the token. */
  outside(kind: "o" | "c", { call, domain, number, contact, routes }: OutsideToken, callId: string): string {
    return this.sealed(kind, [call, domain, number, contact, ...routes], callId);
  }

  inside({ call, domain }: InsideToken, callId: string): string {
    return this.sealed("i", [call, domain], callId);
  }

  /** Undefined: it is none of ours, or of another call. */
  openOutside(text: string | undefined, callId: string): OutsideToken | undefined {
    if (text === undefined || (text[0] !== "o" && text[0] !== "c")) return undefined;
    const fields = this.open(text, callId);
    if (fields === undefined) return undefined;
    const [call = "", domain = "", number = "", contact = "", ...routes] = fields;
    return { call, domain, number, contact, routes };
  }

  openInside(text: string | undefined, callId: string): InsideToken | undefined {
    const fields = text?.[0] === "i" ? this.open(text, callId) : undefined;
    return fields && { call: fields[0] ?? "", domain: fields[1] ?? "" };
  }

  /** Our name for a Call-ID of the inside: the same each time. */
  callId(inside: string): string {
    return this.sealed("h", [inside], "");
  }

  openCallId(text: string): string | undefined {
    return text[0] === "h" ? this.open(text, "")?.[0] : undefined;
  }

  private sealed(kind: string, fields: ReadonlyArray<string>, about: string): string {
    const joined = fields.join("\n");
    const said = `${kind}\0${about}\0${joined}`; // as the tag covers it
    const made = this.made.get(said);
    if (made !== undefined) return made;
    const key = this.keys.at(-1)!;
    const plain = utf8(joined);
    const tag = tagOf(key, kind, about, plain);
    const shown = kind === READABLE ? plain : key.cipher(tag, plain);
    const text = `${kind}${urlTextOf(concat(Uint8Array.of(key.id), tag, shown))}`;
    keepNewest(this.made, TOKENS_MADE_MAX, said, text);
    this.remember(text, about, fields);
    return text;
  }

  private open(text: string, about: string): ReadonlyArray<string> | undefined {
    const known = this.known.get(text);
    if (known !== undefined) return known.about === about ? known.fields : undefined;
    if (text.length > TOKEN_CHARS_MAX) return undefined;
    const bytes = bytesOfUrlText(text.slice(1));
    if (bytes === undefined || bytes.length <= 1 + TAG_BYTES) return undefined;
    const key = this.keys.find(({ id }) => id === bytes[0]);
    if (key === undefined) return undefined;
    const tag = bytes.slice(1, 1 + TAG_BYTES);
    const rest = bytes.slice(1 + TAG_BYTES);
    const plain = text[0] === READABLE ? rest : key.cipher(tag, rest);
    if (!equalSecrets(tagOf(key, text[0]!, about, plain), tag)) return undefined;
    const fields = decoder.decode(plain).split("\n");
    this.remember(text, about, fields);
    return fields;
  }

  private remember(text: string, about: string, fields: ReadonlyArray<string>): void {
    keepNewest(this.known, TOKENS_KNOWN_MAX, text, { about, fields });
  }
}
const TOKENS_KNOWN_MAX = 16_384;
/** Between the 180 and the 200 of a call others begin. */
const TOKENS_MADE_MAX = 4_096;
/** The kind that is not encrypted. */
const READABLE = "i";
/** Far more than any way through an inside network has. */
const TOKEN_CHARS_MAX = 8_192;
const TAG_BYTES = 16;
const CIPHER_BYTES = 16;

/** Of what, beside which Call-ID: 0 stands in neither. */
const tagOf = ({ seal }: TokenKey, kind: string, about: string, plain: Uint8Array): Uint8Array =>
  seal(concat(utf8(`${kind}\0${about}\0`), plain)).slice(0, TAG_BYTES);

/** RFC 4648 §5 without padding: every character may stand in a URI's user part. */
export const urlTextOf = (bytes: Uint8Array): string =>
  base64Of(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

export const bytesOfUrlText = (text: string): Uint8Array | undefined => {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const padded = text.replaceAll("-", "+").replaceAll("_", "/");
  return bytesOfBase64(padded.padEnd(Math.ceil(padded.length / 4) * 4, "="));
};

const decoder = new TextDecoder();
