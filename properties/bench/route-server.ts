/** The servers of the bench `route`: `ours ROUTES` or `peer`. Prints its port; prints its processor time for each line it reads. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { Effect } from "effect";
import { isE164 } from "../../codecs/shared/mod.ts";
import { decideCall, learnRoute, routeCache, routeTo } from "../../machines/agent/mod.ts";
import { serveRoutes } from "../../runtime/route-service.ts";
import { cpuMs } from "./kit.ts";
import { ROUTE_TOKEN, routeNumber } from "./route-numbers.ts";

const [kind, routes] = process.argv.slice(2);
const TICKET = "AQABdGlja2V0".repeat(20);

const ours = async (count: number): Promise<number> => {
  const cache = routeCache(count);
  for (let n = 0; n < count; n++) {
    const uris = [`sip:${n.toString(16)}@nord.example:5061;maddr=192.0.2.7;transport=tls`];
    const times = { expiresMs: 4e12, issuedMs: 0 };
    learnRoute(cache, { number: routeNumber(n), uris, ticket: TICKET, ...times, grantingDomain: "nord.example" }, 0);
  }
  const all = () => true;
  const rules = { isOwn: () => false, allowsNumber: all, allowsDomain: all, routeTo: routeTo.bind(undefined, cache) };
  const decide = ({ called }: { readonly called: string }) =>
    decideCall(rules, isE164(called) ? called : undefined, Date.now());
  const serving = Effect.flatMap(serveRoutes({ host: "127.0.0.1", port: 0 }, { token: ROUTE_TOKEN, decide }), (on) =>
    Effect.as(
      Effect.sync(() => console.log(on.port)),
      on.port,
    ),
  );
  return Effect.runPromise(Effect.scoped(Effect.andThen(serving, Effect.never)));
};

const ANSWER = `${JSON.stringify({ decision: "vipr", uri: "sip:x@nord.example", ticket: TICKET })}\n`;
const peer = (): void => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": ANSWER.length });
    response.end(ANSWER);
  });
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
};

createInterface({ input: process.stdin }).on("line", () => console.log(cpuMs()));
if (kind === "ours") void ours(Number(routes));
else peer();
