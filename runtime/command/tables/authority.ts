/** The table of `vipr authority`. */
import { JSON_OPTION, LOG_OPTIONS, MEMBER_CODES, PASSWORD_FILE } from "../shared.ts";
import { table } from "../spec.ts";

const NAMED = ["data", "json"] as const;

export const authorityTable = table({
  name: "authority",
  summary: "an overlay's root, its configuration, and its enrolment server",
  usage: [
    "--data DIR --name OVERLAY --bootstrap HOST:PORT",
    "--data DIR                         (when it has been made)",
  ],
  about: `It makes an overlay and lets nodes into it. What is given on a later run changes the overlay's configuration under
a new sequence number, and nodes tell each other of it.`,
  options: {
    data: {
      type: "string",
      value: "DIR",
      text: "keys, accounts and the configuration; made if missing, for this user alone",
    },
    name: { type: "string", value: "OVERLAY", text: "the overlay's name, as a DNS name; it never changes" },
    bootstrap: {
      type: "string",
      multiple: true,
      value: "HOST:PORT",
      text: "where nodes begin; the first may form the overlay alone. May be repeated",
    },
    listen: {
      type: "string",
      default: "0.0.0.0:8443",
      value: "HOST:PORT",
      text: "enrolment over HTTPS (default 0.0.0.0:8443)",
    },
    advertise: { type: "string", value: "HOST[:PORT]", text: "where nodes reach it, if that is another address" },
    quota: { type: "string", value: "N", text: "entries one Node-ID may keep in the overlay (default 10000)" },
    stores: { type: "string", value: "N", text: "Store requests a second, for each node (default 10)" },
    fetches: { type: "string", value: "N", text: "Fetch requests a second, for each node (default 10)" },
    "number-hash": {
      type: "string",
      value: "HASH",
      among: ["sha1", "scrypt"],
      text: "how numbers are hashed: sha1, or scrypt against enumeration. It never changes",
    },
    "bad-node": {
      type: "string",
      multiple: true,
      value: "NODE-ID",
      text: "32 hexadecimal digits: out of the overlay. May be repeated; none takes all back",
    },
    "certificate-days": {
      type: "string",
      default: "365",
      value: "N",
      text: "how long a node's certificate is good (default 365)",
    },
    "nodes-per-user": { type: "string", default: "1", value: "N", text: "Node-IDs one account may have (default 1)" },
    "password-file": PASSWORD_FILE,
    ...LOG_OPTIONS,
    ...JSON_OPTION,
  },
  own: [
    "data",
    "name",
    "bootstrap",
    "listen",
    "advertise",
    "quota",
    "stores",
    "fetches",
    "number-hash",
    "bad-node",
    "certificate-days",
    "nodes-per-user",
    "log",
    "verbose",
  ],
  orders: {
    "add-user": {
      summary: "lets an account enrol, or gives it another password",
      usage: ["NAME [--password-file FILE] --data DIR"],
      about: `It counts at once, also while the authority runs. The password is asked for, or the first line of standard input:
8 to 512 characters, stored as a salted scrypt hash.`,
      words: [1, 1],
      options: [...NAMED, "password-file"],
      examples: [
        { text: "an account for company a's server", line: "vipr authority add-user a --data /var/lib/vipr/authority" },
      ],
    },
    "remove-user": {
      summary: "lets an account enrol no more",
      usage: ["NAME --data DIR"],
      about: `A node that has enrolled stays until its certificate ends, or until vipr authority --bad-node names it.`,
      words: [1, 1],
      options: NAMED,
      examples: [{ text: "company a has left", line: "vipr authority remove-user a --data /var/lib/vipr/authority" }],
    },
    users: {
      summary: "the accounts that may enrol, a line each",
      usage: ["--data DIR [--json]"],
      options: NAMED,
      examples: [{ text: "as a JSON object", line: "vipr authority users --data /var/lib/vipr/authority --json" }],
    },
    "new-root": {
      summary: "makes the overlay's next root",
      usage: ["--data DIR"],
      about: "From the authority's next start it is in the overlay's configuration document beside the present one.",
      options: NAMED,
      examples: [{ text: "the first of three steps", line: "vipr authority new-root --data /var/lib/vipr/authority" }],
    },
    "use-new-root": {
      summary: "from the authority's next start the new root signs",
      usage: ["--data DIR"],
      about: `The old root stays in the document. At the earliest an hour after the start that followed new-root: a node without
that document refuses what the new root signs.`,
      options: NAMED,
      examples: [{ text: "the second step", line: "vipr authority use-new-root --data /var/lib/vipr/authority" }],
    },
    "drop-old-root": {
      summary: "from the authority's next start the old root is out of the document",
      usage: ["--data DIR"],
      about: "Nodes with a certificate of it are out then.",
      options: NAMED,
      examples: [{ text: "the third step", line: "vipr authority drop-old-root --data /var/lib/vipr/authority" }],
    },
  },
  examples: [
    {
      text: "a new overlay whose first node will be at 192.0.2.1",
      line: "vipr authority --data /var/lib/vipr/authority --name phones.example --bootstrap 192.0.2.1:6084",
    },
    { text: "the same overlay after a restart", line: "vipr authority --data /var/lib/vipr/authority" },
  ],
  codes: MEMBER_CODES,
});
