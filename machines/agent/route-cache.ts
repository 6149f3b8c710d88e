/**
 * The routes of a call agent, by number: what Notify has brought, until the ticket in it expires. docs/protocol/ticket.md.
 *
 *   ValInfo --> readRoute --> learnRoute --> routeTo: the URIs to try and the ticket to show
 *                                |             nothing once the ticket's validity has ended
 *                                +-- the cache is full: the route learned longest ago goes
 *
 * The newest wins: a route replaces the one before it, except that a Notify which arrives late, or is sent again, never
 * brings back an older ticket of the same granting domain. Times of different domains are not compared, since their clocks
 * may differ. A table that one actor owns; functions only.
 */
import { type E164, msFromNtp } from "../../codecs/shared/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";

/** Numbers with a route. */
export const ROUTES_MAX = 100_000;
/** Addresses of one number; those beyond are left out. */
export const URIS_MAX = 8;

/** Where a number is reached over the Internet, and the ticket that lets calls in there. */
export interface LearnedRoute {
  readonly number: E164;
  /** Tried in this order. */
  readonly uris: ReadonlyArray<string>;
  readonly ticket: string;
  /** The end of the ticket's validity, in milliseconds since 1970. */
  readonly expiresMs: number;
  /** The domain that issued the ticket, and the beginning of its validity. */
  readonly grantingDomain: string;
  readonly issuedMs: number;
}
/** `older`: the cache has a newer ticket of the same domain for that number. */
export type LearnRefusal = "badTicket" | "otherNumber" | "noUri" | "expired" | "older";
/** A route, or why what a server sent is none. */
export type ReadRoute =
  | { readonly ok: true; readonly route: LearnedRoute }
  | { readonly ok: false; readonly reason: LearnRefusal };

/** The routes of a call agent by number. */
export interface RouteCache {
  /** The route learned longest ago stands first. */
  readonly routes: Map<E164, LearnedRoute>;
  readonly routesMax: number;
}
/** An empty one. */
export const routeCache = (routesMax: number = ROUTES_MAX): RouteCache => ({ routes: new Map(), routesMax });

/** A route out of a Notify's document. Only the granting domain can check the ticket's integrity; its fields are public. */
export const readRoute = ({ number, ticket: text, routes }: ValInfo): ReadRoute => {
  const read = readTicket(text);
  if (!read.ok) return { ok: false, reason: "badTicket" };
  const { ticket } = read;
  if (ticket.number !== number) return { ok: false, reason: "otherNumber" };
  const uris = routes.flatMap(({ sipUris }) => sipUris).slice(0, URIS_MAX);
  if (uris.length === 0) return { ok: false, reason: "noUri" };
  const { notBefore, notAfter } = ticket.validity;
  const times = { expiresMs: msFromNtp(notAfter), issuedMs: msFromNtp(notBefore) };
  return { ok: true, route: { number, uris, ticket: text, ...times, grantingDomain: ticket.grantingDomain } };
};

/** Why it would not be learned; undefined: it would. */
export const refusalOf = (
  { routes }: Pick<RouteCache, "routes">,
  route: LearnedRoute,
  atMs: number,
): LearnRefusal | undefined => {
  if (isOver(route, atMs)) return "expired";
  const before = routes.get(route.number);
  return before !== undefined && !isOver(before, atMs) && isOlder(route, before) ? "older" : undefined;
};

/** Undefined: learned. `removed`: the numbers whose routes had to go for want of room. */
export const learnRoute = (
  { routes, routesMax }: RouteCache,
  route: LearnedRoute,
  atMs: number,
): { readonly refused?: LearnRefusal; readonly removed: ReadonlyArray<E164> } => {
  const refused = refusalOf({ routes }, route, atMs);
  if (refused !== undefined) return { refused, removed: [] };
  routes.delete(route.number);
  const removed = routes.size < routesMax ? [] : [...routes.keys()].slice(0, routes.size - routesMax + 1);
  for (const number of removed) routes.delete(number);
  routes.set(route.number, route);
  return { removed };
};

/** The route to a number, unless its ticket has expired at `atMs`. */
export const routeTo = ({ routes }: RouteCache, number: E164, atMs: number): LearnedRoute | undefined => {
  const route = routes.get(number);
  return route === undefined || isOver(route, atMs) ? undefined : route;
};

/** Removes the routes whose tickets have expired. */
export const dropExpired = ({ routes }: RouteCache, atMs: number): void => {
  for (const [number, route] of routes) if (isOver(route, atMs)) routes.delete(number);
};

const isOver = ({ expiresMs }: LearnedRoute, atMs: number): boolean => expiresMs <= atMs;
const isOlder = (route: LearnedRoute, than: LearnedRoute): boolean =>
  route.grantingDomain === than.grantingDomain && route.issuedMs < than.issuedMs;
