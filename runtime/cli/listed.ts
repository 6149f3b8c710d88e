/** `list`, `show`, `disable`, `enable` and `forget` of what a running program has by telephone number, asked at its admin port. */
import { Effect } from "effect";
import { LISTED, LISTED_ORDERS, type Listed } from "../../actors/admin/listed.ts";
import { normalizeE164 } from "../../codecs/shared/e164.ts";
import { askAdmin } from "../admin-client.ts";
import type { ViprConfig } from "../config/mod.ts";
import { type ConfigFlags, loadConfig } from "./config-file.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { namedFolder } from "./folder.ts";
import { Wrong } from "./options.ts";
import { say } from "./output.ts";

export interface ListedOf<Shown> {
  readonly what: Listed;
  /** For the operator: `the call agent`. */
  readonly program: string;
  /** Its directory, where `--data` names none. */
  readonly dataOf: (config: ViprConfig) => Effect.Effect<string, Stopped>;
  readonly lineOf: (shown: Shown) => string;
  /** Below that line, where one is shown. */
  readonly detailsOf?: (shown: Shown) => ReadonlyArray<string>;
}

export interface ListedFlags extends ConfigFlags {
  readonly data?: string | undefined;
  readonly json: boolean;
}

/** What is ordered by the words of the command line; throws Wrong. */
export const listedOrder = <Shown>(
  of: ListedOf<Shown>,
  flags: ListedFlags,
  [order, text]: ReadonlyArray<string | undefined>,
): Effect.Effect<void, Stopped> => {
  const isList = order === "list";
  if (!LISTED_ORDERS.some((one) => one === order))
    throw new Wrong(`there is no order "${order}", but ${LISTED_ORDERS.join(", ")}`);
  const number = isList ? undefined : normalizeE164(text ?? "");
  if (!isList && number === undefined) throw new Wrong(`${order} wants a telephone number, as +49305550901`);
  if (isList && text !== undefined) throw new Wrong(`there is nothing to do with "${text}"`);
  const path =
    flags.data === undefined
      ? Effect.flatMap(loadConfig(flags), ({ config }) => of.dataOf(config))
      : Effect.succeed(flags.data);
  return Effect.flatMap(path, (path) => ordered(of, path, { order: order!, number }, flags.json));
};

interface Answer {
  readonly error?: string;
  readonly more?: number;
  readonly done?: boolean;
}

const ordered = Effect.fnUntraced(function* <Shown>(
  { what, program, lineOf, detailsOf = () => [] }: ListedOf<Shown>,
  path: string,
  body: { readonly order: string; readonly number: string | undefined },
  json: boolean,
): Effect.fn.Return<void, Stopped> {
  const door = yield* readDoor(yield* namedFolder(path));
  const asked = yield* Effect.mapError(askAdmin(door, { path: `/${what}`, token: door.token, body }), ({ why }) =>
    stopped("unreachable", `${program} does not answer at ${why}`),
  );
  if (!asked.isSealed)
    return yield* stopped("unreachable", `whoever answers at ${door.host}:${door.port} is not ${program}`);
  const answer = asked.body as Answer & Readonly<Record<string, unknown>>;
  if (asked.status !== 200) return yield* stopped(asked.status === 507 ? "diskFull" : "refused", answer.error ?? "");
  const [all, one] = [answer[what] as ReadonlyArray<Shown> | undefined, answer[LISTED[what]] as Shown | null];
  const { more = 0, done } = answer;
  const lines =
    all !== undefined
      ? [...all.map(lineOf), ...(more > 0 ? [`and ${more} more`] : [])]
      : one
        ? [lineOf(one), ...detailsOf(one)]
        : done === true
          ? [{ disable: "off", enable: "on again", forget: "forgotten" }[body.order] ?? "done"]
          : [];
  if (json) say(JSON.stringify(answer));
  else for (const line of lines) say(line);
  if (one !== null && done !== false) return;
  const isSwitch = body.order === "enable" || body.order === "disable";
  return yield* stopped("fault", isSwitch ? "it is so already" : "there is none");
});
