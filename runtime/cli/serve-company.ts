/**
 * A small company in one process: ViPR server, call agent, border element.
 *
 *   other companies <--PVP, RELOAD--> server <--VAP, loopback--> agent <--SIP--> PBX, trunks
 *
 * What the three would be told one by one they know of each other: the server serves the company's domain, the agent has an
 * account there whose password is drawn at each start. The end of one is the end of all.
 */
import { randomBytes } from "node:crypto";
import { Deferred, Effect, type Scope } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { vapKey } from "../../codecs/vap/mod.ts";
import type { Configuration } from "../config/mod.ts";
import type { Ports } from "../node.ts";
import { addAgent, readAgents } from "./agents.ts";
import { missing } from "./config-file.ts";
import { addDomain, readDomains } from "./domains.ts";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { serveMember } from "./member.ts";
import { say } from "./output.ts";
import { serveAgent } from "./serve-agent.ts";
import { standServer } from "./serve-server.ts";
import { configuredServer } from "./server-config.ts";

/** The agent's name at the server: its VServices belong to it, over every restart. */
const AGENT = "company";
const PASSWORD_BYTES = 24;

/** What the agent needs of the server, once that is in the overlay. */
interface Joined {
  readonly overlay: string;
  readonly vap: Endpoint;
}

/** Until it is interrupted, or one of the three ends. */
export const serveCompany = Effect.fn("company.serve")(function* (
  configuration: Configuration,
): Effect.fn.Return<void, Stopped, Ports | Scope.Scope> {
  const { config } = configuration;
  const domain = yield* domainOf(config.domain);
  const settings = yield* configuredServer(config);
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  const joined = yield* Deferred.make<Joined>();

  const server = serveMember(settings, (membership) =>
    Effect.gen(function* () {
      yield* prepare(membership.folder, domain, password);
      const standing = yield* standServer(settings, membership);
      yield* Deferred.succeed(joined, { overlay: membership.node.overlay.name, vap: standing.vap });
      return standing;
    }),
  );
  const agent = Effect.flatMap(Deferred.await(joined), ({ overlay, vap }) => {
    const account = { primary: vap, backup: undefined, username: AGENT, password, tls: undefined, overlay };
    return serveAgent(configuration, { account, serving: Effect.sync(() => say("ready")) });
  });
  yield* Effect.raceAllFirst([server, agent]);
});

const domainOf = Effect.fnUntraced(function* (text: string | undefined) {
  if (text === undefined) return yield* missing("domain", "the company's, as acme.example");
  return normalDomain(text) ?? (yield* stopped("usage", `domain: ${text} is no domain name`));
});

/** Performed by whom the directory belongs to; what is there already stays as it is. */
const prepare = Effect.fnUntraced(function* (folder: Folder, domain: string, password: string) {
  const domains = yield* readDomains(folder);
  if (!domains.has(domain)) yield* addDomain(folder, domain, { isPrivate: undefined, isNewSecret: false });
  const key = (yield* readAgents(folder)).get(AGENT);
  if (key === undefined || !equalBytes(key, vapKey(AGENT, password))) yield* addAgent(folder, AGENT, password);
});
