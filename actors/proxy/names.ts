/**
 * Names of neighbours: at which addresses they are, asked again now and then. RFC 3263, as far as A and AAAA go: ports and
 * transports are the configuration's or the URI's.
 */
import { Effect } from "effect";
import { Datagrams } from "../ports/mod.ts";

const ASK_EVERY_MS = 60_000;
/** Names that Contacts and Routes have brought. */
const NAMES_MAX = 1_024;
/** Messages that wait for one name. */
const WAITING_MAX = 256;

export const isAddress = (host: string): boolean => /^[0-9.]+$/.test(host) || host.includes(":");

type Told = (address: string | undefined) => void;

/** `resolved`: a peer's name is at these addresses now. */
export const openNames = Effect.fn("proxy.names")(function* (
  peers: ReadonlyArray<{ readonly host: string }>,
  resolved: (host: string, addresses: ReadonlyArray<string>) => void,
) {
  const datagrams = yield* Datagrams;
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const known = new Map<string, { addresses: ReadonlyArray<string>; waiting: Array<Told> | undefined }>();

  const ask = (host: string): Effect.Effect<void> =>
    Effect.map(datagrams.addressesOf(host), (addresses) => {
      const before = known.get(host);
      // Better the addresses of a minute ago than none.
      const kept = addresses.length > 0 ? addresses : (before?.addresses ?? []);
      known.set(host, { addresses: kept, waiting: undefined });
      for (const told of before?.waiting ?? []) told(kept[0]);
      if (addresses.length > 0) resolved(host, addresses);
    });
  const withAddress = (host: string, told: Told) => {
    const found = known.get(host);
    if (found?.waiting === undefined && found !== undefined) return told(found.addresses[0]);
    if (found?.waiting !== undefined) {
      if (found.waiting.length < WAITING_MAX) found.waiting.push(told);
      return;
    }
    if (known.size >= NAMES_MAX) known.clear();
    known.set(host, { addresses: [], waiting: [told] });
    run(ask(host));
  };
  const hosts = [...new Set(peers.map(({ host }) => host))].filter((host) => !isAddress(host));
  const askAll = Effect.forEach(hosts, ask, { discard: true });
  const again = Effect.andThen(
    Effect.sleep(ASK_EVERY_MS),
    Effect.andThen(
      Effect.sync(() => {
        for (const [host, { waiting }] of known) if (waiting === undefined && !hosts.includes(host)) known.delete(host);
      }),
      askAll,
    ),
  );
  const start = Effect.andThen(askAll, Effect.asVoid(Effect.forkScoped(Effect.forever(again))));
  return { withAddress, start };
});
