/**
 * A stream to a neighbour or to another domain: opened by TCP or TLS, believed by what its certificate proves. RFC 3261 §18.1,
 * RFC 5922 §7.
 *
 *   an address --> dial --> proved? --> the stream
 *   a domain ----> its places, in order --> dial --> proved? --> the stream       RFC 3263 §4.3, DECISIONS.md D-153
 */
import { Effect, Result, type Scope } from "effect";
import type { Destination } from "../../machines/proxy/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, DialFailed, type ServerTrust } from "../ports/mod.ts";

const DIAL_TIMEOUT_MS = 1_500;
/** Of one domain: each may take DIAL_TIMEOUT_MS, and somebody waits for the call. */
const PLACES_TRIED_MAX = 4;

type Place = Pick<Destination, "host" | "port">;

export interface OpeningSecurity {
  /** For streams that we open by this address of ours, asked for each; and for those that others open there. */
  readonly credentials: (own: number) => Credentials | undefined;
  /** Of a place whose server alone shows a certificate, by which it is believed. Default: none is such a place. */
  readonly server?: (to: Place) => ServerTrust | undefined;
  /** The domains that the other end proves, by its certificates. Default: none. */
  readonly domainsOf?: (certificates: ReadonlyArray<Uint8Array>) => Effect.Effect<ReadonlyArray<string>>;
  /**
   * The addresses of a host to which we connect by this address of ours; none: to none. Default: what the platform finds.
   * DECISIONS.md D-166.
   */
  readonly reachable?: (own: number, host: string) => Effect.Effect<ReadonlyArray<string>>;
  /** Where a domain is reached, in this order; and which of them took none. Default: at its addresses. */
  readonly places?: {
    readonly of: (domain: string) => Effect.Effect<ReadonlyArray<Place>>;
    readonly failed: (place: Place) => void;
  };
}

export interface ToOpen extends Pick<Destination, "transport" | "own" | "host" | "port" | "isNamed"> {
  /** What the other end has to prove. */
  readonly domains: ReadonlyArray<string>;
}

export const opensStreams = Effect.map(Effect.service(Dialer), ({ dial }) => (security: OpeningSecurity) => {
  const openAt = Effect.fnUntraced(function* ({ transport, own, domains }: ToOpen, { host, port }: Place) {
    const credentials = security.credentials(own);
    const server = transport === "TLS" ? security.server?.({ host, port }) : undefined;
    if (transport === "TLS" && credentials === undefined && server === undefined)
      return yield* new DialFailed({ reason: "noCredentials", why: "no credentials" });
    const tls = server !== undefined ? { server } : transport === "TLS" ? { tls: credentials! } : {};
    const [at] = security.reachable === undefined ? [host] : yield* security.reachable(own, host);
    if (at === undefined)
      return yield* new DialFailed({ reason: "unreachable", why: `${host} leads nowhere that we connect to` });
    const stream = yield* dial({ host: at, port, timeoutMs: DIAL_TIMEOUT_MS, ...tls });
    const proved = domains.length === 0 ? [] : yield* security.domainsOf?.(stream.peer.certificates) ?? NONE;
    if (domains.every((domain) => proved.includes(domain))) return stream;
    yield* stream.close;
    return yield* new DialFailed({ reason: "notTrusted", why: `its certificate does not prove ${domains[0]}` });
  });
  /** The first place that takes us and proves what it must. */
  return Effect.fnUntraced(function* (to: ToOpen): Effect.fn.Return<ByteStreamShape, DialFailed, Scope.Scope> {
    const { places } = security;
    if (to.isNamed !== true || places === undefined) return yield* openAt(to, to);
    let failed = new DialFailed({ reason: "unreachable", why: `${to.host} is not found` });
    for (const place of (yield* places.of(to.host)).slice(0, PLACES_TRIED_MAX)) {
      const tried = yield* Effect.result(openAt(to, place));
      if (Result.isSuccess(tried)) return tried.success;
      places.failed(place);
      failed = tried.failure;
    }
    return yield* failed;
  });
});
const NONE = Effect.succeed<ReadonlyArray<string>>([]);
