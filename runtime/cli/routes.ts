/** `vipr routes`: the routes that a call agent knows; one switched off and on, or forgotten. */
import { Effect } from "effect";
import type { ShownRoute } from "../../actors/admin/mod.ts";
import { normalizeE164 } from "../../codecs/shared/e164.ts";
import { askAdmin } from "../admin-client.ts";
import { agentData, CONFIG_HELP, configOptions, loadConfig, missing } from "./config-file.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { namedFolder } from "./folder.ts";
import { command, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr routes: the routes that the call agent knows

usage: vipr routes list [--config FILE | --data DIR] [--json]
       vipr routes show|disable|enable|forget NUMBER [--config FILE | --data DIR] [--json]

  list     each route: number, domain, until when its ticket is good; "off" where it is switched off
  show     that of one number, with its SIP URIs
  disable  its calls take the telephone network from now on, also after a restart, until
  enable   switches it on again
  forget   removes it; it comes back when it is proved again

${CONFIG_HELP}
  --data DIR          the call agent's directory (default agent.data)
  --json              one JSON object
  --help              this text

exit codes: 0, 1 there is no such route (or it was off, or on, already), 2 options or configuration, 3 the
call agent does not answer, 8 its disk is full
`;

const ORDERS = ["show", "disable", "enable", "forget"] as const;
const OPTIONS = { ...configOptions, data: { type: "string" }, json: { type: "boolean", default: false } } as const;

export const routesCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr routes", help: HELP, options: OPTIONS, words: [1, 2] }, args, async (values, [order, text]) => {
    const { data, json } = values;
    const isList = order === "list";
    if (!isList && !ORDERS.some((one) => one === order))
      throw new Wrong(`there is no order "${order}", but list, ${ORDERS.join(", ")}`);
    const number = isList ? undefined : normalizeE164(text ?? "");
    if (!isList && number === undefined) throw new Wrong(`${order} wants a telephone number, as +49305550901`);
    if (isList && text !== undefined) throw new Wrong(`there is nothing to do with "${text}"`);
    const folder =
      data === undefined
        ? Effect.flatMap(loadConfig(values), ({ config }) => {
            const found = agentData(config);
            return found === undefined
              ? Effect.fail(missing("agent.data", "the call agent's directory"))
              : Effect.succeed(found);
          })
        : Effect.succeed(data);
    const program = Effect.flatMap(folder, (path) => ordered(path, { order: order!, number }, json));
    return await runCommand({ name: "vipr routes", logLevel: "Warn" }, program);
  });

interface Answer {
  readonly error?: string;
  readonly routes?: ReadonlyArray<ShownRoute>;
  readonly more?: number;
  readonly route?: ShownRoute | null;
  readonly done?: boolean;
}

const ordered = Effect.fnUntraced(function* (
  path: string,
  body: { readonly order: string; readonly number: string | undefined },
  json: boolean,
): Effect.fn.Return<void, Stopped> {
  const door = yield* readDoor(yield* namedFolder(path));
  const asked = yield* Effect.mapError(askAdmin(door, { path: "/routes", token: door.token, body }), ({ why }) =>
    stopped("unreachable", `the call agent does not answer at ${why}`),
  );
  if (!asked.isSealed)
    return yield* stopped("unreachable", `whoever answers at ${door.host}:${door.port} is not that call agent`);
  const answer = asked.body as Answer;
  if (asked.status !== 200) return yield* stopped(asked.status === 507 ? "diskFull" : "refused", answer.error ?? "");
  if (json) say(JSON.stringify(answer));
  else for (const line of linesOf(answer, body.order)) say(line);
  if (answer.route === null || answer.done === false)
    return yield* stopped(
      "fault",
      body.order === "enable" || body.order === "disable" ? "it is so already" : "there is no route to it",
    );
});

const lineOf = ({ number, domain, expires, disabled }: ShownRoute): string =>
  `${number.padEnd(16)} ${domain}  until ${expires}${disabled ? "  off" : ""}`;

const linesOf = ({ routes, more = 0, route, done }: Answer, order: string): ReadonlyArray<string> => {
  if (routes !== undefined) return [...routes.map(lineOf), ...(more > 0 ? [`and ${more} more`] : [])];
  if (route) return [lineOf(route), ...route.sipUris.map((uri) => `  ${uri}`)];
  return done === true ? [{ disable: "off", enable: "on again", forget: "forgotten" }[order] ?? "done"] : [];
};
