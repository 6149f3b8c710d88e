/** `vipr node`: a node of an overlay; and by a running one, a number published, withdrawn or found. */
import { Effect } from "effect";
import { maskE164, normalizeE164 } from "../../codecs/shared/e164.ts";
import { askAdmin } from "../admin-client.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { LOG_HELP, logOf } from "./log-options.ts";
import { dataOf, IDENTITY_HELP, MEMBER_CODES, MEMBER_OPTIONS, memberOf } from "./member-options.ts";
import { command, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { ADMIN_PORT, RELOAD_PORT } from "./ports.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr node: a node of an overlay; it enrols once, and keeps its key and its values in a directory

usage: vipr node --data DIR --authority https://HOST:8443 --fingerprint sha256:... --user NAME
       vipr node --data DIR                       (when it has enrolled)
       vipr node publish|withdraw|find NUMBER --data DIR

  --data DIR            where this node keeps what it has; made if missing, for this user alone
${IDENTITY_HELP}
  --listen HOST:PORT    an address of this machine (default 0.0.0.0:${RELOAD_PORT})
  --advertise HOST:PORT where others reach this node, if that is another address
  --admin HOST:PORT     where vipr ring asks, on this machine only (default 127.0.0.1:${ADMIN_PORT});
                        port 0 takes a free one, none opens none
${LOG_HELP}
  --help                this text

publish tells the overlay that this node serves the number, for seven days; find tells which nodes
say so. They speak to the running node through the admin port that DIR/admin.json names.
  --vservice HEX        whose number it is within this node (default 0)

The log goes to standard error, a line an event; it holds no password and no telephone number.
SIGTERM and SIGINT end the node politely: others get what it holds, then 0 is the exit code.

${MEMBER_CODES}
`;

const orderHelp = (order: string, what: string) => `usage: vipr node ${order} NUMBER [--vservice HEX] --data DIR

${what}

  --vservice HEX      whose number it is within this node (default 0)
  --data DIR          the directory of the running node, which names its admin port
  --help              this text

exit codes: 0, 2 options, 3 the node does not answer, 4 the overlay refused, 8 the node's disk is full
`;
const ORDERS = {
  publish: orderHelp("publish", "Tells the overlay that this node serves the number, +14085555432, for seven days."),
  withdraw: orderHelp("withdraw", "Takes back what publish has told the overlay of the number."),
  find: orderHelp("find", "Prints each node that says that it serves the number, with its VService."),
} as const;

const OPTIONS = { ...MEMBER_OPTIONS, vservice: { type: "string", default: "0" } } as const;

export const nodeCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(
    { name: "vipr node", help: HELP, orders: ORDERS, options: OPTIONS, words: [0, 2] },
    args,
    async (values, [order, number]) => {
      const data = dataOf(values);
      const run = { name: "vipr node", log: logOf(values) };
      if (order !== undefined) {
        if (order !== "publish" && order !== "withdraw" && order !== "find")
          throw new Wrong(`there is no order "${order}", but publish, withdraw and find`);
        const called = normalizeE164(number ?? "");
        if (called === undefined) throw new Wrong(`${order} wants a telephone number, as +14085555432`);
        return await runCommand(run, ordered(data, order, called, values.vservice));
      }
      const settings = memberOf(values);
      const [{ serveNode }, { nodeLayer }] = await Promise.all([import("./serve-node.ts"), import("../node.ts")]);
      return await runCommand(run, Effect.provide(serveNode(settings), nodeLayer()));
    },
  );

/** The command's own output names the number; the log and an error only its ends. */
const ordered = (data: string, order: string, number: string, vservice: string): Effect.Effect<void, Stopped> =>
  Effect.gen(function* () {
    const door = yield* readDoor(yield* knownFolder(data));
    const { status, body, isSealed } = yield* Effect.mapError(
      askAdmin(door, { path: `/${order}`, token: door.token, body: { number, vservice } }),
      ({ why }) => stopped("unreachable", `the node does not answer at ${why}`),
    );
    if (!isSealed)
      return yield* stopped("unreachable", `whoever answers at ${door.host}:${door.port} is not that node`);
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
