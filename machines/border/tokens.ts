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
import { bytesOfBase64, concat, equalSecrets, utf8 } from "../../codecs/shared/mod.ts";
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
  return (counter, text) => {
    const own = text.slice();
    return unsafe.ctrCounter(schedule, counter.slice(), own, own);
  };
};

/** A token that we have sealed or opened. */
interface KnownToken {
  /** The Call-ID beside which it stands, and its fields: one text, so that no message is held in which they stood. */
  readonly said: string;
  readonly aboutChars: number;
  /** Made of its fields when it is first asked for. */
  outside: OutsideToken | undefined;
}
const isAbout = ({ said, aboutChars }: KnownToken, callId: string): boolean =>
  callId.length === aboutChars && said.startsWith(callId);
const fieldsOf = ({ said, aboutChars }: KnownToken): ReadonlyArray<string> => said.slice(aboutChars + 1).split("\n");

export class Tokens {
  private keys: ReadonlyArray<TokenKey>;
  /** Opened before, or made here: most are asked for again within the same call. */
  private known = new Map<string, KnownToken>();
  /** Those of before the newest `TOKENS_KNOWN_MAX / 2`: they go all at once, which costs nothing when one comes. */
  private older = new Map<string, KnownToken>();

  /** Newest last; at least one. */
  constructor(keys: ReadonlyArray<TokenKey>) {
    this.keys = keys.slice(-TOKEN_KEYS_MAX);
  }

  /** From now on these. */
  use(keys: ReadonlyArray<TokenKey>): void {
    this.keys = keys.slice(-TOKEN_KEYS_MAX);
    this.known.clear();
    this.older.clear();
  }

  /** `callId`: as the side has it that will show the token. */
  outside(kind: "o" | "c", { call, domain, number, contact, routes }: OutsideToken, callId: string): string {
    return this.sealed(kind, [call, domain, number, contact, ...routes], callId);
  }

  inside({ call, domain }: InsideToken, callId: string): string {
    return this.sealed("i", [call, domain], callId);
  }

  /** Undefined: it is none of ours, or of another call. The same text gives the same object, while it is known. */
  openOutside(text: string | undefined, callId: string): OutsideToken | undefined {
    const token = text?.[0] === "o" || text?.[0] === "c" ? this.open(text, callId) : undefined;
    if (token === undefined) return undefined;
    token.outside ??= outsideOf(fieldsOf(token));
    return token.outside;
  }

  openInside(text: string | undefined, callId: string): InsideToken | undefined {
    const token = text?.[0] === "i" ? this.open(text, callId) : undefined;
    if (token === undefined) return undefined;
    const [call = "", domain = ""] = fieldsOf(token);
    return { call, domain };
  }

  /** Our name for a Call-ID of the inside: the same each time. */
  callId(inside: string): string {
    return this.sealed("h", [inside], "");
  }

  openCallId(text: string): string | undefined {
    const token = text[0] === "h" ? this.open(text, "") : undefined;
    return token && fieldsOf(token)[0];
  }

  private sealed(kind: string, fields: ReadonlyArray<string>, about: string): string {
    const key = this.keys.at(-1)!;
    const written = fields.join("\n");
    const before = aboutOf(kind, about);
    const covered = utf8(before + written);
    // As many bytes as letters, as nearly always.
    const isAscii = covered.length === before.length + written.length;
    const plain = covered.subarray(isAscii ? before.length : utf8(before).length);
    const tag = key.seal(covered).subarray(0, TAG_BYTES);
    const bytes = new Uint8Array(1 + TAG_BYTES + plain.length);
    bytes[0] = key.id;
    bytes.set(tag, 1);
    bytes.set(kind === READABLE ? plain : key.cipher(tag, plain), 1 + TAG_BYTES);
    const text = kind + urlTextOf(bytes);
    this.remember(text, about, fields);
    return text;
  }

  private open(text: string, about: string): KnownToken | undefined {
    const known = this.known.get(text) ?? this.older.get(text);
    if (known !== undefined) return isAbout(known, about) ? known : undefined;
    if (text.length > TOKEN_CHARS_MAX) return undefined;
    const bytes = bytesOfUrlText(text.slice(1));
    if (bytes === undefined || bytes.length <= 1 + TAG_BYTES) return undefined;
    const key = this.keys.find(({ id }) => id === bytes[0]);
    if (key === undefined) return undefined;
    const tag = bytes.slice(1, 1 + TAG_BYTES);
    const rest = bytes.slice(1 + TAG_BYTES);
    const plain = text[0] === READABLE ? rest : key.cipher(tag, rest);
    if (!equalSecrets(tagOf(key, text[0]!, about, plain), tag)) return undefined;
    return this.remember([text[0], text.slice(1)].join(""), about, [decoder.decode(plain)]);
  }

  /** `text` is none that was cut out of another. */
  private remember(text: string, about: string, fields: ReadonlyArray<string>): KnownToken {
    if (this.known.size >= TOKENS_KNOWN_MAX / 2) {
      this.older = this.known;
      this.known = new Map();
    }
    const said = [about, ...fields].join("\n");
    const token: KnownToken = { said, aboutChars: about.length, outside: undefined };
    this.known.set(text, token);
    return token;
  }
}
const TOKENS_KNOWN_MAX = 16_384;
/** The kind that is not encrypted. */
const READABLE = "i";
/** Far more than any way through an inside network has. */
const TOKEN_CHARS_MAX = 8_192;
const TAG_BYTES = 16;
const CIPHER_BYTES = 16;

const outsideOf = ([
  call = "",
  domain = "",
  number = "",
  contact = "",
  ...routes
]: ReadonlyArray<string>): OutsideToken => ({
  call,
  domain,
  number,
  contact,
  routes,
});

/** Of what, beside which Call-ID: 0 stands in neither. */
const aboutOf = (kind: string, about: string): string => `${kind}\0${about}\0`;
const tagOf = ({ seal }: TokenKey, kind: string, about: string, plain: Uint8Array): Uint8Array =>
  seal(concat(utf8(aboutOf(kind, about)), plain)).subarray(0, TAG_BYTES);

/** RFC 4648 §5 without padding: every character may stand in a URI's user part. */
export const urlTextOf = (bytes: Uint8Array): string => {
  const { length } = bytes;
  const text = new Uint8Array(Math.ceil((length * 4) / 3));
  for (let from = 0, to = 0; from < length; from += 3) {
    // What lies beyond the end is undefined, and no bit.
    const bits = (bytes[from]! << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    for (let shift = 18; shift >= 0 && to < text.length; shift -= 6) text[to++] = DIGITS[(bits >> shift) & 63]!;
  }
  return decoder.decode(text);
};
const DIGITS = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

export const bytesOfUrlText = (text: string): Uint8Array | undefined => {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const padded = text.replaceAll("-", "+").replaceAll("_", "/");
  return bytesOfBase64(padded.padEnd(Math.ceil(padded.length / 4) * 4, "="));
};

const decoder = new TextDecoder();
