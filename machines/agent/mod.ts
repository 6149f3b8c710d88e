/** What stands between a call agent and its exchange: call records on their way to the server, routes on their way back. */
export { type Decision, type DecisionRules, decideCall, type PstnReason } from "./decision.ts";
export { type LiveAside, type LiveJudgement, vcrOfCall } from "./live-call.ts";
export { REASON_HEADER, type RedirectOptions, ROUTE_HEADER, redirectAnswer } from "./redirect.ts";
export {
  dropExpired,
  type LearnedRoute,
  type LearnRefusal,
  learnRoute,
  type ReadRoute,
  ROUTES_MAX,
  type RouteCache,
  readRoute,
  refusalOf,
  routeCache,
  routeTo,
  URIS_MAX,
} from "./route-cache.ts";
