/**
 * Where neighbours are that the configuration names by a name: found at the beginning, and again when the answers are old.
 * RFC 3263; DECISIONS.md D-150.
 *
 *   each peer by name --> Locator --> located(peer, targets) --> a minute, or the time to live --> again
 *   down(target) ----------------------> those that are up first, at once
 */
import { Effect } from "effect";
import { isAddress, type Target } from "../../machines/locate/mod.ts";
import type { PeerTarget, SipPeer, Transport } from "../../machines/proxy/mod.ts";
import type { Located, Locator } from "../locate/mod.ts";

/** Between two looks, in seconds: an order among equals is drawn anew that often at least. */
const AGAIN_S = [5, 60] as const;
const LOOKING_MAX = 16;

export interface Following {
  /** Looks for all once, and goes on by itself until the scope closes. */
  readonly start: Effect.Effect<void>;
  /** A place took nothing: RFC 3263 §4.3. */
  readonly down: (target: PeerTarget) => void;
}

export const followPeers = Effect.fn("proxy.located")(function* (
  peers: ReadonlyArray<SipPeer>,
  { find, failed }: Pick<Locator, "find" | "failed">,
  transports: ReadonlyArray<Transport>,
  located: (peer: string, targets: ReadonlyArray<PeerTarget>) => void,
) {
  const scope = yield* Effect.scope;
  const known = new Map<string, ReadonlyArray<PeerTarget>>();
  const missing = new Set<string>();
  const tell = (name: string, targets: ReadonlyArray<PeerTarget>) => {
    known.set(name, targets);
    located(name, targets);
  };
  /** Gives the seconds until the next look. */
  const look = Effect.fnUntraced(function* (peer: SipPeer) {
    const found = yield* find(wantedOf(peer), transports);
    if (found.type === "nowhere") {
      // Better the places of before than none; said once.
      if (!missing.has(peer.name)) yield* notFound(peer, found);
      missing.add(peer.name);
      return AGAIN_S[0];
    }
    if (missing.delete(peer.name) || !known.has(peer.name))
      yield* Effect.logInfo("proxy.peer.found", peer.name, shown(found.targets));
    tell(peer.name, found.targets);
    return Math.min(AGAIN_S[1], Math.max(AGAIN_S[0], found.ttlS ?? AGAIN_S[1]));
  });
  const named = peers.filter(({ host }) => !isAddress(host));
  const follow = (peer: SipPeer, seconds: number): Effect.Effect<never> =>
    Effect.flatMap(Effect.andThen(Effect.sleep(1_000 * seconds), look(peer)), (next) => follow(peer, next));
  const start = Effect.forEach(
    named,
    (peer) => Effect.flatMap(look(peer), (seconds) => Effect.forkIn(follow(peer, seconds), scope)),
    { concurrency: LOOKING_MAX, discard: true },
  );
  const down: Following["down"] = (target) => {
    for (const [name, targets] of known) {
      const at = targets.findIndex((one) => isSame(one, target));
      if (at < 0 || targets.length === 1) continue;
      tell(name, [...targets.filter((_, i) => i !== at), targets[at]!]);
    }
    failed(target);
  };
  return { start, down } satisfies Following as Following;
});

const isSame = (a: PeerTarget, b: PeerTarget): boolean =>
  a.host === b.host && a.port === b.port && a.transport === b.transport;

/** A port that the configuration names is not looked for, nor is a transport. RFC 3263 §4.1, §4.2. */
const wantedOf = ({ host, port, transport, located }: SipPeer) => ({
  secure: false,
  target: host.toLowerCase(),
  name: host.toLowerCase(),
  port: located === undefined ? port : undefined,
  transport: located === "anyTransport" ? undefined : transport.toLowerCase(),
});

const notFound = ({ name, host }: SipPeer, { why }: Extract<Located, { readonly type: "nowhere" }>) =>
  Effect.logWarning("proxy.peer.notFound", name, { host, why });
const shown = (targets: ReadonlyArray<Target>): string =>
  targets.map(({ transport, host, port }) => `${transport.toLowerCase()}:${host}:${port}`).join(" ");
