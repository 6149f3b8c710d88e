/** What takes calls over SIP to the telephone network, on ports. */
export { type Fallback, type FallbackCounts, type FallbackSettings, openFallback } from "./serve.ts";
