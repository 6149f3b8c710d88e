/** What the two processes of the bench `route` agree on. */
import { type E164, e164FromDigits } from "../../codecs/shared/mod.ts";

export const ROUTE_TOKEN = "a token of the bench";
export const routeNumber = (n: number): E164 => e164FromDigits(4_930_000_000_000 + n);
