/**
 * One company: ViPR server, call agent and border element, as they stand in a company's own network.
 *
 *   PSTN <--> call agent <--SIP/TCP--> border element <--SIP/TLS--> other companies
 *                 |VAP
 *             ViPR server <--RELOAD, PVP--> other companies
 */
import { Effect, Exit, Scope } from "effect";
import { openOutbox, openRouteCache, openUploads, type Routes, type Uploads } from "../../actors/agent/mod.ts";
import { type Border, serveBorder } from "../../actors/border/mod.ts";
import { type Credentials, Entropy, type StoreShape } from "../../actors/ports/mod.ts";
import type { NodeLimits } from "../../actors/reload/mod.ts";
import { type Agent, startAgent } from "../../actors/sip/mod.ts";
import type { TicketSecret } from "../../actors/ticket/mod.ts";
import { connectVap, type VapClient } from "../../actors/vap/mod.ts";
import { startViprServer, type ViprEvent, type ViprOff, type ViprServer } from "../../actors/vipr/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { bigOf, type E164, hexOf, type Vcr, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import { DHT_NAME } from "../../codecs/vap/mod.ts";
import { demoLimits, HOST, type Member } from "./overlay.ts";

export interface CompanySetup {
  readonly domain: string;
  /** The numbers that its call agent serves. */
  readonly numbers: ReadonlySet<E164>;
  /** The numbers it publishes: an honest company's are its own. */
  readonly publishes: ReadonlyArray<E164>;
  readonly members: ReadonlyArray<Member>;
  readonly credentials: Credentials;
  readonly waitBetweenMs: readonly [min: number, max: number];
  readonly watch: (event: ViprEvent) => Effect.Effect<void>;
  /** What the operator has switched off. */
  readonly off?: ViprOff | undefined;
  /** Default: free ports of HOST. */
  readonly at?: CompanyAddresses;
  /** Hold what server and agent have across restarts. Default: it is forgotten. */
  readonly stores?: CompanyStores;
  /** Of an earlier run. Default: drawn. */
  readonly identity?: CompanyIdentity;
  /** Default demoLimits. */
  readonly limits?: Partial<NodeLimits>;
  /** Default 12. */
  readonly requiredBits?: number;
  /** Where others reach PVP, if not where it listens. */
  readonly advertisePvp?: Endpoint;
  /** Performed once the server has acknowledged a call record. */
  readonly acknowledged?: (vcr: Vcr) => Effect.Effect<void>;
}

export interface CompanyAddresses {
  readonly host: string;
  readonly reload: number;
  readonly vap: number;
  readonly pvp: number;
  readonly agent: number;
  readonly inside: number;
  readonly outside: number;
}
const FREE_PORTS: CompanyAddresses = { host: HOST, reload: 0, vap: 0, pvp: 0, agent: 0, inside: 0, outside: 0 };

export interface CompanyStores {
  readonly server: StoreShape;
  readonly agent: StoreShape;
}

/** What a company configures once: its VService, the secret of its tickets, its agent's password. */
export interface CompanyIdentity {
  readonly vservice: VServiceId;
  readonly secret: TicketSecret;
  readonly password: string;
}

export interface RunningCompany {
  readonly domain: string;
  readonly vservice: VServiceId;
  readonly numbers: ReadonlySet<E164>;
  readonly server: ViprServer;
  readonly agent: Agent;
  readonly routes: Routes;
  readonly border: Border;
  readonly vap: VapClient;
  readonly secret: TicketSecret;
  readonly credentials: Credentials;
  /** Publishes the company's numbers; how many of them the overlay has stored. */
  readonly publish: Effect.Effect<number>;
  /** Takes the border element off the network, as a broken link does. */
  readonly cutBorder: Effect.Effect<void>;
}

const ATTEMPT_MS = 2_000;

export const drawIdentity = Effect.gen(function* () {
  const { bytes } = yield* Entropy;
  const vservice = vserviceId(bigOf(yield* bytes(8)));
  const secret: TicketSecret = { epoch: 1, password: hexOf(yield* bytes(16)) };
  return { vservice, secret, password: hexOf(yield* bytes(16)) } satisfies CompanyIdentity as CompanyIdentity;
});

export const openCompany = Effect.fn("demo.company")(function* (setup: CompanySetup) {
  const { domain, numbers, credentials, at = FREE_PORTS, stores } = setup;
  const entropy = yield* Entropy;
  const identity = setup.identity ?? (yield* drawIdentity);
  const { vservice, secret } = identity;
  const { server, vap } = yield* openServer(setup, identity);
  const routes = yield* Effect.orDie(openRouteCache(stores === undefined ? {} : { store: stores.agent }));
  yield* routes.learnFrom(vap.learned);
  const agent = yield* openAgent(setup, vservice, vap, routes);
  const borderScope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void));
  const border = yield* serveBorder({
    domain,
    credentials,
    outside: { host: at.host, port: at.outside },
    inside: [{ transport: "TCP", host: at.host, port: at.inside }],
    callAgents: [{ transport: "TCP", host: agent.listening.host, port: agent.listening.port }],
    secrets: [secret],
    privateOutside: true, // all of it is on this machine
  }).pipe(Scope.provide(borderScope));
  agent.useBorder(border.inside[0]!);
  return {
    domain,
    vservice,
    numbers,
    server,
    agent,
    routes,
    border,
    vap,
    secret,
    credentials,
    publish: Effect.provideService(publishAll(setup, vap, border), Entropy, entropy),
    cutBorder: Scope.close(borderScope, Exit.void),
  } satisfies RunningCompany as RunningCompany;
});

/** The ViPR server, and the connection over which the company's call agent uses it. */
const openServer = Effect.fnUntraced(function* (setup: CompanySetup, identity: CompanyIdentity) {
  const { domain, members, waitBetweenMs, watch, off, at = FREE_PORTS, limits = demoLimits, stores } = setup;
  const { advertisePvp, requiredBits } = setup;
  const { vservice, secret, password } = identity;
  const user = { name: `agent@${domain}`, password };
  const place = (port: number): Endpoint => ({ host: at.host, port });
  const server = yield* startViprServer({
    nodes: members.map((member) => member.credentials),
    overlay: members[0]!.overlay,
    listen: { reload: place(at.reload), vap: place(at.vap), pvp: place(at.pvp) },
    vap: { users: { [user.name]: user.password } },
    tickets: { [domain]: secret },
    waitBetweenMs,
    limits,
    watch,
    ...(off === undefined ? {} : { off }),
    ...(stores === undefined ? {} : { store: stores.server }),
    ...(requiredBits === undefined ? {} : { requiredBits }),
    ...(advertisePvp === undefined ? {} : { advertisePvp }),
  });
  const vap = yield* connectVap({
    ...server.vap,
    username: user.name,
    password: user.password,
    name: "ViPR demonstration agent/0.1.0",
    vservice,
  });
  return { server, vap };
});

const openAgent = Effect.fnUntraced(function* (
  { domain, numbers, at = FREE_PORTS, stores, acknowledged = () => Effect.void }: CompanySetup,
  vservice: VServiceId,
  vap: VapClient,
  routes: Routes,
) {
  const direct = yield* openUploads(vap);
  const upload: Uploads["upload"] = (vcr) => Effect.andThen(direct.upload(vcr), acknowledged(vcr));
  // A call record that is refused, by the server or by the disk, costs a route, never a call.
  const lost = ({ why }: { readonly why: string }) => Effect.logWarning("demo.vcr", why);
  const outbox = stores === undefined ? undefined : yield* Effect.orDie(openOutbox({ store: stores.agent, upload }));
  return yield* startAgent({
    domain,
    vservice,
    listen: { host: at.host, port: at.agent },
    serves: (number) => numbers.has(number),
    routeTo: routes.to,
    uploadVcr: (vcr) => Effect.catch(outbox === undefined ? upload(vcr) : outbox.put([vcr]), lost),
    attemptMs: ATTEMPT_MS,
  });
});

/** The VService with its border element's address, then its numbers. */
const publishAll = ({ domain, publishes }: CompanySetup, vap: VapClient, { outside: { host, port } }: Border) =>
  Effect.gen(function* () {
    const { bytes } = yield* Entropy;
    const sipUri = `sip:${hexOf(yield* bytes(8))}@${domain}:${port};maddr=${host};transport=tls`;
    const didCount = publishes.length;
    yield* vap.publishVService({ id: "demo", dhtName: DHT_NAME, didCount, domain, routes: [{ sipUris: [sipUri] }] });
    const results = yield* vap.publishNumbers(publishes);
    return results.filter(({ result }) => result.type === "done").length;
  }).pipe(Effect.catchTag("VapRefused", ({ why }) => Effect.as(Effect.logWarning("demo.publish", why), 0)));
