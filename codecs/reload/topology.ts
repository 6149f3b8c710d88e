/**
 * The messages that make and keep the overlay: Attach, AppAttach, Ping, Probe, Join, Leave, Update, RouteQuery and
 * ConfigUpdate, with CHORD-RELOAD's parts. RFC 6940 §6.4.2, §6.5, §10.7 to §10.9.
 */
import { NodeId } from "../shared/mod.ts";
import {
  boolean,
  empty,
  enumeration,
  lengthOf,
  opaque,
  openEnumeration,
  rest,
  select,
  struct,
  type TypeOf,
  textVector,
  u8,
  u16,
  u24,
  u32,
  u64,
  u128,
  vector,
} from "../wire/mod.ts";
import { Destination } from "./forwarding.ts";
import {
  addressType,
  candidateType,
  chordLeaveType,
  chordUpdateType,
  configUpdateType,
  overlayLink,
  probeInformation,
} from "./registry.ts";

/** An address as a number of 32 or 128 bits, and a port. */
export const IpAddressPort = struct("IpAddressPort", "RFC 6940 §6.3.1.1", {
  type: enumeration(u8, addressType),
  length: lengthOf("address", u8),
  address: select("type", {
    ipv4: struct("IPv4AddrPort", "RFC 6940 §6.3.1.1", { addr: u32, port: u16 }),
    ipv6: struct("IPv6AddrPort", "RFC 6940 §6.3.1.1", { addr: u128, port: u16 }),
  }),
});
export type IpAddressPort = TypeOf<typeof IpAddressPort>;

const IceExtension = struct("IceExtension", "RFC 6940 §6.5.1.1", { name: opaque(u16), value: opaque(u16) });

/** Where a node can be reached: ICE's candidate line in binary. `related`: its related address, for those that have one. */
export const IceCandidate = struct("IceCandidate", "RFC 6940 §6.5.1.1", {
  address: IpAddressPort,
  overlayLink: openEnumeration(u8, overlayLink),
  foundation: opaque(u8),
  priority: u32,
  type: enumeration(u8, candidateType),
  related: select("type", { host: empty, srflx: IpAddressPort, relay: IpAddressPort }),
  extensions: vector(IceExtension, u16),
});
export type IceCandidate = TypeOf<typeof IceCandidate>;

/** Role: `passive` for the node that asks (and is TLS server), `active` for the one that answers, §6.5.1.1. */
export const Attach = struct("AttachReqAns", "RFC 6940 §6.5.1.1", {
  ufrag: opaque(u8),
  password: opaque(u8),
  role: textVector(u8),
  candidates: vector(IceCandidate, u16),
  sendUpdate: boolean,
});
export type Attach = TypeOf<typeof Attach>;

/** As `Attach`, request and answer alike, for a connection of the application with that Application-ID, RFC 6940 §14.5. */
export const AppAttach = struct("AppAttach", "RFC 6940 §6.5.2", {
  ufrag: opaque(u8),
  password: opaque(u8),
  application: u16,
  role: textVector(u8),
  candidates: vector(IceCandidate, u16),
});
export type AppAttach = TypeOf<typeof AppAttach>;

/** Up to 65,535 bytes of padding, to find out what sizes go through. */
export const PingReq = struct("PingReq", "RFC 6940 §6.5.3.1", { padding: opaque(u16) });
/** A random number by which answers are told apart, and the time when it was made. */
export const PingAns = struct("PingAns", "RFC 6940 §6.5.3.2", {
  responseId: u64,
  time: u64, // milliseconds since 1970
});
export type PingAns = TypeOf<typeof PingAns>;

/** What is wanted to know of a peer. */
export const ProbeReq = struct("ProbeReq", "RFC 6940 §6.4.2.5.1", {
  requested: vector(openEnumeration(u8, probeInformation), u8),
});
export type ProbeReq = TypeOf<typeof ProbeReq>;
/** One answer: `responsibleSet` in parts per billion of the overlay, `uptime` in seconds. */
export const ProbeInformation = struct("ProbeInformation", "RFC 6940 §6.4.2.5.2", {
  type: openEnumeration(u8, probeInformation),
  length: lengthOf("value", u8),
  value: select("type", { responsibleSet: u32, numResources: u32, uptime: u32 }, { otherwise: rest }),
});
export type ProbeInformation = TypeOf<typeof ProbeInformation>;
/** What the peer knows of what was asked, in that order. */
export const ProbeAns = struct("ProbeAns", "RFC 6940 §6.4.2.5.2", { information: vector(ProbeInformation, u16) });

/** The Node-ID that the sender takes. `overlayData`: what the overlay algorithm adds, in CHORD-RELOAD nothing. */
export const JoinReq = struct("JoinReq", "RFC 6940 §6.4.2.1", { joiningPeer: NodeId, overlayData: opaque(u16) });
export type JoinReq = TypeOf<typeof JoinReq>;
/** What the overlay algorithm answers: in CHORD-RELOAD nothing. */
export const JoinAns = struct("JoinAns", "RFC 6940 §6.4.2.1", { overlayData: opaque(u16) });

const NodeIds = vector(NodeId, u16);

/** The `overlayData` of a LeaveReq: the neighbours by which a receiver can replace the leaving peer. */
export const ChordLeaveData = struct("ChordLeaveData", "RFC 6940 §10.9", {
  type: enumeration(u8, chordLeaveType),
  nodes: select("type", {
    fromSuccessor: NodeIds, // the sender's successors
    fromPredecessor: NodeIds, // the sender's predecessors
  }),
});
export type ChordLeaveData = TypeOf<typeof ChordLeaveData>;
/** The Node-ID that leaves; `overlayData` is ChordLeaveData. */
export const LeaveReq = struct("LeaveReq", "RFC 6940 §6.4.2.2", { leavingPeer: NodeId, overlayData: opaque(u16) });
export type LeaveReq = TypeOf<typeof LeaveReq>;

const Neighbours = struct("Neighbours", "RFC 6940 §10.7", { predecessors: NodeIds, successors: NodeIds });
const Full = struct("Full", "RFC 6940 §10.7", { predecessors: NodeIds, successors: NodeIds, fingers: NodeIds });
/** The contents of UpdateReq are the overlay algorithm's own: in CHORD-RELOAD, this. */
export const ChordUpdate = struct("ChordUpdate", "RFC 6940 §10.7", {
  uptime: u32, // seconds
  type: enumeration(u8, chordUpdateType),
  tables: select("type", { peerReady: empty, neighbors: Neighbours, full: Full }),
});
export type ChordUpdate = TypeOf<typeof ChordUpdate>;

/** Asks which peer would be next for a destination; `sendUpdate`: and for an Update at once. */
export const RouteQueryReq = struct("RouteQueryReq", "RFC 6940 §6.4.2.4.1", {
  sendUpdate: boolean,
  destination: Destination,
  overlayData: opaque(u16),
});
export type RouteQueryReq = TypeOf<typeof RouteQueryReq>;
/** The peer that would be next. */
export const ChordRouteQueryAns = struct("ChordRouteQueryAns", "RFC 6940 §10.8", { nextPeer: NodeId });

/** The document as bytes, or `kind-block` elements as texts; other types stay bytes. */
export const ConfigUpdateReq = struct("ConfigUpdateReq", "RFC 6940 §6.5.4.1", {
  type: openEnumeration(u8, configUpdateType),
  length: lengthOf("data", u32),
  data: select("type", { config: opaque(u24), kind: vector(textVector(u16), u24) }, { otherwise: rest }),
});
export type ConfigUpdateReq = TypeOf<typeof ConfigUpdateReq>;
