/** Our own codecs and machines by name: every message that a room of codecs exports, and the machines of machines.ts. */
import type { Law } from "../kit/laws.ts";
import { wireLawsOf } from "../kit/laws-of-wire.ts";
import { isOpenEnded } from "../kit/weight.ts";
import { ownMachines } from "./machines.ts";

export interface OwnTarget {
  readonly name: string;
  readonly what: string;
  readonly lawsOf: () => ReadonlyArray<Law>;
}

const ROOMS = {
  enrol: () => import("../../codecs/enrol/mod.ts"),
  reload: () => import("../../codecs/reload/mod.ts"),
  rtp: () => import("../../codecs/rtp/mod.ts"),
  ticket: () => import("../../codecs/ticket/mod.ts"),
  tls: () => import("../../codecs/tls/mod.ts"),
  validation: () => import("../../codecs/validation/mod.ts"),
  vap: () => import("../../codecs/vap/mod.ts"),
  vipr: () => import("../../codecs/vipr/mod.ts"),
} as const;

/** A message's description: it names its section, which the shapes that it is made of need not. */
export const isMessage = (value: any): boolean =>
  ["struct", "tlv"].includes(value?.node?.kind) && value.node.name !== "";

export const ownTargets = async (): Promise<ReadonlyArray<OwnTarget>> => {
  const codecs: Array<OwnTarget> = [];
  for (const [room, load] of Object.entries(ROOMS))
    for (const [name, wire] of Object.entries(await load()).filter(([, value]) => isMessage(value)) as Array<
      [string, any]
    >)
      codecs.push({
        name,
        what: `codec of vipr/codecs/${room}`,
        lawsOf: () => wireLawsOf(wire, { name, openEnded: isOpenEnded(wire.node) }),
      });
  const machines = ownMachines.map(({ name, lawsOf }) => ({ name, what: "machine", lawsOf: () => lawsOf() }));
  return [...codecs, ...machines];
};
