/** A domain's border element, on ports. */
export type {
  Border,
  BorderCounters,
  BorderOptions,
  CallAgentAt,
  ConnectionReason,
  InsidePlace,
  TokenSecret,
} from "./options.ts";
export { serveBorder } from "./serve.ts";
