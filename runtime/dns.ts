/**
 * Dns over node:dns, which Node, Deno and Bun all have. DECISIONS.md D-148.
 *
 *   NAPTR, SRV --> Resolver of the platform             no time to live is told
 *   A, AAAA    --> the system's own look-up (hosts file, ...), with the time to live that Resolver tells
 *
 * What differs between the runtimes ends here: Deno writes names with a dot at their end and knows no NODATA, Bun neither; of
 * the error codes only those are read that all three give alike.
 */
import { lookup, Resolver } from "node:dns/promises";
import { Effect, Layer } from "effect";
import { Dns } from "../actors/ports/mod.ts";
import type { AddressRecord, DnsAnswer, DnsQuestion, DnsRecord } from "../machines/locate/mod.ts";

export interface DnsOptions {
  /** Addresses with ports, as 127.0.0.1:5301; they alone are asked, and no hosts file. Default: those of the system. */
  readonly servers?: ReadonlyArray<string>;
}

/** Of one server, and how often each is tried. */
const TRY_TIMEOUT_MS = 1_200;
const TRIES = 2;

const nameOf = (text: string): string => text.toLowerCase().replace(/\.$/, "");
const NONE: DnsAnswer = { type: "none" };

/** No such name, and no record of that kind. */
const IS_NONE: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);
const failure = (error: unknown): DnsAnswer => {
  const { code = "", message = String(error) } = error as { readonly code?: string; readonly message?: string };
  return IS_NONE.has(code) ? NONE : { type: "failed", why: code === "" ? message : code };
};
const recordsOf = (records: ReadonlyArray<DnsRecord>, ttlS?: number): DnsAnswer =>
  records.length === 0 ? NONE : { type: "records", records, ttlS };

const askServices = async (resolver: Resolver, { kind, name }: DnsQuestion): Promise<DnsAnswer> => {
  if (kind === "SRV") {
    const found = await resolver.resolveSrv(name);
    return recordsOf(
      found.map(({ priority, weight, port, name }) => ({ kind, priority, weight, port, target: nameOf(name) })),
    );
  }
  const found = await resolver.resolveNaptr(name);
  return recordsOf(
    found.map(({ order, preference, flags, service, regexp, replacement }) => ({
      kind: "NAPTR",
      order,
      preference,
      flags,
      service,
      regexp,
      replacement: nameOf(replacement),
    })),
  );
};

interface Timed {
  readonly address: string;
  readonly ttl: number;
}

const askAddresses = async (
  resolver: Resolver,
  { kind, name }: { readonly kind: AddressRecord["kind"]; readonly name: string },
  usesSystem: boolean,
): Promise<DnsAnswer> => {
  const asked: Promise<ReadonlyArray<Timed> | DnsAnswer> =
    kind === "A" ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true });
  const told = asked.catch(failure);
  const ttlOf = (all: ReadonlyArray<Timed>) => {
    const ttls = all.map(({ ttl }) => ttl).filter((ttl) => Number.isFinite(ttl));
    return ttls.length === 0 ? undefined : Math.min(...ttls);
  };
  if (!usesSystem) {
    const all = await told;
    return "type" in all
      ? all
      : recordsOf(
          all.map(({ address }) => ({ kind, address })),
          ttlOf(all),
        );
  }
  const family = kind === "A" ? 4 : 6;
  const [here, all] = await Promise.all([lookup(name, { all: true, family }).catch(failure), told]);
  if ("type" in here) return here;
  return recordsOf(
    here.map(({ address }) => ({ kind, address })),
    "type" in all ? undefined : ttlOf(all),
  );
};

export const dnsLayer = ({ servers }: DnsOptions = {}): Layer.Layer<Dns> =>
  Layer.sync(Dns, () => {
    const resolver = new Resolver({ timeout: TRY_TIMEOUT_MS, tries: TRIES });
    if (servers !== undefined) resolver.setServers(servers);
    const answer = (question: DnsQuestion): Promise<DnsAnswer> =>
      question.kind === "A" || question.kind === "AAAA"
        ? askAddresses(resolver, question, servers === undefined)
        : askServices(resolver, question);
    return { ask: (question) => Effect.promise(() => answer(question).catch(failure)) };
  });
