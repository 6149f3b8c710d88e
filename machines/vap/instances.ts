/** The instances of VServices that one session has published, and those that are on their way. Functions only. */
import type { ServiceIdentity } from "../../codecs/vap/mod.ts";
import type { Instance, VapServerContext } from "./server.ts";

export const sameInstance = (a: ServiceIdentity, b: ServiceIdentity): boolean =>
  a.vservice === b.vservice && a.instance === b.instance;

/** With those that are coming: they have been ordered, and must be withdrawn as the others. */
export const allInstances = ({
  instances,
  pending,
}: Pick<VapServerContext, "instances" | "pending">): ReadonlyArray<Instance> =>
  pending.reduce((all, { coming }) => (coming === undefined ? all : withInstance(all, coming)), instances);

export const withInstance = (all: ReadonlyArray<Instance>, one: Instance): ReadonlyArray<Instance> => [
  ...all.filter(({ identity }) => !sameInstance(identity, one.identity)),
  one,
];

/** What is left when this one has gone, wherever it was on its way. */
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

/** Published, or about to be: requests need not wait for each other. What comes of one that is refused is not ours to say. */
export const publishes = (context: VapServerContext, vservice: bigint): boolean =>
  allInstances(context).some(({ identity }) => identity.vservice === vservice);
