/** The nodes of the overlay that a ViPR server runs, and where they say that PVP is reached. */
import { Effect } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { applicationId, type Endpoint } from "../../codecs/reload/mod.ts";
import type { Credentials, StoreShape } from "../ports/mod.ts";
import { type NodeLimits, type NodeOptions, startNode } from "../reload/mod.ts";

export interface ViprNodesOptions {
  /** One for each node of the overlay that this server runs; each certificate holds one Node-ID. */
  readonly nodes: ReadonlyArray<Credentials>;
  readonly overlay: OverlayConfiguration;
  /** Further options of the nodes. Of several the first is advertised at `advertise`, the others where they listen. */
  readonly node?: Pick<NodeOptions, "document" | "refetch" | "known" | "advertise" | "sameNode">;
  readonly limits?: Partial<NodeLimits>;
  /** Holds nodes and call records across restarts; without it they begin anew each time. */
  readonly store?: StoreShape;
}

/** One after another: each finds the one before it in the ring. */
export const startNodes = (
  {
    nodes,
    overlay,
    node,
    listen,
    limits = {},
    store,
  }: ViprNodesOptions & { readonly listen: { readonly reload: Endpoint } },
  pvp: Endpoint,
) => {
  const { advertise, ...others } = node ?? {};
  const { host, port } = listen.reload;
  return Effect.forEach(nodes, (credentials, i) =>
    startNode({
      ...others,
      ...(advertise === undefined || i > 0 ? {} : { advertise }),
      credentials,
      overlay,
      listen: { host, port: port === 0 ? 0 : port + i },
      applications: { [applicationId.pvp]: pvp },
      limits,
      ...(store === undefined ? {} : { store }),
    }),
  );
};

export const pvpAt = (advertised: Endpoint | undefined, { host, port }: Endpoint): Endpoint => ({
  host: advertised?.host ?? host,
  port: advertised === undefined || advertised.port === 0 ? port : advertised.port,
});
