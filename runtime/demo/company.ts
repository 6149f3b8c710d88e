/**
 * One company: ViPR server, call agent and border element, as they stand in a company's own network.
 *
 *   PSTN <--> call agent <--SIP/TCP--> border element <--SIP/TLS--> other companies
 *                 |VAP
 *             ViPR server <--RELOAD, PVP--> other companies
 */
import { Effect, Exit, Scope } from "effect";
import { openRouteCache, openUploads, type Routes } from "../../actors/agent/mod.ts";
import { type Border, serveBorder } from "../../actors/border/mod.ts";
import { type Credentials, Entropy } from "../../actors/ports/mod.ts";
import { type Agent, startAgent } from "../../actors/sip/mod.ts";
import type { TicketSecret } from "../../actors/ticket/mod.ts";
import { connectVap, type VapClient } from "../../actors/vap/mod.ts";
import { startViprServer, type ViprEvent, type ViprOff, type ViprServer } from "../../actors/vipr/mod.ts";
import { bigOf, type E164, hexOf, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
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
const FREE = { host: HOST, port: 0 } as const;

export const openCompany = Effect.fn("demo.company")(function* (setup: CompanySetup) {
  const { domain, numbers, credentials } = setup;
  const entropy = yield* Entropy;
  const vservice = vserviceId(bigOf(yield* entropy.bytes(8)));
  const secret: TicketSecret = { epoch: 1, password: hexOf(yield* entropy.bytes(16)) };
  const { server, vap } = yield* openServer(setup, vservice, secret);
  const routes = yield* Effect.orDie(openRouteCache());
  yield* routes.learnFrom(vap.learned);
  const agent = yield* openAgent(setup, vservice, vap, routes);
  const borderScope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void));
  const border = yield* serveBorder({
    domain,
    credentials,
    outside: FREE,
    inside: [{ transport: "TCP", ...FREE }],
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
const openServer = Effect.fnUntraced(function* (setup: CompanySetup, vservice: VServiceId, secret: TicketSecret) {
  const { domain, members, waitBetweenMs, watch, off } = setup;
  const { bytes } = yield* Entropy;
  const user = { name: `agent@${domain}`, password: hexOf(yield* bytes(16)) };
  const server = yield* startViprServer({
    nodes: members.map((member) => member.credentials),
    overlay: members[0]!.overlay,
    listen: { reload: FREE, vap: FREE, pvp: FREE },
    vap: { users: { [user.name]: user.password } },
    tickets: { [domain]: secret },
    waitBetweenMs,
    limits: demoLimits,
    watch,
    ...(off === undefined ? {} : { off }),
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
  { domain, numbers }: CompanySetup,
  vservice: VServiceId,
  vap: VapClient,
  routes: Routes,
) {
  const uploads = yield* openUploads(vap);
  return yield* startAgent({
    domain,
    vservice,
    listen: FREE,
    serves: (number) => numbers.has(number),
    routeTo: routes.to,
    // A call record that the server refuses costs a route, never a call.
    uploadVcr: (vcr) =>
      Effect.catchTag(uploads.upload(vcr), "UploadFailed", ({ why }) => Effect.logWarning("demo.vcr", why)),
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
