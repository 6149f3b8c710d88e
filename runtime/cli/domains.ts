/**
 * The domains that a ViPR server grants tickets for, by lines of a file (lines.ts):
 *
 *   acme.example 1 <password, base64url>
 *   nord.example 3 <password, base64url> private
 *
 * The number is the secret's epoch. docs/protocol/ticket.md#keys: server and border elements of a domain share the
 * secret, nobody else.
 */
import { randomBytes } from "node:crypto";
import { Effect } from "effect";
import type { TicketSecret } from "../../actors/ticket/mod.ts";
import type { ViprDomains } from "../../actors/vipr/mod.ts";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { EPOCHS_MAX } from "../../machines/ticket/mod.ts";
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
  isKept: true,
  read: ([epoch = "", password = "", access], name) =>
    normalDomain(name) === name &&
    /^[1-9]\d{0,2}$/.test(epoch) &&
    Number(epoch) <= EPOCH_MAX &&
    /^[\w-]+$/.test(password) &&
    (access === undefined || access === PRIVATE)
      ? { secret: { epoch: Number(epoch), password }, isPrivate: access === PRIVATE }
      : undefined,
};

export interface DomainWishes {
  /** Undefined: as it was, also before it was removed; public when it is new. */
  readonly isPrivate: boolean | undefined;
  readonly isNewSecret: boolean;
}

/** A known domain keeps its secret, unless a new one is wanted; its epoch never comes again, or old tickets would count. */
export const addDomain = Effect.fnUntraced(function* (
  folder: Folder,
  domain: string,
  { isPrivate: wished, isNewSecret }: DomainWishes,
): Effect.fn.Return<OwnDomain, Stopped> {
  const { now, gone } = yield* readLines(folder, DOMAINS);
  const known = now.get(domain)?.secret;
  const before = now.get(domain) ?? gone.get(domain);
  const epoch = (before?.secret.epoch ?? 0) + 1;
  const isPrivate = wished ?? before?.isPrivate ?? false;
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

/** Every epoch that a domain has had, newest last: tickets of former ones stay good until they expire. None: it is not served. */
export const secretsOf = (folder: Folder, domain: string): Effect.Effect<ReadonlyArray<TicketSecret>, Stopped> =>
  Effect.map(folder.read(DOMAINS.file), (text = "") => {
    const secrets = new Map<number, TicketSecret>();
    for (const line of text.split("\n")) {
      const [name, ...words] = line.split(" ");
      if (name !== domain) continue;
      const secret = DOMAINS.read(words, domain)?.secret;
      if (secret !== undefined) secrets.set(secret.epoch, secret);
      else secrets.clear();
    }
    return [...secrets.values()].slice(-EPOCHS_MAX);
  });

/**
 * As they stand at each look; the same value as long as nothing changed. A private domain stays private when it is gone:
 * calls of its VServices may still be waiting for their validation.
 */
export const followDomains = Effect.fnUntraced(function* (folder: Folder) {
  const { gone } = yield* readLines(folder, DOMAINS);
  const look = yield* followLines(folder, DOMAINS);
  let seen = yield* look;
  let domains = domainsOf(seen, privateOf(gone));
  return Effect.map(look, (now) => {
    if (now !== seen) domains = domainsOf(now, domains.privateDomains);
    seen = now;
    return domains;
  });
});

const domainsOf = (domains: ReadonlyMap<string, OwnDomain>, privateBefore: ReadonlyArray<string>) =>
  ({
    tickets: Object.fromEntries([...domains].map(([domain, { secret }]) => [domain, secret])),
    privateDomains: [...privateOf(domains), ...privateBefore.filter((domain) => !domains.has(domain))],
  }) satisfies ViprDomains;

const privateOf = (domains: ReadonlyMap<string, OwnDomain>): ReadonlyArray<string> =>
  [...domains].flatMap(([domain, { isPrivate }]) => (isPrivate ? [domain] : []));
