/** `vipr server add-agent`, `remove-agent`, `agents`; `add-domain`, `remove-domain`, `domains`, `domain-secret`. */
import { Effect } from "effect";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { isAccountName } from "./accounts.ts";
import { addAgent, readAgents, removeAgent } from "./agents.ts";
import { addDomain, type DomainWishes, type OwnDomain, readDomains, removeDomain } from "./domains.ts";
import { type Stopped, stopped } from "./exit.ts";
import { type Folder, isAuthoritys } from "./folder.ts";
import { Wrong } from "./options.ts";
import { say } from "./output.ts";
import { newPassword } from "./password.ts";

export interface ServerOrderOptions extends DomainWishes {
  readonly passwordFile: string | undefined;
}
type Order = (folder: Folder) => Effect.Effect<void, Stopped>;

const NAMED = ["add-agent", "remove-agent", "add-domain", "remove-domain", "domain-secret"];

export const serverOrder = (order: string, name: string | undefined, options: ServerOrderOptions): Order => {
  const work = orderOf(order, name, options);
  return (folder) =>
    Effect.flatMap(isAuthoritys(folder), (isIts) =>
      isIts ? stopped("usage", `${folder.path} belongs to an authority`) : work(folder),
    );
};

const orderOf = (order: string, name: string | undefined, options: ServerOrderOptions): Order => {
  if (order === "agents" && name === undefined) return agentsListed;
  if (order === "domains" && name === undefined) return domainsListed;
  if (!NAMED.includes(order))
    throw new Wrong(`there is no order "${order}", but ${NAMED.join(", ")}, agents and domains`);
  if (name === undefined) throw new Wrong(`${order} wants a name`);
  if (order.endsWith("-agent")) {
    if (!isAccountName(name)) throw new Wrong(`"${name}" is no name for a call agent: letters, digits and signs`);
    return order === "add-agent" ? agentAdded(name, options.passwordFile) : agentRemoved(name);
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

const agentAdded = (name: string, passwordFile: string | undefined): Order =>
  Effect.fnUntraced(function* (folder) {
    const isKnown = (yield* readAgents(folder)).has(name);
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

const domainAdded = (domain: string, { isPrivate, isNewSecret }: ServerOrderOptions): Order =>
  Effect.fnUntraced(function* (folder) {
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
