/** Where a call goes, for exchanges that ask: GET /route over HTTP, and INVITEs that are redirected. */
import { Effect } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { serveRedirects } from "../../actors/proxy/mod.ts";
import { readNumber } from "../../codecs/numbers/mod.ts";
import { type DecisionRules, decideCall } from "../../machines/agent/mod.ts";
import type { Configuration } from "../config/mod.ts";
import { serveRoutes } from "../route-service.ts";
import { missing } from "./config-file.ts";
import { listenStopped, stopped } from "./exit.ts";
import { passwordFrom } from "./password.ts";

export interface Decisions {
  /** The configuration as it stands. */
  readonly now: () => Configuration;
  readonly rules: DecisionRules;
}

/** Undefined: not served. */
export const serveDecisions = Effect.fnUntraced(function* ({ now, rules }: Decisions) {
  const { listen, tokenFile } = now().config.route;
  if (listen === undefined) return undefined;
  if (tokenFile === undefined) return yield* missing("route.token-file", "the token that is asked for");
  const token = yield* passwordFrom(tokenFile, "token");
  return yield* serveRoutes(listen, {
    token,
    decide: ({ called }) => decideCall(rules, readNumber(now().plan, called, { source: "dialled" }).number, Date.now()),
  }).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "route.listen takes another"))),
  );
});

/** Gives each place, as `udp:192.0.2.10:5070`. */
export const serveSipDecisions = Effect.fnUntraced(function* ({ now, rules }: Decisions) {
  const { config } = now();
  const said: Array<string> = [];
  for (const { transport, host, port } of config.route.redirect) {
    if (transport === "tls") return yield* stopped("usage", "route.redirect: UDP or TCP, not TLS");
    const on = yield* serveRedirects(
      { transport: transport === "udp" ? "UDP" : "TCP", host, port },
      {
        decide: ({ uri }) => decideCall(rules, readNumber(now().plan, uri, { source: "dialled" }).number, Date.now()),
        border: config.agent.border,
      },
    ).pipe(
      Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "route.redirect takes another"))),
    );
    said.push(`${transport}:${addressText(on)}`);
  }
  return said;
});
