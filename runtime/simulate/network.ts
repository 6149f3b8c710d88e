/**
 * Streams between simulated nodes, as TCP with TLS would carry them: bytes in their order, with a delay that is drawn for each
 * pair. Opening one takes a round trip and a half. What is lost is sent again, and what follows it waits. Bytes on their way
 * to a node that dies are lost, and the others see their streams end after the delay and a random time to detect it.
 *
 *   open --> two ends --> send --(delay)--> received, or unread until `resume`        close, vanish, cut --> lost
 */
import { framedMessageType } from "../../codecs/reload/mod.ts";
import type { Chance } from "../memory/chance.ts";
import type { Agenda } from "./agenda.ts";

export interface NetworkSettings {
  readonly seed: number;
  /** One way, milliseconds; each pair of nodes draws its own. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** The part of all frames that is lost, 0 to 1. */
  readonly loss: number;
  /** Until the end of a stream is seen, beyond its delay: drawn from 0 to this. */
  readonly detectMs: number;
}

/** A node as the network sees it. `link`: its own number for a stream. */
export interface Station {
  readonly index: number;
  readonly ends: Map<number, StreamEnd>;
  alive: boolean;
  /** Which of the two parts of a partitioned network it is in. */
  readonly side: 0 | 1;
  /** A number for a stream that another node has opened. */
  readonly nextAccepted: () => number;
  readonly opened: (as: "accepted" | "connected", link: number, to: Station) => void;
  readonly received: (link: number, bytes: Uint8Array) => void;
  readonly lost: (link: number, why: string) => void;
}

/** One end of a stream. */
export interface StreamEnd {
  readonly at: Station;
  readonly link: number;
  readonly other: StreamEnd;
  isOpen: boolean;
  /** What comes while it is not read waits here. */
  isReading: boolean;
  readonly unread: Array<Uint8Array>;
  /** When what was sent last arrives. */
  arrivesMs: number;
}

export interface Network {
  /** Messages sent, without acknowledgements; bytes of both. */
  messages: number;
  bytes: number;
  lost: number;
  readonly send: (end: StreamEnd, bytes: Uint8Array) => void;
  readonly resume: (end: StreamEnd) => void;
  /** Opens a stream. `then`: whether it is there; the stations have been told. */
  readonly open: (from: Station, link: number, to: Station, then: (isUp: boolean) => void) => void;
  /** A stream that has been there for long: each node sees it as one that the other has opened. */
  readonly join: (one: Station, other: Station) => void;
  /** One end closes the stream. */
  readonly close: (end: StreamEnd) => void;
  /** The process has died, or the node has left: its streams end. */
  readonly vanish: (station: Station) => void;
  readonly cut: (stations: ReadonlyArray<Station>) => void;
  readonly mend: () => void;
}

/** Until a dial into the other part of a partitioned network is given up. */
const DIAL_MS_MAX = 5_000;
/** Until TCP sends again what was lost, for the first time; twice as long each further time. RFC 6298 allows no less than 1 s, systems 200 ms. */
const RESEND_MS = 200;

export const makeNetwork = (agenda: Agenda, chance: Chance, settings: NetworkSettings): Network => {
  const { seed, delayMinMs, delayMaxMs, loss, detectMs } = settings;
  let isCut = false;
  const isApart = (a: Station, b: Station) => isCut && a.side !== b.side;
  const delayOf = (a: Station, b: Station): number =>
    delayMinMs + (mixed(seed, Math.min(a.index, b.index), Math.max(a.index, b.index)) % (delayMaxMs - delayMinMs + 1));

  /** That end sees that the stream has ended, once all that was sent has come. */
  const endAt = (end: StreamEnd) => {
    const { at, other } = end;
    const seenMs = delayOf(at, other.at) + (detectMs > 0 ? chance.between(0, detectMs) : 0);
    agenda.after(Math.max(seenMs, other.arrivesMs - agenda.nowMs), () => {
      if (!end.isOpen) return;
      end.isOpen = false;
      at.ends.delete(end.link);
      if (at.alive) at.lost(end.link, "closed by the peer");
    });
  };
  const deliver = (end: StreamEnd, bytes: Uint8Array) => {
    if (!end.isOpen || !end.at.alive || isApart(end.at, end.other.at)) network.lost++;
    else if (end.isReading) end.at.received(end.link, bytes);
    else end.unread.push(bytes);
  };
  const connect = (from: Station, link: number, to: Station, as: "accepted" | "connected") => {
    const none = { isOpen: true, isReading: false, arrivesMs: 0 };
    const ours: { -readonly [K in keyof StreamEnd]: StreamEnd[K] } = {
      ...none,
      at: from,
      link,
      unread: [],
      other: undefined as never,
    };
    const theirs: StreamEnd = { ...none, at: to, link: to.nextAccepted(), unread: [], other: ours };
    ours.other = theirs;
    from.ends.set(link, ours);
    to.ends.set(theirs.link, theirs);
    to.opened("accepted", theirs.link, from);
    from.opened(as, link, to);
  };

  const network: Network = {
    messages: 0,
    bytes: 0,
    lost: 0,
    send: (end, bytes) => {
      const { at, other } = end;
      if (bytes[0] === framedMessageType.data) network.messages++;
      network.bytes += bytes.length;
      let ms = delayOf(at, other.at);
      for (let again = RESEND_MS; loss > 0 && chance.next() < loss; again *= 2) {
        network.lost++;
        ms += again;
      }
      end.arrivesMs = Math.max(agenda.nowMs + ms, end.arrivesMs);
      agenda.after(end.arrivesMs - agenda.nowMs, () => deliver(other, bytes));
    },
    resume: (end) => {
      end.isReading = true;
      for (const bytes of end.unread.splice(0)) agenda.after(0, () => deliver(end, bytes));
    },
    open: (from, link, to, then) => {
      if (isApart(from, to)) {
        agenda.after(DIAL_MS_MAX, () => then(false));
        return;
      }
      agenda.after(3 * delayOf(from, to), () => {
        const isUp = from.alive && to.alive && !isApart(from, to);
        if (isUp) connect(from, link, to, "connected");
        if (from.alive) then(isUp);
      });
    },
    join: (one, other) => connect(one, one.nextAccepted(), other, "accepted"),
    close: (end) => {
      end.isOpen = false;
      end.at.ends.delete(end.link);
      endAt(end.other);
    },
    vanish: (station) => {
      station.alive = false;
      for (const { other } of station.ends.values()) endAt(other);
    },
    cut: (stations) => {
      isCut = true;
      for (const { alive, ends } of stations)
        if (alive) for (const end of ends.values()) if (isApart(end.at, end.other.at)) endAt(end);
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
