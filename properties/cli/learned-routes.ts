/** The store of a call agent that has learned two routes. */
import { deepStrictEqual as same } from "node:assert";
import { join } from "node:path";
import { Effect } from "effect";
import { openRouteCache } from "../../actors/agent/mod.ts";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { AGENT_STORE, openFolder } from "../../runtime/cli/folder.ts";
import { openRouteControl } from "../../runtime/cli/route-control.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";

export const [NUMBER, OTHER] = [e164("+49305550901"), e164("+49305550902")];

/** The store as an agent leaves it that has learned both. */
export const learnedRoutes = (data: string) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const store = yield* openSqlite({ file: join(data, AGENT_STORE) });
      const routes = yield* openRouteCache({ store });
      const issuer = yield* openTicketIssuer({
        grantingNode: nodeIdFrom(1n),
        grantingDomain: "nord.example",
        secret: { epoch: 1, password: "a secret of nord" },
      });
      for (const number of [NUMBER, OTHER]) {
        const ticket = yield* issuer.issue({ number, grantedTo: "acme.example", vservice: vserviceId(1n) });
        same(yield* routes.learn({ number, ticket, routes: [{ sipUris: ["sip:x@nord.example"] }] }), undefined);
      }
      const control = yield* openRouteControl(yield* openFolder(data), routes);
      same(yield* control.disable(OTHER), true);
      same([control.to(OTHER, Date.now()), control.to(NUMBER, Date.now())?.uris], [undefined, ["sip:x@nord.example"]]);
      same([yield* control.disable(OTHER), yield* control.enable(OTHER)], [false, true]);
      same(control.to(OTHER, Date.now())?.grantingDomain, "nord.example");
    }).pipe(Effect.scoped, Effect.provide(nodeLayer())),
  );
