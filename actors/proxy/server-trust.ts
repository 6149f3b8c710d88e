/**
 * By which roots and which name a trunk is believed that asks us for no certificate. RFC 5922 §7; DECISIONS.md D-152.
 *
 *   located(peer, targets) --> its places          of(place) --> the trunk's roots and its name
 */
import type { PeerTarget, SipPeer } from "../../machines/proxy/mod.ts";
import type { ServerTrust } from "../ports/mod.ts";

/** Roots by the name of the trunk. */
export type ServerRoots = ReadonlyMap<string, ReadonlyArray<Uint8Array>>;

export const openServerTrust = (peers: ReadonlyArray<SipPeer>, roots: ServerRoots) => {
  const trusts = new Map<string, ServerTrust>();
  const byHost = new Map<string, ServerTrust>();
  for (const { name, host } of peers) {
    const own = roots.get(name);
    if (own === undefined) continue;
    trusts.set(name, { roots: own, name: host });
    byHost.set(host, trusts.get(name)!);
  }
  const [only, ...others] = trusts.values();
  const located = (peer: string, targets: ReadonlyArray<PeerTarget>): void => {
    const trust = trusts.get(peer);
    if (trust === undefined) return;
    for (const [host, one] of byHost) if (one === trust && host !== trust.name) byHost.delete(host);
    for (const { host } of targets) byHost.set(host, trust);
  };
  /** A dialog may lead to another place of a carrier: where there is one such trunk, it is that trunk's. */
  const of = (host: string, hasCredentials: boolean): ServerTrust | undefined =>
    byHost.get(host) ?? (hasCredentials || others.length > 0 ? undefined : only);
  return { located, of };
};
