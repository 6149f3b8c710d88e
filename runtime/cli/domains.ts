/**
 * The domains that a ViPR server grants tickets for, by lines of a file (lines.ts):
 *
 *   acme.example 1 <password, base64url>
 *   nord.example 3 <password, base64url> private
 *
 * The number is the secret's epoch. Profile §3: server and border elements of a domain share the secret, nobody else.
 */
import { randomBytes } from "node:crypto";
import { Effect } from "effect";
import type { TicketSecret } from "../../actors/ticket/mod.ts";
import type { ViprDomains } from "../../actors/vipr/mod.ts";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { followLines, type LineFile, readLines, removeLine } from "./lines.ts";

const SECRET_BYTES = 32;
const EPOCH_MAX = 255;
const PRIVATE = "private";

export interface OwnDomain {
  readonly secret: TicketSecret;
  /** Method C proves its calls: claimants are shown no number. */
  readonly isPrivate: boolean;
}

const DOMAINS: LineFile<OwnDomain> = {
  file: "domains",
  what: "domain",
  read: ([epoch = "", password = "", access]) =>
    /^[1-9]\d{0,2}$/.test(epoch) &&
    Number(epoch) <= EPOCH_MAX &&
    /^[\w-]+$/.test(password) &&
    (access === undefined || access === PRIVATE)
      ? { secret: { epoch: Number(epoch), password }, isPrivate: access === PRIVATE }
      : undefined,
};

/** A known domain keeps its secret, unless a new one is wanted; its epoch never comes again, or old tickets would count. */
export const addDomain = Effect.fnUntraced(function* (
  folder: Folder,
  domain: string,
  { isPrivate, isNewSecret }: { readonly isPrivate: boolean; readonly isNewSecret: boolean },
): Effect.fn.Return<OwnDomain, Stopped> {
  const { now, gone } = yield* readLines(folder, DOMAINS);
  const known = now.get(domain)?.secret;
  const epoch = ((known ?? gone.get(domain)?.secret)?.epoch ?? 0) + 1;
  const isKept = known !== undefined && !isNewSecret;
  if (!isKept && epoch > EPOCH_MAX)
    return yield* stopped("refused", `${domain}: the epochs are used up: each of ${EPOCH_MAX} has had a secret`);
  const secret = isKept ? known : { epoch, password: randomBytes(SECRET_BYTES).toString("base64url") };
  const words = [domain, secret.epoch, secret.password, ...(isPrivate ? [PRIVATE] : [])];
  yield* folder.append(DOMAINS.file, words.join(" "));
  return { secret, isPrivate };
});

export const removeDomain = (folder: Folder, domain: string): Effect.Effect<void, Stopped> =>
  removeLine(folder, DOMAINS, domain);

export const readDomains = (folder: Folder): Effect.Effect<ReadonlyMap<string, OwnDomain>, Stopped> =>
  Effect.map(readLines(folder, DOMAINS), ({ now }) => now);

/** As they stand at each look; the same value as long as nothing changed. */
export const followDomains = Effect.fnUntraced(function* (folder: Folder) {
  const look = yield* followLines(folder, DOMAINS);
  let seen = yield* look;
  let domains = domainsOf(seen);
  return Effect.map(look, (now) => {
    if (now !== seen) domains = domainsOf(now);
    seen = now;
    return domains;
  });
});

const domainsOf = (domains: ReadonlyMap<string, OwnDomain>): ViprDomains => ({
  tickets: Object.fromEntries([...domains].map(([domain, { secret }]) => [domain, secret])),
  privateDomains: [...domains].flatMap(([domain, { isPrivate }]) => (isPrivate ? [domain] : [])),
});
