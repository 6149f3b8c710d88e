/**
 * Several companies on one ViPR server, by lines of a file (lines.ts):
 *
 *   tenant:acme 25               a company, with its share in percent where that is not an equal part
 *   agent:pbx acme               whose a call agent is (agents.ts)
 *   domain:acme.example acme     whose a domain is (domains.ts)
 *
 * What has no line belongs to the server's own company, "", as all of it does where the file is missing. The agents' and the
 * domains' own files stay as they are, so that a version without tenants reads them. DECISIONS.md D-214.
 */
import { Effect, type Scope } from "effect";
import type { ViprTenants } from "../../actors/vipr/mod.ts";
import { isTenantName } from "../../codecs/vipr/mod.ts";
import { readAgents } from "./agents.ts";
import { readDomains } from "./domains.ts";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { followLines, type LineFile, lookAgain, readLines, removeLine } from "./lines.ts";

/** Each has three tables of its own in the store. */
const TENANTS_MAX = 100;

type Kind = "tenant" | "agent" | "domain";
type Line = { readonly share: number | undefined } | { readonly tenant: string };

const TENANTS: LineFile<Line> = {
  file: "tenants",
  what: "tenant",
  isKept: true,
  read: ([word], name) => {
    const isOwn = name.startsWith("tenant:");
    if (!isOwn && /^(agent|domain):/.test(name))
      return word !== undefined && isTenantName(word) ? { tenant: word } : undefined;
    if (!isOwn || !isTenantName(name.slice("tenant:".length))) return undefined;
    if (word === undefined) return { share: undefined };
    return /^[1-9]\d?$/.test(word) ? { share: Number(word) / 100 } : undefined;
  },
};

export interface Tenants {
  /** By name, in that order: the share, where it is said. */
  readonly shares: ReadonlyMap<string, number | undefined>;
  readonly agents: ReadonlyMap<string, string>;
  readonly domains: ReadonlyMap<string, string>;
}

const tenantsOf = (lines: ReadonlyMap<string, Line>): Tenants => {
  const [shares, agents, domains] = [
    new Map<string, number | undefined>(),
    new Map<string, string>(),
    new Map<string, string>(),
  ];
  for (const [key, line] of lines) {
    const name = key.slice(key.indexOf(":") + 1);
    if ("share" in line) shares.set(name, line.share);
    else (key.startsWith("agent:") ? agents : domains).set(name, line.tenant);
  }
  return { shares, agents, domains };
};

export const readTenants = (folder: Folder): Effect.Effect<Tenants, Stopped> =>
  Effect.map(readLines(folder, TENANTS), ({ now }) => tenantsOf(now));

/** `percent`: undefined for an equal part of what the others leave. */
export const addTenant = Effect.fnUntraced(function* (
  folder: Folder,
  name: string,
  percent: number | undefined,
): Effect.fn.Return<void, Stopped> {
  const { shares } = yield* readTenants(folder);
  if (!shares.has(name) && shares.size >= TENANTS_MAX)
    return yield* stopped("refused", `there are ${TENANTS_MAX} tenants already`);
  const others = [...shares].reduce((sum, [other, share]) => sum + (other === name ? 0 : (share ?? 0)), 0);
  const left = Math.round(100 * (1 - others)) - 1;
  if (percent !== undefined && percent > left)
    return yield* stopped("refused", `the others have shares already: ${left} percent can be given to ${name}`);
  yield* folder.append(TENANTS.file, `tenant:${name}${percent === undefined ? "" : ` ${percent}`}`);
});

export const removeTenant = Effect.fnUntraced(function* (
  folder: Folder,
  name: string,
): Effect.fn.Return<void, Stopped> {
  const { agents, domains } = yield* readTenants(folder);
  const [known, served] = [yield* readAgents(folder), yield* readDomains(folder)];
  const left = [
    ...[...agents].filter(([agent, tenant]) => tenant === name && known.has(agent)),
    ...[...domains].filter(([domain, tenant]) => tenant === name && served.has(domain)),
  ].map(([its]) => its);
  if (left.length > 0) return yield* stopped("refused", `${name} still has ${left.join(", ")}: remove them first`);
  yield* removeLine(folder, TENANTS, `tenant:${name}`);
});

/** Whose an agent or a domain is. It changes hands only by being removed first, so that nobody takes another's by a slip. */
export const assign = Effect.fnUntraced(function* (
  folder: Folder,
  kind: Exclude<Kind, "tenant">,
  name: string,
  tenant: string | undefined,
  isThere: boolean,
): Effect.fn.Return<void, Stopped> {
  const now = yield* readTenants(folder);
  const before = now[kind === "agent" ? "agents" : "domains"].get(name);
  if (tenant !== undefined && !now.shares.has(tenant))
    return yield* stopped("refused", `there is no tenant ${tenant}: vipr server add-tenant ${tenant}`);
  if (isThere && tenant !== undefined && before !== tenant)
    return yield* stopped("refused", `${name} is ${before ?? "the server's own"}: remove it first`);
  if (isThere || before === tenant) return;
  yield* tenant === undefined
    ? removeLine(folder, TENANTS, `${kind}:${name}`)
    : folder.append(TENANTS.file, `${kind}:${name} ${tenant}`);
});

/**
 * For a server that starts: undefined where there are none, and it is one company's. Looked at each second; the first tenant
 * counts after a restart.
 */
export const openTenants = Effect.fn("server.tenants")(function* (
  folder: Folder,
): Effect.fn.Return<ViprTenants | undefined, Stopped, Scope.Scope> {
  const look = yield* followLines(folder, TENANTS);
  let now = tenantsOf(yield* look);
  if (now.shares.size === 0) return undefined;
  const again = Effect.map(look, (lines) => {
    now = tenantsOf(lines);
  });
  yield* lookAgain(again);
  return {
    tenantOf: (username) => now.agents.get(username) ?? "",
    hasDomain: (tenant, domain) => (now.domains.get(domain) ?? "") === tenant,
    shareOf: (tenant) => shareOf(now, tenant),
  };
});

/** What is said, else an equal part of the rest: of the tenants without a share, and of the server's own company. */
export const shareOf = ({ shares }: Tenants, tenant: string): number => {
  const own = shares.get(tenant);
  if (own !== undefined) return own;
  if (tenant !== "" && !shares.has(tenant)) return 0;
  const said = [...shares.values()].filter((share) => share !== undefined);
  const rest = 1 - said.reduce((sum, share) => sum + share, 0);
  return rest / (shares.size - said.length + 1);
};
