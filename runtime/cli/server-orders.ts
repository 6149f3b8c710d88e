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
import { tell } from "./output.ts";
import { newPassword } from "./password.ts";
import { addTenant, assign, readTenants, removeTenant, shareOf } from "./tenants.ts";

export interface ServerOrderOptions extends DomainWishes {
  readonly passwordFile: string | undefined;
  /** Whose the agent or the domain is. */
  readonly tenant?: string | undefined;
  /** Of a tenant, in percent. */
  readonly share?: string | undefined;
  readonly json?: boolean | undefined;
}
type Order = (folder: Folder) => Effect.Effect<void, Stopped>;

export const serverOrder = (order: string, name: string | undefined, options: ServerOrderOptions): Order => {
  const work = orderOf(order, name, options);
  return (folder) =>
    Effect.flatMap(isAuthoritys(folder), (isIts) =>
      isIts ? stopped("usage", `${folder.path} belongs to an authority`) : work(folder),
    );
};

const orderOf = (order: string, name: string | undefined, options: ServerOrderOptions): Order => {
  const { tenant, share, json = false } = options;
  if (tenant !== undefined && order !== "add-agent" && order !== "add-domain")
    throw new Wrong("--tenant belongs to add-agent and add-domain");
  if (share !== undefined && order !== "add-tenant") throw new Wrong("--share belongs to add-tenant");
  if (order === "tenants" && name === undefined) return tenantsListed(json);
  if (order === "agents" && name === undefined) return agentsListed(json);
  if (order === "domains" && name === undefined) return domainsListed(json);
  if (name === undefined) throw new Wrong(`${order} wants a name`);
  if (order.endsWith("-agent")) {
    if (!isAccountName(name)) throw new Wrong(`"${name}" is no name for a call agent: letters, digits and signs`);
    return order === "add-agent" ? agentAdded(name, options) : agentRemoved(name, json);
  }
  if (order.endsWith("-tenant")) {
    if (!isTenantName(name))
      throw new Wrong(`"${name}" is no name for a tenant: small letters, digits and hyphens, 24 at most`);
    return order === "add-tenant" ? tenantAdded(name, share, json) : tenantRemoved(name, json);
  }
  const domain = normalDomain(name);
  if (domain === undefined) throw new Wrong(`"${name}" is no DNS name`);
  if (order === "domain-secret") return secretTold(domain, json);
  return order === "add-domain" ? domainAdded(domain, options) : domainRemoved(domain, json);
};

const agentsListed =
  (json: boolean): Order =>
  (folder) =>
    Effect.map(readAgents(folder), (all) => {
      const agents = [...all.keys()].sort();
      tellLines(json, agents, { agents });
    });

/** Nothing is printed of nothing. */
const tellLines = (json: boolean, lines: ReadonlyArray<string>, value: Readonly<Record<string, unknown>>): void => {
  if (json || lines.length > 0) tell(json, lines.join("\n"), value);
};

const tenantsListed =
  (json: boolean): Order =>
  (folder) =>
    Effect.map(readTenants(folder), (all) => {
      const of = (map: ReadonlyMap<string, string>, tenant: string) =>
        [...map].flatMap(([name, its]) => (its === tenant ? [name] : [])).sort();
      const tenants = [...all.shares.keys()].sort().map((name) => ({
        name,
        sharePercent: Math.round(100 * shareOf(all, name)),
        agents: of(all.agents, name),
        domains: of(all.domains, name),
      }));
      const lines = tenants.map(({ name, sharePercent, agents, domains }) => {
        const its = [...agents, ...domains].join(" ");
        return `${name} ${sharePercent} %${its === "" ? "" : `: ${its}`}`;
      });
      tellLines(json, lines, { tenants });
    });

const tenantAdded = (name: string, share: string | undefined, json: boolean): Order => {
  const percent = share === undefined ? undefined : wholeOf(share, "share", 1, SHARE_PERCENT_MAX);
  return Effect.fnUntraced(function* (folder) {
    const isFirst = (yield* readTenants(folder)).shares.size === 0;
    yield* addTenant(folder, name, percent);
    const text = `${name} is a tenant${isFirst ? "; the first one counts when the server starts again" : ""}`;
    tell(json, text, { tenant: name, needsRestart: isFirst });
  });
};
const SHARE_PERCENT_MAX = 99;

const tenantRemoved = (name: string, json: boolean): Order =>
  Effect.fnUntraced(function* (folder) {
    if (!(yield* readTenants(folder)).shares.has(name)) return yield* stopped("refused", `there is no tenant ${name}`);
    yield* removeTenant(folder, name);
    tell(json, `${name} is a tenant no more`, { tenant: name });
  });

const agentAdded = (name: string, { passwordFile, tenant, json = false }: ServerOrderOptions): Order =>
  Effect.fnUntraced(function* (folder) {
    const isKnown = (yield* readAgents(folder)).has(name);
    yield* assign(folder, "agent", name, tenant, isKnown);
    yield* addAgent(folder, name, yield* newPassword(passwordFile, `password for ${name}`));
    tell(json, isKnown ? `${name} has a new password` : `${name} may speak VAP`, { agent: name, isNew: !isKnown });
  });

const agentRemoved = (name: string, json: boolean): Order =>
  Effect.fnUntraced(function* (folder) {
    if (!(yield* readAgents(folder)).has(name)) return yield* stopped("refused", `there is no call agent ${name}`);
    yield* removeAgent(folder, name);
    tell(json, `${name} may speak VAP no more`, { agent: name });
  });

const domainsListed =
  (json: boolean): Order =>
  (folder) =>
    Effect.map(readDomains(folder), (all) => {
      const domains = [...all].sort(([a], [b]) => (a < b ? -1 : 1));
      const lines = domains.map(([domain, own]) => `${domain} ${textOf(own)}`);
      tellLines(json, lines, { domains: domains.map(([domain, own]) => valueOfDomain(domain, own)) });
    });

const domainAdded = (domain: string, { isPrivate, isNewSecret, tenant, json = false }: ServerOrderOptions): Order =>
  Effect.fnUntraced(function* (folder) {
    yield* assign(folder, "domain", domain, tenant, (yield* readDomains(folder)).has(domain));
    const own = yield* addDomain(folder, domain, { isPrivate, isNewSecret });
    tell(json, `${domain} is granted for, ${textOf(own)}`, valueOfDomain(domain, own));
  });

const domainRemoved = (domain: string, json: boolean): Order =>
  Effect.fnUntraced(function* (folder) {
    if (!(yield* readDomains(folder)).has(domain)) return yield* stopped("refused", `there is no domain ${domain}`);
    yield* removeDomain(folder, domain);
    tell(json, `${domain} is granted for no more`, { domain });
  });

/** The one place where the secret is shown: its domain's border elements need it. */
const secretTold = (domain: string, json: boolean): Order =>
  Effect.fnUntraced(function* (folder) {
    const own = (yield* readDomains(folder)).get(domain);
    if (own === undefined) return yield* stopped("refused", `there is no domain ${domain}`);
    const { epoch, password } = own.secret;
    tell(json, `domain    ${domain}\nepoch     ${epoch}\npassword  ${password}`, { domain, epoch, password });
  });

const valueOfDomain = (domain: string, { secret, isPrivate }: OwnDomain) => ({
  domain,
  epoch: secret.epoch,
  isPrivate,
});

const textOf = ({ secret, isPrivate }: OwnDomain): string => `epoch ${secret.epoch}${isPrivate ? ", private" : ""}`;
