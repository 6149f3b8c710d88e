/** The tables of `vipr backup` and `vipr restore`. */
import { CONFIG_OPTIONS, JSON_OPTION } from "../shared.ts";
import { table } from "../spec.ts";

const OPTIONS = {
  data: { type: "string", value: "DIR", text: "the directory of a server or a node, whose values.sqlite it is" },
  store: { type: "string", value: "URL", text: "or a PostgreSQL, as postgres://vipr@db.example/vipr" },
  "store-password-file": {
    type: "string",
    value: "FILE",
    text: "its password, the first line; else PGPASSWORD or the password file of libpq",
  },
  ...CONFIG_OPTIONS,
  ...JSON_OPTION,
} as const;

const USAGE = ["FILE --data DIR | --store URL | --config vipr.toml  [--json]"];
const NOT_IN_IT = `The other files of the directory are not in it: the node's key and certificate, agents, domains and their
secrets. Copy them by other means, and as carefully as a password.`;

const NOTES = `With --config, [server] says which of both the store is. How far it has come is shown on a terminal's standard
error twice a second, elsewhere by a line every ten seconds. --json prints {"file","rows","bytes","ms"} at the end.`;

export const backupTable = table({
  name: "backup",
  summary: "what a server or a node keeps, in one file, while it runs",
  usage: USAGE,
  about: `FILE has what the store had at one moment. It is readable for its user alone, has a checksum at its end, and is there
when it is whole and on disk. ${NOT_IN_IT}`,
  options: OPTIONS,
  words: [1, 1],
  completes: "file",
  notes: NOTES,
  examples: [
    { text: "a server's store", line: "vipr backup /var/backups/vipr.bak --data /var/lib/vipr/server" },
    { text: "out of PostgreSQL", line: "vipr backup vipr.bak --store postgres://vipr@db.example/vipr" },
  ],
  codes: {
    done: true,
    usage: true,
    unreachable: "the PostgreSQL cannot be reached",
    refused: "it refuses the user",
    notWritable: "a file cannot be read or written",
    diskFull: true,
    damaged: "the store is damaged or of a newer version",
    interrupted: "ended by a signal: FILE is not written",
  },
});

export const restoreTable = table({
  name: "restore",
  summary: "an empty store from such a file",
  usage: USAGE,
  about: `From SQLite into PostgreSQL and back as well. All of it or nothing: a store that has anything in it, or a server that
runs, is refused, and so is a FILE whose checksum is wrong. ${NOT_IN_IT}`,
  options: OPTIONS,
  words: [1, 1],
  completes: "file",
  notes: NOTES,
  examples: [{ text: "into a new directory", line: "vipr restore /var/backups/vipr.bak --data /var/lib/vipr/server" }],
  codes: {
    done: true,
    usage: true,
    unreachable: "the PostgreSQL cannot be reached",
    refused: "it refuses the user, or the store is not empty",
    inUse: "a server runs",
    notWritable: "a file cannot be read or written",
    diskFull: true,
    damaged: "FILE is damaged",
    interrupted: "ended by a signal: the store is as empty as before",
  },
});
