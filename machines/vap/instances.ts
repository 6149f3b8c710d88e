/** The instances of VServices that one session has published, and those whose publication is not settled. Functions only. */
import type { VServiceId } from "../../codecs/shared/mod.ts";
import type { ServiceIdentity } from "../../codecs/vap/mod.ts";
import type { Instance, VapServerContext } from "./server-types.ts";

export const sameInstance = (a: ServiceIdentity, b: ServiceIdentity): boolean =>
  a.vservice === b.vservice && a.instance === b.instance;

/** Includes those whose publication is ordered and not settled: they must be withdrawn like the others. */
export const allInstances = ({
  instances,
  pending,
}: Pick<VapServerContext, "instances" | "pending">): ReadonlyArray<Instance> =>
  pending.reduce((all, { coming }) => (coming === undefined ? all : withInstance(all, coming)), instances);

export const withInstance = (all: ReadonlyArray<Instance>, one: Instance): ReadonlyArray<Instance> => [
  ...all.filter(({ identity }) => !sameInstance(identity, one.identity)),
  one,
];

/** Without this instance, published or not settled yet. */
export const withoutInstance = (
  { instances, pending }: Pick<VapServerContext, "instances" | "pending">,
  gone: ServiceIdentity,
): Pick<VapServerContext, "instances" | "pending"> => {
  const isGone = (one: Instance | undefined) => one !== undefined && sameInstance(one.identity, gone);
  return {
    instances: instances.filter((one) => !isGone(one)),
    pending: pending.map(({ coming, ...asked }) =>
      coming === undefined || isGone(coming) ? asked : { ...asked, coming },
    ),
  };
};

/**
 * Published, or its publication is ordered: a client need not wait for one answer before its next request. If the
 * publication is refused, the later requests are refused by those who perform them.
 */
export const publishes = (context: VapServerContext, vservice: VServiceId): boolean =>
  allInstances(context).some(({ identity }) => identity.vservice === vservice);
