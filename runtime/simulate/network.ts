/**
 * Links between simulated nodes: ordered, with a delay that is drawn for each pair. What TCP and TLS would do is modelled:
 * opening takes a round trip and a half, a frame may be lost as a whole. Frames on their way to a node that dies are lost, and
 * its neighbours see their links close after the delay and a random time to detect it.
 */
import type { Body, NodeId, Packet } from "../../codecs/reload/mod.ts";
import type { Chance } from "../memory/chance.ts";
import type { Agenda } from "./agenda.ts";
import type { Sizes } from "./sizes.ts";

export interface NetworkSettings {
  readonly seed: number;
  /** One way, milliseconds; each pair of nodes draws its own. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** The part of all frames that is lost, 0 to 1. */
  readonly loss: number;
  /** Until the end of a link is seen, beyond its delay: drawn from 0 to this. */
  readonly detectMs: number;
}

/** A message under way, as an object: its signer, its body, and the hops it has made. */
export interface SimPacket extends Packet {
  readonly signer: NodeId;
  readonly body: Body;
  /** Certificates beside the signer's own. */
  readonly certificates: number;
  /** The same object in all copies of one sending. */
  readonly trip: { hops: number };
  /** In an answer: the hops of the request it answers. */
  readonly cameBy: number;
}

/** A node as the network sees it. */
export interface Station {
  readonly index: number;
  readonly links: Set<Station>;
  alive: boolean;
  /** Which of the two parts of a partitioned network it is in. */
  side: 0 | 1;
  readonly arrive: (packet: SimPacket, from: Station) => void;
  readonly linked: (to: Station) => void;
  readonly unlinked: (from: Station) => void;
}

export interface Network {
  messages: number;
  bytes: number;
  lost: number;
  readonly transmit: (from: Station, to: Station, packet: SimPacket) => void;
  readonly open: (from: Station, to: Station, then: (isUp: boolean) => void) => void;
  /** One of them closes the link. */
  readonly close: (from: Station, to: Station) => void;
  /** The process has died, or the node has left: its links close. */
  readonly vanish: (station: Station) => void;
  readonly cut: (stations: ReadonlyArray<Station>) => void;
  readonly mend: () => void;
}

/** Until a dial into the other part of a partitioned network is given up. */
const DIAL_MS_MAX = 5_000;

export const makeNetwork = (agenda: Agenda, chance: Chance, sizes: Sizes, settings: NetworkSettings): Network => {
  const { seed, delayMinMs, delayMaxMs, loss, detectMs } = settings;
  let isCut = false;
  const isApart = (a: Station, b: Station) => isCut && a.side !== b.side;
  const delayOf = (a: Station, b: Station): number =>
    delayMinMs + (mixed(seed, Math.min(a.index, b.index), Math.max(a.index, b.index)) % (delayMaxMs - delayMinMs + 1));

  const closeAt = (at: Station, other: Station) =>
    agenda.after(delayOf(at, other) + (detectMs > 0 ? chance.between(0, detectMs) : 0), () => {
      if (at.links.delete(other) && at.alive) at.unlinked(other);
    });

  const network: Network = {
    messages: 0,
    bytes: 0,
    lost: 0,
    transmit: (from, to, packet) => {
      network.messages++;
      network.bytes += sizes.of(packet, packet.body, packet.certificates);
      packet.trip.hops++;
      if (loss > 0 && chance.next() < loss) {
        network.lost++;
        return;
      }
      agenda.after(delayOf(from, to), () => {
        if (to.alive && to.links.has(from) && !isApart(from, to)) to.arrive(packet, from);
        else network.lost++;
      });
    },
    open: (from, to, then) => {
      if (isApart(from, to)) {
        agenda.after(DIAL_MS_MAX, () => then(false));
        return;
      }
      agenda.after(3 * delayOf(from, to), () => {
        const isUp = from.alive && to.alive && !isApart(from, to);
        const isNew = isUp && !from.links.has(to);
        if (isNew) {
          from.links.add(to);
          to.links.add(from);
          to.linked(from);
          from.linked(to);
        }
        if (from.alive) then(isUp);
      });
    },
    close: (from, to) => {
      agenda.after(0, () => {
        if (from.links.delete(to) && from.alive) from.unlinked(to);
      });
      closeAt(to, from);
    },
    vanish: (station) => {
      station.alive = false;
      for (const other of station.links) closeAt(other, station);
    },
    cut: (stations) => {
      isCut = true;
      for (const station of stations)
        if (station.alive) for (const other of station.links) if (isApart(station, other)) closeAt(station, other);
    },
    mend: () => {
      isCut = false;
    },
  };
  return network;
};

/** A hash of three numbers, which stands in for a random draw. */
const mixed = (a: number, b: number, c: number): number => {
  let z = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35) ^ Math.imul(c + 1, 0x27d4eb2f);
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
};
