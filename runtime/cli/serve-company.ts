/**
 * A small company in one process: ViPR server, call agent, border element.
 *
 *   other companies <--PVP, RELOAD--> server <--VAP, loopback--> agent <--SIP--> PBX, trunks
 *         ^                             | ticket secrets           |
 *         +--------- SIP/TLS, SRTP --> border <---- TCP, loopback -+
 *
 * What the three would be told one by one they know of each other: the server serves the company's domain, the agent has an
 * account there whose password is drawn at each start. The end of one is the end of all.
 */
import { randomBytes } from "node:crypto";
import { Deferred, Effect, type Scope } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { vapKey } from "../../codecs/vap/mod.ts";
import type { Configuration, SipAddress } from "../config/mod.ts";
import type { Ports } from "../node.ts";
import { addAgent, readAgents } from "./agents.ts";
import { addDomain, readDomains, secretsOf } from "./domains.ts";
import type { Stopped } from "./exit.ts";
import { openCompanyFallback } from "./fallback.ts";
import { type Folder, openFolder } from "./folder.ts";
import { serveMember } from "./member.ts";
import { say } from "./output.ts";
import { serveAgent } from "./serve-agent.ts";
import { insideOf, ownDomain, serveBorderProgram, upper } from "./serve-border.ts";
import { standServer } from "./serve-server.ts";
import { companyServer } from "./server-config.ts";
import { Notes, noNotes, noteReady } from "./service.ts";

/** The agent's name at the server: its VServices belong to it, over every restart. */
const AGENT = "company";
const PASSWORD_BYTES = 24;

/** Where the agent listens for the border element alone, unless border.call-agents says otherwise. */
const AGENT_INSIDE: SipAddress = { transport: "tcp", host: "127.0.0.1", port: 5_063 };
const LOOK_MS = 1_000;

/** What the agent needs of the server, once that is in the overlay. */
interface Joined {
  readonly overlay: string;
  readonly vap: Endpoint;
}

/** Until it is interrupted, or one of the three ends. */
export const serveCompany = Effect.fn("company.serve")(function* (
  configuration: Configuration,
  again: Effect.Effect<Configuration, Stopped>,
): Effect.fn.Return<void, Stopped, Ports | Scope.Scope> {
  const { config } = configuration;
  const domain = yield* ownDomain(config);
  const settings = yield* companyServer(config);
  const media = yield* openCompanyFallback(configuration);
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  const joined = yield* Deferred.make<Joined>();

  const server = Effect.provideService(
    serveMember(settings, (membership) =>
      Effect.gen(function* () {
        yield* prepare(membership.folder, domain, password);
        const standing = yield* standServer(settings, membership);
        yield* Deferred.succeed(joined, { overlay: membership.node.overlay.name, vap: standing.vap });
        return standing;
      }),
    ),
    Notes,
    noNotes,
  ); // three are ready together
  const hasBorder = config.border.outside !== undefined;
  const { transport, host, port } = config.border.callAgents[0] ?? AGENT_INSIDE;
  const inside = { transport: upper(transport), host, port };
  const agentServes = yield* Deferred.make<void>();
  const borderServes = yield* Deferred.make<void>();
  const agent = Effect.flatMap(Deferred.await(joined), ({ overlay, vap }) => {
    const account = { primary: vap, backup: undefined, username: AGENT, password, tls: undefined, overlay };
    return serveAgent(hasBorder ? withBorder(configuration) : configuration, {
      account,
      again,
      ...(hasBorder ? { listen: [{ ...inside, side: "border" as const }] } : {}),
      fallback: media?.fallback,
      serving: Deferred.succeed(agentServes, undefined),
    });
  });
  const border = Effect.flatMap(Deferred.await(joined), () =>
    Effect.flatMap(openFolder(settings.data), (folder) =>
      serveBorderProgram(configuration, {
        secrets: secretsOf(folder, domain),
        lookMs: LOOK_MS,
        callAgents: [inside],
        relay: media?.relay,
        serving: Deferred.succeed(borderServes, undefined),
        again,
      }),
    ),
  );
  const ready = Effect.gen(function* () {
    yield* Deferred.await(agentServes);
    if (hasBorder) yield* Deferred.await(borderServes);
    say("ready");
    yield* noteReady("server, call agent and border element serve");
    return yield* Effect.never;
  });
  yield* Effect.raceAllFirst([server, agent, ready, ...(hasBorder ? [border] : [])]);
});

/** The agent sends calls over the Internet to the border element beside it, whose relay encrypts them if there is one. */
const withBorder = (configuration: Configuration): Configuration => {
  const { config } = configuration;
  const { host, port } = insideOf(config)[0]!;
  const securedBy = config.media.relay === "none" ? config.agent.securedBy : "border";
  const agent = { ...config.agent, border: config.agent.border ?? { host, port }, securedBy } as const;
  return { ...configuration, config: { ...config, agent } };
};

/** Performed by whom the directory belongs to; what is there already stays as it is. */
const prepare = Effect.fnUntraced(function* (folder: Folder, domain: string, password: string) {
  const domains = yield* readDomains(folder);
  if (!domains.has(domain)) yield* addDomain(folder, domain, { isPrivate: undefined, isNewSecret: false });
  const key = (yield* readAgents(folder)).get(AGENT);
  if (key === undefined || !equalBytes(key, vapKey(AGENT, password))) yield* addAgent(folder, AGENT, password);
});
