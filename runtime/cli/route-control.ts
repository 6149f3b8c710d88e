/**
 * Routes that an operator has switched off, by lines of a file (lines.ts) in the call agent's directory:
 *
 *   +49305550901 off
 *
 * A route that is off is kept, refreshed by what is learned, and not used: its number's calls take the telephone network.
 */
import { Effect } from "effect";
import { isoOf, type RouteOrders, type ShownRoute } from "../../actors/admin/mod.ts";
import type { Routes } from "../../actors/agent/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";
import { normalizeE164 } from "../../codecs/shared/mod.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { type LineFile, readLines, removeLine } from "./lines.ts";

const OFF = "off";
const ROUTES_OFF: LineFile<true> = {
  file: "routes-off",
  what: "route",
  read: ([word], number) => (word === OFF && normalizeE164(number) === number ? true : undefined),
};

export interface RouteControl extends RouteOrders {
  /** As the calls have it. */
  readonly to: Routes["to"];
}

export const openRouteControl = Effect.fn("agent.routeControl")(function* (
  folder: Folder,
  routes: Routes,
): Effect.fn.Return<RouteControl, Stopped> {
  const off = new Set((yield* readLines(folder, ROUTES_OFF)).now.keys());
  const shown = (route: ReturnType<Routes["all"]>[number]): ShownRoute => ({
    number: route.number,
    domain: route.grantingDomain,
    sipUris: route.uris,
    expires: isoOf(route.expiresMs),
    disabled: off.has(route.number),
  });
  const find = (number: E164) => routes.all().find((one) => one.number === number);
  const written = (work: Effect.Effect<void, Stopped>, then: () => unknown) =>
    Effect.as(
      Effect.mapError(
        Effect.tap(work, () => Effect.sync(then)),
        ({ why }) => why,
      ),
      true,
    );
  return {
    to: (number, atMs) => (off.has(number) ? undefined : routes.to(number, atMs)),
    all: () => routes.all().map(shown),
    show: (number) => {
      const found = find(number);
      return found && shown(found);
    },
    disable: (number) =>
      off.has(number)
        ? Effect.succeed(false)
        : written(folder.append(ROUTES_OFF.file, `${number} ${OFF}`), () => off.add(number)),
    enable: (number) =>
      off.has(number)
        ? written(removeLine(folder, ROUTES_OFF, number), () => off.delete(number))
        : Effect.succeed(false),
    forget: routes.forget,
  };
});
