/** `vipr authority`: an overlay's root, its configuration and its enrolment server; and the accounts that may enrol. */
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { authorityTable } from "../command/tables/authority.ts";
import { accountOrder } from "./account-orders.ts";
import { namedFolder, openFolder } from "./folder.ts";
import { logOf } from "./log-options.ts";
import { command, endpointOf, required, Wrong, wholeOf } from "./options.ts";
import { overlayChanges } from "./overlay-flags.ts";
import { ENROLMENT_PORT } from "./ports.ts";
import { ROOT_ORDERS, rootOrder } from "./roots.ts";
import { runCommand } from "./run.ts";
import type { AuthoritySettings } from "./serve-authority.ts";

const DAY_MS = 86_400_000;
const CERTIFICATE_MS_MIN = 60_000;
const NODE_IDS_MAX = 64;

export const authorityCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(authorityTable, args, async (values, [order, name]) => {
    const data = required(values.data, "data", "the directory of this authority");
    const run = { name: "vipr authority", log: logOf(values) };
    const isOfRoots = ROOT_ORDERS.find((one) => one === order);
    if (isOfRoots !== undefined) {
      return await runCommand(run, Effect.flatMap(namedFolder(data), rootOrder(isOfRoots, values.json)));
    }
    if (order !== undefined)
      return await runCommand(
        run,
        Effect.flatMap(
          order === "add-user" ? openFolder(data) : namedFolder(data),
          accountOrder(order, name, values["password-file"], values.json),
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
  });

/** Port 0: the one that the listener takes. */
const advertised = (text: string, listen: Endpoint): Endpoint => endpointOf(text, "advertise", listen.port);
