/** Every port opened for real on Node. Deno and Bun offer the same modules; their own files say where they differ. */
import { Layer } from "effect";
import type { Arithmetic, Datagrams, Dialer, Dns, Entropy, Https, Keys, Listener } from "../actors/ports/mod.ts";
import { arithmeticLayer } from "./arithmetic.ts";
import { whyNotHere } from "./cli/begin.ts";
import { datagramsLayer } from "./datagrams.ts";
import { type DnsOptions, dnsLayer } from "./dns.ts";
import { entropyLayer } from "./entropy.ts";
import { httpsLayer } from "./https.ts";
import { keysLayer } from "./keys.ts";
import { sealsLayer } from "./seals.ts";
import { dialerLayer, listenerLayer } from "./sockets.ts";
import { srtpLayer } from "./srtp.ts";

export { openHere } from "./arithmetic.ts";
export { openSqlite, type SqliteOptions, sqliteStoreLayer } from "./store/sqlite.ts";

const unfit = whyNotHere();
if (unfit !== undefined) throw new Error(unfit);

/** What the ports are opened with. */
export interface RuntimeOptions {
  /** Makes choices repeatable; secrets and identifiers stay random. */
  readonly seed?: number;
  /** Other servers than the system's, for tests. */
  readonly dns?: DnsOptions;
}

/** What `nodeLayer` provides; a store is opened by a layer of its own. */
export type Ports = Arithmetic | Datagrams | Dialer | Dns | Entropy | Https | Keys | Listener;

/**
 * The ports of this machine: sockets, DNS, HTTPS, keys, randomness, slow arithmetic. On a runtime that is too old already
 * the import throws, with the reason.
 */
export const nodeLayer = (options: RuntimeOptions = {}): Layer.Layer<Ports> =>
  Layer.mergeAll(
    dialerLayer,
    datagramsLayer,
    dnsLayer(options.dns),
    listenerLayer,
    httpsLayer,
    keysLayer,
    arithmeticLayer,
    sealsLayer,
    srtpLayer,
    entropyLayer(options.seed),
  );
