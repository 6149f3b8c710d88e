/** What a call agent learned of other domains' numbers. */
import type { E164 } from "../../codecs/shared/mod.ts";

/** Of one number: VAP's ValInfo, as a notification brings it. */
export interface LearnedRoute {
  readonly number: E164;
  /** Tried in this order. */
  readonly uris: ReadonlyArray<string>;
  readonly ticket: string;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

/** Numbers with a route. */
export const ROUTES_MAX = 100_000;
/** Addresses of one number; further ones are left aside. */
export const URIS_MAX = 8;

export interface Routes {
  /** Replaces what was known about the number. False: there is no room, or no URI. */
  readonly learn: (route: LearnedRoute) => boolean;
  readonly all: () => ReadonlyArray<LearnedRoute>;
  /** While it lasts. */
  readonly to: (number: E164, nowMs: number) => LearnedRoute | undefined;
}

export const makeRoutes = (): Routes => {
  const routes = new Map<E164, LearnedRoute>();
  return {
    learn: (route) => {
      if (route.uris.length === 0 || (routes.size >= ROUTES_MAX && !routes.has(route.number))) return false;
      routes.set(route.number, { ...route, uris: route.uris.slice(0, URIS_MAX) });
      return true;
    },
    all: () => [...routes.values()],
    to: (number, nowMs) => {
      const route = routes.get(number);
      return route !== undefined && route.expiresMs > nowMs ? route : undefined;
    },
  };
};
