/** The domains for which a ViPR server grants tickets; they may change while it runs. */
import { Effect, Scope } from "effect";
import type { NodeId } from "../../codecs/shared/mod.ts";
import { openTicketIssuer, type TicketIssuer, type TicketSecret } from "../ticket/mod.ts";

/** The domains of a company on this server, and what their tickets are sealed with. */
export interface ViprDomains {
  /** By domain, lower case: shared with that domain's border elements. */
  readonly tickets: Readonly<Record<string, TicketSecret>>;
  /** Domains of ours, lower case, that reveal no telephone number to claimants: method C proves their calls. */
  readonly privateDomains?: ReadonlyArray<string>;
}

export interface Domains {
  readonly issuerFor: (domain: string) => TicketIssuer | undefined;
  readonly isPrivate: (domain: string) => boolean;
  /** Replaces the domains. A domain with a new secret grants tickets under it from now on. */
  readonly set: (domains: ViprDomains) => Effect.Effect<void>;
}

interface Granting {
  readonly issuer: TicketIssuer;
  readonly secret: TicketSecret;
}

/** Issuers live as long as the scope, so that a domain that is removed and added again has its issuer already. */
export const openDomains = Effect.fn("vipr.domains")(function* (grantingNode: NodeId, lifetimeMs?: number) {
  const scope = yield* Effect.scope;
  const opened = new Map<string, Granting>();
  let now: ViprDomains = { tickets: {} };

  const open = (grantingDomain: string, secret: TicketSecret) =>
    openTicketIssuer({ grantingNode, grantingDomain, secret, ...(lifetimeMs === undefined ? {} : { lifetimeMs }) });
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof open>>>();

  const set: Domains["set"] = Effect.fnUntraced(function* (domains) {
    for (const [domain, secret] of Object.entries(domains.tickets)) {
      const known = opened.get(domain);
      if (known?.secret.epoch === secret.epoch && known.secret.password === secret.password) continue;
      if (known !== undefined) yield* known.issuer.raise(secret);
      const issuer =
        known?.issuer ??
        (yield* open(domain, secret).pipe(Scope.provide(scope), (opening) => Effect.provide(opening, context)));
      opened.set(domain, { issuer, secret });
    }
    now = domains;
  });
  return {
    issuerFor: (domain) => (Object.hasOwn(now.tickets, domain) ? opened.get(domain)?.issuer : undefined),
    isPrivate: (domain) => now.privateDomains?.includes(domain) === true,
    set,
  } satisfies Domains as Domains;
});
