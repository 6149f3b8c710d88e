/** Links of a simulated node, opened and closed as its peer machine orders. */
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import type { PeerEvent } from "../../machines/reload/mod.ts";
import type { Agenda } from "./agenda.ts";
import type { Network, SimPacket, Station } from "./network.ts";
import type { PeerHooks } from "./peer.ts";

/** A node as links are opened to it. */
export interface LinkTarget extends Station {
  readonly id: NodeId;
}

/** Where links lead: the nodes, by Node-ID and by address. */
export interface LinkSettings {
  readonly agenda: Agenda;
  readonly network: Network;
  readonly byId: ReadonlyMap<NodeId, LinkTarget>;
  readonly at: (endpoint: Endpoint) => LinkTarget | undefined;
}

export interface Links extends Pick<PeerHooks, "dial" | "release" | "connect"> {
  readonly isLinked: (to: NodeId) => boolean;
  /** Sends the packet over the link to that node; without one it is lost. */
  readonly hand: (to: NodeId, packet: SimPacket) => void;
}

/** `tell`: gives the peer machine an event. */
export const makeLinks = (
  { agenda, network, byId, at }: LinkSettings,
  self: () => Station,
  tell: (event: PeerEvent) => void,
): Links => {
  const linkTo = (to: NodeId): Station | undefined => {
    const other = byId.get(to);
    return other !== undefined && self().links.has(other) ? other : undefined;
  };
  const connecting = new Set<NodeId>();
  /** Links that a dial to an address opened: the peer did not know which node listens there. */
  const visits = new Set<Station>();
  return {
    isLinked: (to) => linkTo(to) !== undefined,
    hand: (to, packet) => {
      const other = linkTo(to);
      if (other !== undefined) network.transmit(self(), other, packet);
    },
    connect: (to) => {
      const other = byId.get(to);
      if (other === undefined || self().links.has(other) || connecting.has(to)) return;
      connecting.add(to);
      network.open(self(), other, () => connecting.delete(to));
    },
    dial: (endpoint) => {
      const other = at(endpoint);
      if (other === undefined || other === self()) {
        agenda.after(0, () => tell({ type: "dialFailed", why: "nobody there" }));
        return;
      }
      if (!self().links.has(other)) visits.add(other);
      network.open(self(), other, (isUp) => {
        tell(isUp ? { type: "dialled", node: other.id } : { type: "dialFailed", why: "no link" });
      });
    },
    release: (to) => {
      const other = byId.get(to);
      if (other !== undefined && visits.delete(other)) network.close(self(), other);
    },
  };
};
