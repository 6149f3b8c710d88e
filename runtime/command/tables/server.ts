/** The table of `vipr server`. */
import { CONFIG_OPTIONS, JSON_OPTION, MEMBER_CODES, MEMBER_OPTIONS } from "../shared.ts";
import { table } from "../spec.ts";
import { serverOrders } from "./server-orders.ts";

export const serverTable = table({
  name: "server",
  summary: "a company's ViPR server, its call agents and its domains",
  usage: [
    "--data DIR --authority https://HOST:8443 --fingerprint sha256:... --user NAME",
    "--data DIR                         (when it has enrolled)",
    "--config vipr.toml                 ([server] has every option as a key)",
  ],
  about: `A node of the overlay that call agents tell of their calls (VAP), and that proves calls to other companies'
servers (PVP).`,
  options: {
    ...CONFIG_OPTIONS,
    ...MEMBER_OPTIONS,
    pvp: { type: "string", value: "HOST:PORT", text: "validations (default 0.0.0.0:5621)" },
    "advertise-pvp": {
      type: "string",
      value: "HOST:PORT",
      text: "where other servers reach PVP, if that is another address",
    },
    "pvp-group": {
      type: "string",
      value: "BITS",
      among: ["2048", "3072", "4096"],
      text: "of SRP in validations: 2048, 3072 or 4096 (default 2048); more costs both sides more",
    },
    vap: {
      type: "string",
      value: "HOST:PORT",
      text: "call agents (default 127.0.0.1:5620); elsewhere than on loopback over TLS",
    },
    "insecure-vap": {
      type: "boolean",
      default: false,
      text: "there in plain TCP: who listens on the way reads numbers and calls",
    },
    "required-bits": {
      type: "string",
      value: "N",
      text: "what the proofs of a route are worth at least, 1 to 64 (default 12)",
    },
    wait: {
      type: "string",
      value: "MIN-MAX",
      text: "seconds from a call to its validation, drawn in between (default 30 up to what the overlay says, a day)",
    },
    grace: {
      type: "string",
      value: "SECONDS",
      text: "how long calls that are due at the start wait for the call agents to come back (default 300)",
    },
    store: {
      type: "string",
      value: "URL",
      text: "what it keeps goes into that PostgreSQL, as postgres://vipr@db.example/vipr; into a file in DIR without it",
    },
    "store-password-file": {
      type: "string",
      value: "FILE",
      text: "its password, the first line; else PGPASSWORD or the password file of libpq",
    },
    private: {
      type: "boolean",
      default: false,
      text: "its calls are proved by method C, which shows claimants no number",
    },
    public: {
      type: "boolean",
      default: false,
      text: "undoes --private; without either the domain stays what it was",
    },
    "new-secret": {
      type: "boolean",
      default: false,
      text: "another secret under the next epoch: border elements must be told",
    },
    tenant: {
      type: "string",
      value: "TENANT",
      text: "the company whose it is, see add-tenant; without it the server's own",
    },
    share: {
      type: "string",
      value: "PERCENT",
      text: "1 to 99; without it an equal part of what the others leave",
    },
    ...JSON_OPTION,
  },
  own: [
    "data",
    "config",
    "set",
    "authority",
    "fingerprint",
    "root",
    "name",
    "user",
    "password-file",
    "listen",
    "advertise",
    "pvp",
    "advertise-pvp",
    "pvp-group",
    "vap",
    "insecure-vap",
    "admin",
    "required-bits",
    "wait",
    "grace",
    "store",
    "store-password-file",
    "log",
    "verbose",
  ],
  orders: serverOrders,
  notes: `What is added or removed counts a second later, also while the server runs.

The log goes to standard error, a line an event; it holds no password and no whole telephone number.
SIGTERM and SIGINT end the server politely: others get what it holds, then 0 is the exit code.`,
  examples: [
    {
      text: "the first start, with an account at the authority",
      line: "vipr server --data /var/lib/vipr/server --authority https://192.0.2.1:8443 \\\n  --fingerprint sha256:b5d0...17 --user a",
    },
    { text: "by the company's configuration", line: "vipr server --config /etc/vipr/vipr.toml" },
  ],
  codes: MEMBER_CODES,
});
