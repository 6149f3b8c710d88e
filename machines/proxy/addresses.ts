/**
 * Where we are reached, and how we find ourselves again in Route and Request-URI. RFC 3261 §16.4 and §16.6; RFC 5658 for the two
 * Record-Route fields of a proxy that is entered by one address and left by another.
 * Requirements: RFC 3261 §16.5, §18.1.1.
 */
import {
  type Header,
  hasParam,
  isReturned,
  paramOf,
  printHostPort,
  printUri,
  type SipUri,
  sipUri,
  type Uri,
} from "../../codecs/sip/mod.ts";
import type { OwnAddress, ProxySide, Transport } from "./types.ts";

export const SIP_PORT = 5_060;
export const SIPS_PORT = 5_061;
export const defaultPort = (transport: Transport): number => (transport === "TLS" ? SIPS_PORT : SIP_PORT);

/** Our addresses, by number, with what is written of each. */
export class OwnAddresses<S extends string = ProxySide> {
  readonly all: ReadonlyArray<OwnAddress<S>>;
  private readonly byHost = new Map<string, Array<number>>();
  private readonly vias: ReadonlyArray<string>;
  private readonly uris: ReadonlyArray<SipUri>;
  private readonly records: ReadonlyArray<Header>;

  constructor(all: ReadonlyArray<OwnAddress<S>>) {
    this.all = all;
    for (const [i, { host, names = [] }] of all.entries())
      for (const name of new Set([host, ...names])) this.byHost.set(name, [...(this.byHost.get(name) ?? []), i]);
    this.vias = all.map(({ transport, host, port }) => `SIP/2.0/${transport} ${printHostPort(host, port)};branch=`);
    this.uris = all.map(({ transport, host, port }) => {
      const by = transport === "UDP" ? [] : [{ name: "transport", value: transport.toLowerCase() }];
      return sipUri({ host, port, params: [...by, { name: "lr", value: undefined }] });
    });
    this.records = this.uris.map((uri) => ({ name: "Record-Route", value: `<${printUri(uri)}>` }));
  }

  /** The number of the address that a URI means; -1: it is not ours. */
  of(uri: Uri): number {
    if (uri.type !== "sip") return -1;
    const there = this.byHost.get(uri.host);
    if (there === undefined) return -1;
    const transport = transportOf(uri);
    const port = uri.port ?? defaultPort(transport);
    let first = -1;
    for (const i of there) {
      const own = this.all[i]!;
      if (own.port !== port) continue;
      if (own.transport === transport) return i;
      if (first < 0) first = i;
    }
    return first;
  }

  /** Whether it is one that we put into a Record-Route. */
  isRecord(uri: Uri): boolean {
    return this.uris.some((own) => isReturned(uri, own));
  }

  /** A Via but for the branch, which comes last. */
  via(own: number): string {
    return this.vias[own]!;
  }

  /** The one that the next hop uses comes first. RFC 5658 §5. */
  recordRoutes(towards: number, from: number): ReadonlyArray<Header> {
    return towards === from ? [this.records[towards]!] : [this.records[towards]!, this.records[from]!];
  }

  path(own: number): string {
    return `<${printUri(this.uris[own]!)}>`;
  }

  /** By which of our addresses a message leaves for a side; -1: none speaks that transport. */
  towards(side: S, transport: Transport): number {
    let any = -1;
    for (let i = 0; i < this.all.length; i++) {
      const own = this.all[i]!;
      if (own.transport !== transport) continue;
      if (own.side === side) return i;
      if (any < 0 || (this.all[any]!.side !== undefined && own.side === undefined)) any = i;
    }
    return any;
  }
}

/** RFC 3263 §4.1, without a look at the DNS: what the URI says, or UDP. */
export const transportOf = (uri: SipUri): Transport => {
  if (uri.secure) return "TLS";
  const named = paramOf(uri.params, "transport")?.toUpperCase();
  return named === "TCP" || named === "TLS" ? named : "UDP";
};

export interface Hop {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
}

/** Where a URI leads. */
export const hopOf = (uri: Uri): Hop | undefined => {
  if (uri.type !== "sip") return undefined;
  const transport = transportOf(uri);
  return { transport, host: paramOf(uri.params, "maddr") ?? uri.host, port: uri.port ?? defaultPort(transport) };
};

/** A router that leaves the Request-URI alone. RFC 3261 §16.12. */
export const isLoose = (uri: Uri): boolean => uri.type === "sip" && hasParam(uri.params, "lr");
