/** `vipr node`: a node of an overlay; and by a running one, a number published, withdrawn or found. */
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { maskE164, normalizeE164 } from "../../codecs/shared/e164.ts";
import { askAdmin } from "../admin-client.ts";
import { anchorOf, authorityOf } from "./anchor.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { addressOf, command, logOptions, loopbackOf, required, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { ownAddress } from "./own-address.ts";
import { ADMIN_PORT, RELOAD_PORT } from "./ports.ts";
import { runCommand } from "./run.ts";
import type { NodeSettings } from "./serve-node.ts";

const HELP = `vipr node: a node of an overlay; it enrols once, and keeps its key and its values in a directory

usage: vipr node --data DIR --authority https://HOST:8443 --fingerprint sha256:... --user NAME
       vipr node --data DIR                       (when it has enrolled)
       vipr node publish|withdraw|find NUMBER --data DIR

  --data DIR            where this node keeps what it has; made if missing, for this user alone
  --authority URL       where to enrol: what vipr authority printed
  --fingerprint SHA256  of the overlay's root, as vipr authority printed it; or
  --root FILE           the root itself, or the root of the authority's HTTPS certificate (PEM)
  --name OVERLAY        refuse any other overlay there
  --user NAME           the account at the authority
  --password-file FILE  its password, the first line; - is standard input. Without it the password is
                        asked for; with it the certificate is also renewed in time
  --listen HOST:PORT    an address of this machine (default 0.0.0.0:${RELOAD_PORT})
  --advertise HOST:PORT where others reach this node, if that is another address
  --admin HOST:PORT     where vipr ring asks, on this machine only (default 127.0.0.1:${ADMIN_PORT});
                        port 0 takes a free one, none opens none
  --verbose             log what happens in detail
  --help                this text

publish tells the overlay that this node serves the number, for seven days; find tells which nodes
say so. They speak to the running node through the admin port that DIR/admin.json names.
  --vservice HEX        whose number it is within this node (default 0)

The log goes to standard error, a line an event; it holds no password and no telephone number.
SIGTERM and SIGINT end the node politely: others get what it holds, then 0 is the exit code.

exit codes: 1 a fault of this program, 2 options, 3 the authority (or the running node) cannot be
reached, 4 refused, 5 a port is taken, 6 another process uses DIR, 7 DIR cannot be written, 8 the disk
is full, 9 a file in DIR is damaged, 10 a certificate is not valid at this hour, 11 the overlay asks
what this program cannot
`;

const OPTIONS = {
  data: { type: "string" },
  authority: { type: "string" },
  fingerprint: { type: "string" },
  root: { type: "string" },
  name: { type: "string" },
  user: { type: "string" },
  "password-file": { type: "string" },
  listen: { type: "string", default: `0.0.0.0:${RELOAD_PORT}` },
  advertise: { type: "string" },
  admin: { type: "string", default: `127.0.0.1:${ADMIN_PORT}` },
  vservice: { type: "string", default: "0" },
  ...logOptions,
} as const;

export const nodeCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr node", help: HELP, options: OPTIONS, words: [0, 2] }, args, async (values, [order, number]) => {
    const data = required(values.data, "data", "the directory of this node");
    const logLevel = values.verbose ? "Debug" : "Info";
    if (order !== undefined) {
      if (order !== "publish" && order !== "withdraw" && order !== "find")
        throw new Wrong(`there is no order "${order}", but publish, withdraw and find`);
      const called = normalizeE164(number ?? "");
      if (called === undefined) throw new Wrong(`${order} wants a telephone number, as +14085555432`);
      return await runCommand({ name: "vipr node", logLevel }, ordered(data, order, called, values.vservice));
    }
    const listen = addressOf(values.listen, "listen", RELOAD_PORT);
    const settings: NodeSettings = {
      data,
      authority: values.authority === undefined ? undefined : authorityOf(values.authority),
      anchor:
        values.fingerprint === undefined && values.root === undefined
          ? undefined
          : anchorOf(values.root, values.fingerprint),
      name: values.name,
      user: values.user,
      passwordFile: values["password-file"],
      listen,
      advertise: advertiseOf(values.advertise, listen),
      admin: values.admin === "none" ? undefined : loopbackOf(values.admin, "admin", ADMIN_PORT),
    };
    const [{ serveNode }, { nodeLayer }] = await Promise.all([import("./serve-node.ts"), import("../node.ts")]);
    return await runCommand({ name: "vipr node", logLevel }, Effect.provide(serveNode(settings), nodeLayer()));
  });

/** A node that listens everywhere must say where; with one address the machine itself knows. */
const advertiseOf = (text: string | undefined, listen: Endpoint): Endpoint | undefined => {
  if (text !== undefined) return addressOf(text, "advertise", listen.port === 0 ? undefined : listen.port);
  const host = ownAddress(listen.host);
  if (host === listen.host) return undefined;
  if (host === undefined || listen.port === 0)
    throw new Wrong(`--listen ${listen.host} is every address: --advertise must say where others reach this node`);
  return { host, port: listen.port };
};

/** The command's own output names the number; the log and an error only its ends. */
const ordered = (data: string, order: string, number: string, vservice: string): Effect.Effect<void, Stopped> =>
  Effect.gen(function* () {
    const door = yield* readDoor(yield* knownFolder(data));
    const { status, body } = yield* Effect.mapError(
      askAdmin(door, { path: `/${order}`, token: door.token, body: { number, vservice } }),
      ({ why }) => stopped("unreachable", `the node does not answer at ${why}`),
    );
    const {
      error,
      replicas,
      claims = [],
    } = body as {
      readonly error?: string;
      readonly replicas?: number;
      readonly claims?: ReadonlyArray<{ readonly nodeId: string; readonly vservice: string }>;
    };
    if (status === 507) return yield* stopped("diskFull", `${maskE164(number)}: ${error}`);
    if (status !== 200)
      return yield* stopped(
        status === 503 || status === 504 ? "unreachable" : "refused",
        `${maskE164(number)}: ${error}`,
      );
    if (order === "publish") say(`${number} is published for seven days, with ${replicas} replicas`);
    else if (order === "withdraw") say(`${number} is withdrawn`);
    else if (claims.length === 0) say(`${number}: no node says that it serves it`);
    else for (const claim of claims) say(`${number} ${claim.nodeId} ${claim.vservice}`);
  });
