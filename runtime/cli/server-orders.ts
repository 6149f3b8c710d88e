/** `vipr server add-agent`, `remove-agent`, `agents`; the same of domains and tenants; `domain-secret`. */
import { Effect } from "effect";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { isTenantName } from "../../codecs/vipr/mod.ts";
import { isAccountName } from "./accounts.ts";
import { addAgent, readAgents, removeAgent } from "./agents.ts";
import { addDomain, type DomainWishes, type OwnDomain, readDomains, removeDomain } from "./domains.ts";
import { type Stopped, stopped } from "./exit.ts";
import { type Folder, isAuthoritys } from "./folder.ts";
import { Wrong, wholeOf } from "./options.ts";
import { say } from "./output.ts";
import { newPassword } from "./password.ts";
import { addTenant, assign, readTenants, removeTenant, shareOf } from "./tenants.ts";

export interface ServerOrderOptions extends DomainWishes {
  readonly passwordFile: string | undefined;
  /** Whose the agent or the domain is. */
  readonly tenant?: string | undefined;
  /** Of a tenant, in percent. */
  readonly share?: string | undefined;
}
type Order = (folder: Folder) => Effect.Effect<void, Stopped>;

const NAMED = [
  ...["add-agent", "remove-agent", "add-domain", "remove-domain", "domain-secret"],
  ...["add-tenant", "remove-tenant"],
];

export const serverOrder = (order: string, name: string | undefined, options: ServerOrderOptions): Order => {
  const work = orderOf(order, name, options);
  return (folder) =>
    Effect.flatMap(isAuthoritys(folder), (isIts) =>
      isIts ? stopped("usage", `${folder.path} belongs to an authority`) : work(folder),
    );
};

const orderOf = (order: string, name: string | undefined, options: ServerOrderOptions): Order => {
  const { tenant, share } = options;
  if (tenant !== undefined && order !== "add-agent" && order !== "add-domain")
    throw new Wrong("--tenant belongs to add-agent and add-domain");
  if (share !== undefined && order !== "add-tenant") throw new Wrong("--share belongs to add-tenant");
  if (order === "tenants" && name === undefined) return tenantsListed;
  if (order === "agents" && name === undefined) return agentsListed;
  if (order === "domains" && name === undefined) return domainsListed;
  if (!NAMED.includes(order))
    throw new Wrong(`there is no order "${order}", but ${NAMED.join(", ")}, agents, domains and tenants`);
  if (name === undefined) throw new Wrong(`${order} wants a name`);
  if (order.endsWith("-agent")) {
    if (!isAccountName(name)) throw new Wrong(`"${name}" is no name for a call agent: letters, digits and signs`);
    return order === "add-agent" ? agentAdded(name, options) : agentRemoved(name);
  }
  if (order.endsWith("-tenant")) {
    if (!isTenantName(name))
      throw new Wrong(`"${name}" is no name for a tenant: small letters, digits and hyphens, 24 at most`);
    return order === "add-tenant" ? tenantAdded(name, share) : tenantRemoved(name);
  }
  const domain = normalDomain(name);
  if (domain === undefined) throw new Wrong(`"${name}" is no DNS name`);
  if (order === "domain-secret") return secretTold(domain);
  return order === "add-domain" ? domainAdded(domain, options) : domainRemoved(domain);
};

const agentsListed: Order = (folder) =>
  Effect.map(readAgents(folder), (agents) => {
    for (const name of [...agents.keys()].sort()) say(name);
  });

const tenantsListed: Order = (folder) =>
  Effect.map(readTenants(folder), (all) => {
    const of = (map: ReadonlyMap<string, string>, tenant: string) =>
      [...map].flatMap(([name, its]) => (its === tenant ? [name] : [])).sort();
    for (const tenant of [...all.shares.keys()].sort()) {
      const its = [...of(all.agents, tenant), ...of(all.domains, tenant)].join(" ");
      say(`${tenant} ${Math.round(100 * shareOf(all, tenant))} %${its === "" ? "" : `: ${its}`}`);
    }
  });

const tenantAdded = (name: string, share: string | undefined): Order => {
  const percent = share === undefined ? undefined : wholeOf(share, "share", 1, SHARE_PERCENT_MAX);
  return Effect.fnUntraced(function* (folder) {
    const isFirst = (yield* readTenants(folder)).shares.size === 0;
    yield* addTenant(folder, name, percent);
    say(`${name} is a tenant${isFirst ? "; the first one counts when the server starts again" : ""}`);
  });
};
const SHARE_PERCENT_MAX = 99;

const tenantRemoved = (name: string): Order =>
  Effect.fnUntraced(function* (folder) {
    if (!(yield* readTenants(folder)).shares.has(name)) return yield* stopped("refused", `there is no tenant ${name}`);
    yield* removeTenant(folder, name);
    say(`${name} is a tenant no more`);
  });

const agentAdded = (name: string, { passwordFile, tenant }: ServerOrderOptions): Order =>
  Effect.fnUntraced(function* (folder) {
    const isKnown = (yield* readAgents(folder)).has(name);
    yield* assign(folder, "agent", name, tenant, isKnown);
    yield* addAgent(folder, name, yield* newPassword(passwordFile, `password for ${name}`));
    say(isKnown ? `${name} has a new password` : `${name} may speak VAP`);
  });

const agentRemoved = (name: string): Order =>
  Effect.fnUntraced(function* (folder) {
    if (!(yield* readAgents(folder)).has(name)) return yield* stopped("refused", `there is no call agent ${name}`);
    yield* removeAgent(folder, name);
    say(`${name} may speak VAP no more`);
  });

const domainsListed: Order = (folder) =>
  Effect.map(readDomains(folder), (domains) => {
    for (const [domain, own] of [...domains].sort(([a], [b]) => (a < b ? -1 : 1))) say(`${domain} ${textOf(own)}`);
  });

const domainAdded = (domain: string, { isPrivate, isNewSecret, tenant }: ServerOrderOptions): Order =>
  Effect.fnUntraced(function* (folder) {
    yield* assign(folder, "domain", domain, tenant, (yield* readDomains(folder)).has(domain));
    const own = yield* addDomain(folder, domain, { isPrivate, isNewSecret });
    say(`${domain} is granted for, ${textOf(own)}`);
  });

const domainRemoved = (domain: string): Order =>
  Effect.fnUntraced(function* (folder) {
    if (!(yield* readDomains(folder)).has(domain)) return yield* stopped("refused", `there is no domain ${domain}`);
    yield* removeDomain(folder, domain);
    say(`${domain} is granted for no more`);
  });

/** The one place where the secret is shown: its domain's border elements need it. */
const secretTold = (domain: string): Order =>
  Effect.fnUntraced(function* (folder) {
    const own = (yield* readDomains(folder)).get(domain);
    if (own === undefined) return yield* stopped("refused", `there is no domain ${domain}`);
    say(`domain    ${domain}`);
    say(`epoch     ${own.secret.epoch}`);
    say(`password  ${own.secret.password}`);
  });

const textOf = ({ secret, isPrivate }: OwnDomain): string => `epoch ${secret.epoch}${isPrivate ? ", private" : ""}`;
