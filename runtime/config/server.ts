/** `[server]`: the company's ViPR server, by itself (`vipr server`) or beside call agent and border element (`vipr company`). */
import { PVP_GROUPS } from "../../codecs/validation/mod.ts";
import { postgresAddress } from "../store/postgres-url.ts";
import { address, loopbackAt } from "./addresses.ts";
import { flag, key, like, list, map, numberOf, readAs, text, whole } from "./key.ts";

export const serverKeys = {
  data: key(text("the path of a directory"), "where it keeps what it has; the directory server of data without it"),
  store: key(
    readAs((url) => {
      const found = postgresAddress(url);
      return typeof found === "string" ? undefined : found;
    }, 'a URL without a password, as "postgres://vipr@db.example/vipr"'),
    "a PostgreSQL that keeps what it has; a file in its directory without it",
  ),
  "store-password-file": key(
    text("the path of a file"),
    "its password there; PGPASSWORD or the password file of libpq without it",
  ),
  cluster: key(
    address(5623),
    "where this server is reached by the company's other servers that have the same PostgreSQL; without it there are none",
  ),
  "cluster-listen": key(address(5623), "where it listens for them, if that is another address"),
  "cluster-certificate-file": key(
    text("the path of a PEM file"),
    "what it shows them: a certificate for servers and clients",
  ),
  "cluster-key-file": key(text("the path of a PEM file"), "... its key"),
  "cluster-ca-file": key(
    text("the path of a PEM file"),
    "the roots that certify these servers and nobody else; all of them name the same",
  ),
  authority: key(
    like(/^https:\/\/[^/?#@\s]+\/?$/, 'a URL, as "https://authority.example:8443"'),
    "where it enrols, the first time",
  ),
  fingerprint: key(
    like(/^(?:sha256:)?[0-9a-f]{2}(?::?[0-9a-f]{2}){31}$/i, "a SHA-256 fingerprint, as vipr authority prints it"),
    "of the overlay's root: whom it believes there",
  ),
  "root-file": key(text("the path of a PEM file"), "... or that root itself"),
  name: key(text("a name"), "the overlay's: any other one there is refused; vap.overlay without it"),
  user: key(text("a name"), "the account at the authority"),
  "password-file": key(text("the path of a file"), "its password: the first line of that file"),
  listen: key(address(6084), "RELOAD, an address of this machine; 0.0.0.0:6084 without it"),
  advertise: key(address(6084), "where other nodes reach it, if that is another address"),
  pvp: key(address(5621), "validations; 0.0.0.0:5621 without it"),
  "advertise-pvp": key(address(5621), "where other servers reach them, if that is another address"),
  "pvp-group": key(numberOf(...PVP_GROUPS), "bits of the SRP group in validations; 2048 without it"),
  vap: key(
    address(5620),
    "call agents; 127.0.0.1:5620 without it. Elsewhere than on loopback over TLS; vipr company takes loopback alone",
  ),
  "insecure-vap": key(flag, "there in plain TCP: whoever listens reads numbers and calls", false),
  admin: key(loopbackAt(8080), "where vipr ring, vipr explain and Prometheus ask; 127.0.0.1:8080 without it"),
  agents: key(
    map(text("the path of a file"), 'a table, as { pbx = "/etc/vipr/pbx-password" }'),
    "call agents that may connect, each with the file of its password, beside those of vipr server add-agent",
    {},
  ),
  domains: key(
    list(text("a domain"), 'a list, as ["acme.example"]'),
    "what tickets are granted for, beside those of vipr server add-domain",
    [],
  ),
  "required-bits": key(whole(1, 64), "what the proofs of a route are worth at least; 12 without it"),
  "wait-min-s": key(whole(1, 604_800), "from a call to its validation at least; 30 without it"),
  "wait-max-s": key(whole(1, 604_800), "... and at most; what the overlay says without it, a day"),
  "grace-s": key(
    whole(0, 86_400),
    "how long calls that are due at the start wait for the call agents to come back; 300 without it",
  ),
} as const;
