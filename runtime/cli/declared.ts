/**
 * Call agents and domains that the configuration names, brought into the files of the data directory where they are missing
 * there. What an order has added stays; what the configuration names no more stays too, until an order removes it.
 */
import { Effect } from "effect";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { vapKey } from "../../codecs/vap/mod.ts";
import { addAgent, readAgents } from "./agents.ts";
import { addDomain, readDomains } from "./domains.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { newPassword } from "./password.ts";

export interface Declared {
  readonly agents: Readonly<Record<string, string>>;
  readonly domains: ReadonlyArray<string>;
}

export const declare = Effect.fn("server.declare")(function* (
  folder: Folder,
  { agents, domains }: Declared,
): Effect.fn.Return<void, Stopped> {
  const known = yield* readAgents(folder);
  for (const [name, file] of Object.entries(agents)) {
    const password = yield* newPassword(file, "");
    const key = known.get(name);
    if (key === undefined || !equalBytes(key, vapKey(name, password))) yield* addAgent(folder, name, password);
  }
  const served = yield* readDomains(folder);
  for (const domain of domains.map((one) => normalDomain(one) ?? one))
    if (!served.has(domain)) yield* addDomain(folder, domain, { isPrivate: undefined, isNewSecret: false });
});
