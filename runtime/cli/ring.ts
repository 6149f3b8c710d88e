/** `vipr ring`: a live overlay as one of its nodes sees it, for people and for scripts. */
import process from "node:process";
import { Effect } from "effect";
import { REPORT_VERSION, type RingReport } from "../../actors/admin/form.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { askAdmin } from "../admin-client.ts";
import { ringTable } from "../command/tables/look.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { command, loopbackOf, Wrong, wholeOf } from "./options.ts";
import { clear, say } from "./output.ts";
import { ADMIN_PORT } from "./ports.ts";
import { ringText } from "./ring-text.ts";
import { runCommand } from "./run.ts";

const EVERY_S_MAX = 3_600;

export const ringCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(ringTable, args, async (values) => {
    if (values.admin !== undefined && values.data !== undefined)
      throw new Wrong("--admin and --data both say where: give one");
    const fixed = loopbackOf(values.admin ?? `127.0.0.1:${ADMIN_PORT}`, "admin", ADMIN_PORT);
    const { data, json, watch } = values;
    const everyMs = 1_000 * wholeOf(values.every, "every", 1, EVERY_S_MAX);
    const at = data === undefined ? Effect.succeed(fixed) : Effect.flatMap(knownFolder(data), readDoor);
    const show = Effect.map(Effect.flatMap(at, reportAt), (report) => tell(report, json, watch));
    // A node that restarts is waited for, once it has been seen.
    const again = Effect.andThen(
      Effect.sleep(everyMs),
      Effect.catch(show, ({ why }) => Effect.sync(() => say(json ? JSON.stringify({ error: why }) : why))),
    );
    const program = watch ? Effect.andThen(show, Effect.forever(again)) : show;
    return await runCommand({ name: "vipr ring", logLevel: "Warn" }, program);
  });

const reportAt = Effect.fnUntraced(function* (at: Endpoint): Effect.fn.Return<RingReport, Stopped> {
  const { status, body } = yield* Effect.mapError(askAdmin(at, "/ring.json"), ({ why }) =>
    stopped("unreachable", `no node answers at ${why}; vipr node --admin opens the port`),
  );
  const { version, error } = body as { readonly version?: number; readonly error?: string };
  if (status === 200 && version === REPORT_VERSION) return body as RingReport;
  return yield* stopped("unreachable", error ?? `what answers at ${at.host}:${at.port} is no node of this version`);
});

const tell = (report: RingReport, json: boolean, watch: boolean): void => {
  if (!json && watch && process.stdout.isTTY) clear();
  say(json ? JSON.stringify(report) : ringText(report));
};
