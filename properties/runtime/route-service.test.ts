/** The decision service over a real socket: what it answers, and that nothing but its question gets an answer. */
import { deepStrictEqual as same } from "node:assert";
import { request } from "node:http";
import { Effect } from "effect";
import fc from "fast-check";
import { e164, isE164 } from "../../codecs/shared/mod.ts";
import { decideCall, type LearnedRoute } from "../../machines/agent/mod.ts";
import { type RouteServiceOptions, serveRoutes } from "../../runtime/route-service.ts";
import { runs, test } from "../kit/harness.ts";

const TOKEN = "0123456789abcdef";
const EXPIRES_MS = Date.UTC(2027, 0, 15);
const route: LearnedRoute = {
  number: e164("+49305550901"),
  uris: ["sip:x7@nord.example:5061;maddr=192.0.2.7;transport=tls", "sip:x7@nord.example:5062"],
  ticket: "AQABdGlja2V0",
  expiresMs: EXPIRES_MS,
  grantingDomain: "nord.example",
  issuedMs: 0,
};
const rules = (isListed = false, isDomainListed = false) => ({
  isOwn: (number: string) => number.startsWith("+1408555"),
  allowsNumber: () => !isListed,
  allowsDomain: (domain: string) => !(isDomainListed && domain === "nord.example"),
  routeTo: (number: string, atMs: number) => (number === route.number && atMs < EXPIRES_MS ? route : undefined),
});
const decide: RouteServiceOptions["decide"] = ({ called }) =>
  decideCall(rules(), isE164(called) ? called : undefined, EXPIRES_MS - 1);

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly allow: string | undefined;
}
interface Asked {
  readonly method?: string;
  readonly token?: string | undefined;
}
const ask = (port: number, path: string, { method = "GET", token = TOKEN }: Asked = {}) =>
  Effect.promise(
    () =>
      new Promise<Answered>((resolve, reject) => {
        const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
        const out = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
          let body = "";
          response.setEncoding("utf8");
          response.on("data", (part: string) => {
            body += part;
          });
          response.on("end", () => resolve({ status: response.statusCode!, body, allow: response.headers.allow }));
        });
        out.on("error", reject);
        out.end();
      }),
  );
const served = (what: string, program: (port: number) => Effect.Effect<void>) =>
  test(`route service: ${what}`, () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(serveRoutes({ host: "127.0.0.1", port: 0 }, { token: TOKEN, decide }), ({ port }) =>
          program(port),
        ),
      ),
    ));

served(
  "a number with a route: URI, header, ticket and its end; a plus need not be encoded",
  Effect.fnUntraced(function* (port) {
    for (const called of ["+49305550901", "%2B49305550901"]) {
      const { status, body } = yield* ask(port, `/route?called=${called}&calling=203`);
      same(status, 200);
      const { decision, uri, header, ticket, expires } = JSON.parse(body);
      same([decision, uri, header, ticket], ["vipr", route.uris[0], "X-Cisco-ViPR-Ticket", route.ticket]);
      same(expires, "2027-01-15T00:00:00.000Z");
    }
    same((yield* ask(port, "/route?called=+49305550901&format=ticket")).body, route.ticket);
    same((yield* ask(port, "/route?called=+49305550901&format=uri")).body, route.uris[0]);
    same(
      (yield* ask(port, "/route?called=+49305550901&format=line")).body,
      `sip:+49305550901@nord.example;user=phone <${route.uris[0]};lr> ${route.ticket}`,
    );
  }),
);

served(
  "everything else goes over the telephone network, with the reason",
  Effect.fnUntraced(function* (port) {
    const reasonOf = (called: string) =>
      Effect.map(ask(port, `/route?called=${called}`), ({ body }) => {
        const { decision, reason } = JSON.parse(body);
        same(decision, "pstn");
        return reason;
      });
    same(
      [yield* reasonOf("+49305550902"), yield* reasonOf("+14085550201"), yield* reasonOf("7042")],
      ["noRoute", "ownNumber", "noNumber"],
    );
    const { status, body } = yield* ask(port, "/route?called=+49305550902&format=ticket");
    same([status, body], [404, ""]);
  }),
);

served(
  "no token, another token, another method or path, half a question: refused with what is wrong",
  Effect.fnUntraced(function* (port) {
    const path = "/route?called=+49305550901";
    const statusOf = (path: string, asked?: Asked) => Effect.map(ask(port, path, asked), ({ status }) => status);
    same(yield* statusOf(path, { token: "" }), 401);
    same(yield* statusOf(path, { token: `${TOKEN}0` }), 401);
    same(yield* statusOf("/", {}), 404);
    same(yield* statusOf("/route?called=%zz"), 400);
    same(yield* statusOf("/route?calling=1"), 400);
    same(yield* statusOf(`${path}&called=1`), 400);
    same(yield* statusOf(`${path}&format=xml`), 400);
    same(yield* statusOf(`/route?called=${"1".repeat(2_000)}`), 414);
    const posted = yield* ask(port, path, { method: "POST" });
    same([posted.status, posted.allow], [405, "GET"]);
  }),
);

test("decision: a number goes over the Internet if it has a route and no list is against it, and never otherwise", () =>
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (isListed, isDomainListed, isOver) => {
      const decision = decideCall(rules(isListed, isDomainListed), route.number, isOver ? EXPIRES_MS : 0);
      same(decision.way, isListed || isDomainListed || isOver ? "pstn" : "vipr");
      if (decision.way === "vipr") same(decision.route, route);
      else same(decision.reason, isListed ? "listed" : isOver ? "noRoute" : "listed");
    }),
    { numRuns: runs },
  ));
