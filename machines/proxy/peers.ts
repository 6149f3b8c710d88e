/**
 * Whose message it is: the neighbours that the configuration names, found by the address that a message came from. The
 * address alone tells, as with every trunk that is paid for by its IP address; where a PBX and a trunk share one, each is
 * given an address of ours (`OwnAddress.side`). DECISIONS.md D-104.
 */
import type { OwnAddress, ProxySide, SipPeer, Source } from "./types.ts";

/** Addresses of one peer's name. */
const ADDRESSES_MAX = 32;
/** Of one peer, tried one after the other. */
const TARGETS_MAX = 8;

export type PeerTarget = Pick<SipPeer, "transport" | "host" | "port">;

export interface Sender<S extends string = ProxySide> {
  readonly side: S;
  readonly peer: SipPeer<S>;
}

export class Peers<S extends string = ProxySide> {
  readonly all: ReadonlyArray<SipPeer<S>>;
  private readonly own: ReadonlyArray<OwnAddress<S>>;
  private readonly byHost = new Map<string, Array<SipPeer<S>>>();
  /** Those that were found by their names. */
  private readonly targets = new Map<SipPeer<S>, ReadonlyArray<PeerTarget>>();
  private readonly senders = new Map<SipPeer<S>, Sender<S>>();

  constructor(own: ReadonlyArray<OwnAddress<S>>, all: ReadonlyArray<SipPeer<S>>) {
    this.own = own;
    this.all = all;
    for (const peer of all) {
      this.senders.set(peer, { side: peer.side, peer });
      this.add(peer.host, peer);
    }
  }

  /** A name of the configuration is at these addresses now. */
  resolved(host: string, addresses: ReadonlyArray<string>): void {
    const named = this.all.filter((peer) => peer.host === host);
    for (const [address, peers] of this.byHost) {
      if (address === host) continue;
      const rest = peers.filter((peer) => !named.includes(peer) || peer.host === address);
      if (rest.length === 0) this.byHost.delete(address);
      else this.byHost.set(address, rest);
    }
    for (const address of addresses.slice(0, ADDRESSES_MAX)) for (const peer of named) this.add(address, peer);
  }

  /** A neighbour is reached at these places now, the first to be tried first. RFC 3263. */
  located(name: string, targets: ReadonlyArray<PeerTarget>): void {
    const peer = this.all.find((one) => one.name === name);
    if (peer === undefined || targets.length === 0) return;
    this.targets.set(peer, targets.slice(0, TARGETS_MAX));
    for (const [address, peers] of this.byHost) {
      const rest = peers.filter((one) => one !== peer || one.host === address);
      if (rest.length === 0) this.byHost.delete(address);
      else this.byHost.set(address, rest);
    }
    for (const { host } of targets.slice(0, ADDRESSES_MAX)) this.add(host, peer);
  }

  /** Where it is reached: as it was found last, or as the configuration has it. */
  targetsOf(peer: SipPeer<S>): ReadonlyArray<PeerTarget> {
    return this.targets.get(peer) ?? [peer];
  }

  /** Undefined: a stranger. */
  senderOf(source: Pick<Source, "own" | "host" | "port" | "stream">): Sender<S> | undefined {
    const { own, host, port, stream } = source;
    const side = this.own[own]?.side;
    let first: SipPeer<S> | undefined;
    for (const peer of this.byHost.get(host) ?? NOBODY) {
      if (side !== undefined && peer.side !== side) continue;
      // A stream's port is the sender's own choice.
      if (stream === 0 && peer.port === port) return this.senders.get(peer);
      first ??= peer;
    }
    return first && this.senders.get(first);
  }

  isOf(side: S, host: string): boolean {
    return (this.byHost.get(host) ?? []).some((peer) => peer.side === side);
  }

  of(side: S): ReadonlyArray<SipPeer<S>> {
    return this.all.filter((peer) => peer.side === side);
  }

  private add(host: string, peer: SipPeer<S>): void {
    const there = this.byHost.get(host) ?? [];
    if (!there.includes(peer)) this.byHost.set(host, [...there, peer]);
  }
}
const NOBODY: ReadonlyArray<never> = [];
