/** Domains with a call agent, a border element and a ticket issuer each, on one telephone network: what SIP's tests call. */
import { Clock, Effect } from "effect";
import { openRouteCache, type Routes } from "../../actors/agent/mod.ts";
import { type Border, type BorderOptions, serveBorder } from "../../actors/border/mod.ts";
import { type Credentials, Keys, Pstn } from "../../actors/ports/mod.ts";
import { makePstn, type PstnOptions } from "../../actors/pstn/mod.ts";
import { type Agent, type AgentOptions, startAgent } from "../../actors/sip/mod.ts";
import { openTicketIssuer, type TicketIssuer, type TicketSecret } from "../../actors/ticket/mod.ts";
import { e164, nodeIdFrom, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";

export interface Domain {
  readonly name: string;
  readonly prefix: string;
  readonly credentials: Credentials;
  readonly secret: TicketSecret;
  readonly issuer: TicketIssuer;
  readonly routes: Routes;
  readonly border: Border;
  readonly agent: Agent;
  readonly vcrs: Array<Vcr>;
  /** Teaches another domain the way to one of our numbers. */
  readonly teach: (to: Domain, number: string, ticketFor?: string) => Effect.Effect<void>;
}

export interface DomainOptions {
  readonly name: string;
  readonly prefix: string;
  readonly border?: Partial<BorderOptions>;
  readonly agent?: Partial<AgentOptions>;
  readonly ticketLifetimeMs?: number;
}

export type Issue = (domain: string) => Effect.Effect<Credentials, unknown, Keys>;

/** One public authority that gives each domain its certificate, RFC 5922 §4. */
export const authorityOf = Effect.gen(function* () {
  const nowMs = yield* Clock.currentTimeMillis;
  const authority = yield* makeAuthority({ name: "Test authority", nowMs });
  return (domain: string) =>
    Effect.gen(function* () {
      const keys = yield* Keys;
      const key = yield* keys.generate;
      const certificate = yield* authority.issue({
        csr: yield* keys.certificateRequest(key),
        uris: [`sip:${domain}`],
        dnsNames: [domain],
        emails: [],
        notBeforeMs: nowMs - 3_600_000,
        notAfterMs: nowMs + 365 * 24 * 3_600_000,
      } as never);
      return { key, certificates: [certificate], roots: [authority.root] } as Credentials;
    });
});

const HOST = "127.0.0.1";

const openDomain = (issue: Issue, options: DomainOptions) =>
  Effect.gen(function* () {
    const { name, prefix } = options;
    const credentials = yield* issue(name);
    const secret: TicketSecret = { epoch: 1, password: `correct horse of ${name}` };
    const vcrs: Array<Vcr> = [];
    const issuer = yield* openTicketIssuer({
      grantingNode: nodeIdFrom(7n),
      grantingDomain: name,
      secret,
      ...(options.ticketLifetimeMs === undefined ? {} : { lifetimeMs: options.ticketLifetimeMs }),
    });
    const routes = yield* Effect.orDie(openRouteCache());
    const agent = yield* startAgent({
      domain: name,
      vservice: vserviceId(1n),
      listen: { host: HOST, port: 0 },
      serves: (number) => number.startsWith(prefix),
      routeTo: routes.to,
      uploadVcr: (vcr) => Effect.sync(() => vcrs.push(vcr)),
      ...options.agent,
    });
    const border = yield* serveBorder({
      domain: name,
      credentials,
      outside: { host: HOST, port: 0 },
      inside: [{ transport: "TCP", host: HOST, port: 0 }],
      callAgents: [{ transport: "TCP", host: agent.listening.host, port: agent.listening.port }],
      secrets: [secret],
      privateOutside: true,
      ...options.border,
    });
    agent.useBorder(border.inside[0]!);
    const teach: Domain["teach"] = (to, number, ticketFor = to.name) =>
      Effect.gen(function* () {
        const ticket = yield* Effect.orDie(
          issuer.issue({ number: e164(number), grantedTo: ticketFor, vservice: vserviceId(1n) }),
        );
        const { host, port } = border.outside;
        const sipUris = [`sip:x7@${name}:${port};maddr=${host};transport=tls`];
        yield* to.routes.learn({ number: e164(number), ticket, routes: [{ sipUris }] });
      });
    return { name, prefix, credentials, secret, issuer, border, agent, routes, vcrs, teach } satisfies Domain as Domain;
  });

export const twoDomains = (
  first: Partial<DomainOptions> = {},
  second: Partial<DomainOptions> = {},
  pstn: PstnOptions = {},
) =>
  Effect.gen(function* () {
    const issue = yield* authorityOf;
    const network = yield* makePstn({ callerMissingPercent: 0, callerWrongPercent: 0, ...pstn });
    const open = (options: DomainOptions) => Effect.provideService(openDomain(issue, options), Pstn, network);
    const acme = yield* open({ name: "acme.example", prefix: e164("+1408555"), ...first });
    const nord = yield* open({ name: "nord.example", prefix: e164("+4930555"), ...second });
    return { acme, nord, issue, network };
  });
