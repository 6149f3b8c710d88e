/** `[server]`: the company's ViPR server, where `vipr company` runs it beside call agent and border element. */
import { endpoint } from "./addresses.ts";
import { key, like, text, whole } from "./key.ts";

export const serverKeys = {
  authority: key(
    like(/^https:\/\/[^/?#@\s]+\/?$/, 'a URL, as "https://authority.example:8443"'),
    "where it enrols, the first time",
  ),
  fingerprint: key(
    like(/^(?:sha256:)?[0-9a-f]{2}(?::?[0-9a-f]{2}){31}$/i, "a SHA-256 fingerprint, as vipr authority prints it"),
    "of the overlay's root: whom it believes there",
  ),
  "root-file": key(text("the path of a PEM file"), "... or that root itself"),
  user: key(text("a name"), "the account at the authority"),
  "password-file": key(text("the path of a file"), "its password: the first line of that file"),
  listen: key(endpoint(6084), "RELOAD, an address of this machine; 0.0.0.0:6084 without it"),
  advertise: key(endpoint(6084), "where other nodes reach it, if that is another address"),
  pvp: key(endpoint(5621), "validations; 0.0.0.0:5621 without it"),
  "advertise-pvp": key(endpoint(5621), "where other servers reach them, if that is another address"),
  vap: key(endpoint(5620), "call agents on this machine; 127.0.0.1:5620 without it"),
  admin: key(endpoint(8080), "where vipr ring and vipr explain ask, on this machine; 127.0.0.1:8080 without it"),
  "required-bits": key(whole(1, 64), "what the proofs of a route are worth at least; 12 without it"),
  "wait-min-s": key(whole(1, 604_800), "from a call to its validation at least; 30 without it"),
  "wait-max-s": key(whole(1, 604_800), "... and at most; what the overlay says without it, a day"),
} as const;
