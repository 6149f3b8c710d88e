/** `vipr authority`: an overlay's root, its configuration and its enrolment server; and the accounts that may enrol. */
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { accountOrder } from "./account-orders.ts";
import { AUTHORITY_ORDERS } from "./authority-help.ts";
import { namedFolder, openFolder } from "./folder.ts";
import { LOG_HELP, logOf, logOptions } from "./log-options.ts";
import { command, endpointOf, required, Wrong, wholeOf } from "./options.ts";
import { overlayChanges } from "./overlay-flags.ts";
import { ENROLMENT_PORT } from "./ports.ts";
import { ROOT_ORDERS, rootOrder } from "./roots.ts";
import { runCommand } from "./run.ts";
import type { AuthoritySettings } from "./serve-authority.ts";

const DAY_MS = 86_400_000;
const CERTIFICATE_MS_MIN = 60_000;
const NODE_IDS_MAX = 64;

const HELP = `vipr authority: makes an overlay, and lets nodes into it

usage: vipr authority --data DIR --name OVERLAY --bootstrap HOST:PORT
       vipr authority --data DIR                         (when it has been made)
       vipr authority add-user|remove-user NAME --data DIR
       vipr authority users --data DIR
       vipr authority new-root|use-new-root|drop-old-root --data DIR

  --data DIR              keys, accounts and the configuration; made if missing, for this user alone
  --name OVERLAY          the overlay's name, as a DNS name; it never changes
  --bootstrap HOST:PORT   where nodes begin; the first may form the overlay alone. May be repeated
  --listen HOST:PORT      enrolment over HTTPS (default 0.0.0.0:${ENROLMENT_PORT})
  --advertise HOST[:PORT] where nodes reach it, if that is another address
  --quota N               entries one Node-ID may keep in the overlay (default 10000)
  --stores N, --fetches N a second, for each node (default 10)
  --number-hash sha1|scrypt  how numbers are hashed; scrypt against enumeration. It never changes
  --bad-node NODE-ID      32 hexadecimal digits: out of the overlay. May be repeated; none takes all back
  --certificate-days N    how long a node's certificate is good (default 365)
  --nodes-per-user N      Node-IDs one account may have (default 1)
  --password-file FILE    add-user: the password, the first line; - is standard input
${LOG_HELP}
  --help                  this text

add-user asks for the password, or reads the first line of standard input. It takes effect at once, as remove-user does: a node that has enrolled stays until its certificate ends or --bad-node
names it. What is given on a later run changes the configuration under a new sequence number, and
nodes tell each other of it.

exit codes: as those of vipr node; 0 after SIGTERM or SIGINT
`;

const OPTIONS = {
  data: { type: "string" },
  name: { type: "string" },
  bootstrap: { type: "string", multiple: true },
  listen: { type: "string", default: `0.0.0.0:${ENROLMENT_PORT}` },
  advertise: { type: "string" },
  quota: { type: "string" },
  stores: { type: "string" },
  fetches: { type: "string" },
  "number-hash": { type: "string" },
  "bad-node": { type: "string", multiple: true },
  "certificate-days": { type: "string", default: "365" },
  "nodes-per-user": { type: "string", default: "1" },
  "password-file": { type: "string" },
  ...logOptions,
} as const;

export const authorityCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(
    { name: "vipr authority", help: HELP, orders: AUTHORITY_ORDERS, options: OPTIONS, words: [0, 2] },
    args,
    async (values, [order, name]) => {
      const data = required(values.data, "data", "the directory of this authority");
      const run = { name: "vipr authority", log: logOf(values) };
      const isOfRoots = ROOT_ORDERS.find((one) => one === order);
      if (isOfRoots !== undefined) {
        if (name !== undefined) throw new Wrong(`${order} wants no name`);
        return await runCommand(run, Effect.flatMap(namedFolder(data), rootOrder(isOfRoots)));
      }
      if (order !== undefined)
        return await runCommand(
          run,
          Effect.flatMap(
            order === "add-user" ? openFolder(data) : namedFolder(data),
            accountOrder(order, name, values["password-file"]),
          ),
        );
      if (values["password-file"] !== undefined) throw new Wrong("--password-file is for add-user");
      const listen = endpointOf(values.listen, "listen", ENROLMENT_PORT);
      const days = Number(values["certificate-days"]);
      if (!(days * DAY_MS >= CERTIFICATE_MS_MIN && days <= 3_650))
        throw new Wrong(`--certificate-days wants a number of days up to 3650, not "${values["certificate-days"]}"`);
      const settings: AuthoritySettings = {
        data,
        name: values.name,
        listen,
        advertise: values.advertise === undefined ? undefined : advertised(values.advertise, listen),
        changes: overlayChanges(values),
        certificateMs: Math.round(days * DAY_MS),
        nodeIdsPerUser: wholeOf(values["nodes-per-user"], "nodes-per-user", 1, NODE_IDS_MAX),
      };
      // Only a server needs all that stands behind it; an order is done sooner without.
      const [{ serveAuthority }, { nodeLayer }] = await Promise.all([
        import("./serve-authority.ts"),
        import("../node.ts"),
      ]);
      return await runCommand(run, Effect.provide(serveAuthority(settings), nodeLayer()));
    },
  );

/** Port 0: the one that the listener takes. */
const advertised = (text: string, listen: Endpoint): Endpoint => endpointOf(text, "advertise", listen.port);
