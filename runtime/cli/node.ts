/** `vipr node`: a node of an overlay; and by a running one, a number published, withdrawn or found. */
import { Effect } from "effect";
import { maskE164, normalizeE164 } from "../../codecs/shared/e164.ts";
import { askAdmin } from "../admin-client.ts";
import { nodeTable } from "../command/tables/node.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { logOf } from "./log-options.ts";
import { dataOf, memberOf } from "./member-options.ts";
import { command, Wrong } from "./options.ts";
import { tell } from "./output.ts";
import { runCommand } from "./run.ts";

export const nodeCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(nodeTable, args, async (values, [order, number]) => {
    const data = dataOf(values);
    const run = { name: "vipr node", log: logOf(values) };
    if (order !== undefined) {
      const called = normalizeE164(number ?? "");
      if (called === undefined) throw new Wrong(`${order} wants a telephone number, as +14085555432`);
      return await runCommand(run, ordered(data, order, called, values));
    }
    const settings = memberOf(values);
    const [{ serveNode }, { nodeLayer }] = await Promise.all([import("./serve-node.ts"), import("../node.ts")]);
    return await runCommand(run, Effect.provide(serveNode(settings), nodeLayer()));
  });

interface OrderFlags {
  readonly vservice: string;
  readonly json: boolean;
}

/** The command's own output names the number; the log and an error only its ends. */
const ordered = (
  data: string,
  order: string,
  number: string,
  { vservice, json }: OrderFlags,
): Effect.Effect<void, Stopped> =>
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
    if (order === "publish")
      tell(json, `${number} is published for seven days, with ${replicas} replicas`, { number, replicas });
    else if (order === "withdraw") tell(json, `${number} is withdrawn`, { number });
    else {
      const lines = claims.map(({ nodeId, vservice }) => `${number} ${nodeId} ${vservice}`);
      tell(json, lines.length === 0 ? `${number}: no node says that it serves it` : lines.join("\n"), {
        number,
        claims,
      });
    }
  });
