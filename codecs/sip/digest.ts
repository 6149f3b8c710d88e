/**
 * Digest authentication of requests that are our own: a challenge is read, and answered. RFC 3261 §22, RFC 7616 §3.4, RFC 8760.
 *
 *   WWW-Authenticate:    Digest realm="carrier.example", nonce="...", qop="auth"     401 --> Authorization
 *   Proxy-Authenticate:  the same                                                   407 --> Proxy-Authorization
 *
 * MD5, which is all that most carriers speak, and SHA-256, with `qop=auth` or none. What stands in quotes is hashed as it was
 * written, its escapes included, and goes back in the same letters.
 */
import { md5 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexOf, utf8 } from "../shared/mod.ts";
import { fieldsOf, type Header } from "./fields.ts";
import type { SipResponse } from "./message.ts";
import { splitOutside } from "./params.ts";
import { trimmed } from "./scan.ts";

/** What a 401 or 407 asks for: texts as they stood between their quotes. RFC 3261 §22.4. */
export interface Challenge {
  /** The name of the field that answers it. */
  readonly answeredBy: "Authorization" | "Proxy-Authorization";
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: keyof typeof HASHES;
  readonly hasQop: boolean;
}

/** Who we are to the one that asks. `user` goes between quotes as it is; the password is hashed and not sent. */
export interface DigestCredentials {
  readonly user: string;
  readonly password: string;
}

const HASHES = { MD5: md5, "SHA-256": sha256 } as const;
const isAlgorithm = (name: string): name is keyof typeof HASHES => Object.hasOwn(HASHES, name);

/** The topmost that we can answer, RFC 8760 §2.4; undefined: there is none, or the response asks for nothing. */
export const challengeIn = (response: SipResponse): Challenge | undefined => {
  const { status } = response;
  if (status !== 401 && status !== 407) return undefined;
  const isProxys = status === 407;
  const answeredBy = isProxys ? "Proxy-Authorization" : "Authorization";
  for (const { value } of fieldsOf(response, isProxys ? "Proxy-Authenticate" : "WWW-Authenticate")) {
    const challenge = challengeOf(value, answeredBy);
    if (challenge !== undefined) return challenge;
  }
  return undefined;
};

const challengeOf = (value: string, answeredBy: Challenge["answeredBy"]): Challenge | undefined => {
  const scheme = /^Digest[ \t]+/i.exec(value);
  if (scheme === null) return undefined;
  const params = new Map<string, string>();
  for (const part of splitOutside(value.slice(scheme[0].length), ",")) {
    const [, name, quoted, plain] = PARAM.exec(trimmed(part)) ?? [];
    if (name === undefined || params.has(name.toLowerCase())) return undefined; // two readers might believe another one each
    params.set(name.toLowerCase(), quoted ?? plain ?? "");
  }
  const [realm, nonce, qop] = [params.get("realm"), params.get("nonce"), params.get("qop")];
  const algorithm = (params.get("algorithm") ?? "MD5").toUpperCase();
  const hasQop = qop !== undefined;
  if (realm === undefined || nonce === undefined || !isAlgorithm(algorithm)) return undefined;
  if (hasQop && !qop.split(",").some((one) => trimmed(one).toLowerCase() === "auth")) return undefined;
  return { answeredBy, realm, nonce, opaque: params.get("opaque"), algorithm, hasQop };
};
const PARAM = /^([A-Za-z0-9-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t",;]+))$/;

/**
 * What answers a challenge for this request. `count`: how often its nonce has been answered, this time included. `cnonce`:
 * letters and digits of ours.
 */
export const authorizationOf = (
  { answeredBy, realm, nonce, opaque, algorithm, hasQop }: Challenge,
  { user, password }: DigestCredentials,
  { method, uri }: { readonly method: string; readonly uri: string },
  { cnonce, count }: { readonly cnonce: string; readonly count: number },
): Header => {
  const hash = (...parts: ReadonlyArray<string>) => hexOf(HASHES[algorithm](utf8(parts.join(":"))));
  const nc = count.toString(16).padStart(8, "0");
  const asked = hasQop ? [nonce, nc, cnonce, "auth"] : [nonce];
  const response = hash(hash(user, realm, password), ...asked, hash(method, uri));
  const fields = [
    `username="${user}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${uri}"`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
    ...(hasQop ? [`cnonce="${cnonce}"`, "qop=auth", `nc=${nc}`] : []),
  ];
  return { name: answeredBy, value: `Digest ${fields.join(", ")}` };
};
