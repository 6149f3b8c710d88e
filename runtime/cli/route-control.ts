/**
 * The routes of a call agent, as its operator has them: a route that is switched off (`routes-off` of its directory) is kept,
 * refreshed by what is learned, and not used: its number's calls take the telephone network.
 */
import { Effect } from "effect";
import { isoOf, type ListedOrders, type ShownRoute } from "../../actors/admin/mod.ts";
import type { Routes } from "../../actors/agent/mod.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { openSwitchedOff } from "./switched-off.ts";

export interface RouteControl extends ListedOrders<ShownRoute> {
  /** As the calls have it. */
  readonly to: Routes["to"];
}

export const openRouteControl = Effect.fn("agent.routeControl")(function* (
  folder: Folder,
  routes: Routes,
): Effect.fn.Return<RouteControl, Stopped> {
  const off = yield* openSwitchedOff(folder, "route");
  const shown = (route: ReturnType<Routes["all"]>[number]): ShownRoute => ({
    number: route.number,
    domain: route.grantingDomain,
    sipUris: route.uris,
    expires: isoOf(route.expiresMs),
    disabled: off.has(route.number),
  });
  return {
    to: (number, atMs) => (off.has(number) ? undefined : routes.to(number, atMs)),
    list: (countMax) =>
      Effect.sync(() => {
        const all = routes.all();
        return { shown: all.slice(0, countMax).map(shown), more: Math.max(0, all.length - countMax) };
      }),
    show: (number) =>
      Effect.sync(() => {
        const found = routes.all().find((one) => one.number === number);
        return found && shown(found);
      }),
    disable: off.disable,
    enable: off.enable,
    forget: routes.forget,
  };
});
