/** What stands between a call agent and its exchange: call records on their way to the server, routes on their way back. */
export { vcrOf } from "./call-record.ts";
export { type CallLists, type Decision, type DecisionRules, decideCall, noLists, type PstnReason } from "./decision.ts";
export {
  dropExpired,
  type LearnedRoute,
  type LearnRefusal,
  learnRoute,
  type ReadRoute,
  ROUTES_MAX,
  type RouteCache,
  readRoute,
  routeCache,
  routeTo,
  URIS_MAX,
} from "./route-cache.ts";
