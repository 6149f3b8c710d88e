/** The guards of peer.ts: what must be so for a transition to be taken. Functions only. */
import type { Of } from "../kit/mod.ts";
import { TRIES_MAX } from "./joining.ts";
import type { PeerContext, PeerEvent } from "./peer-types.ts";

/** It may form the overlay, and knows no node that it could ask whether there is one. */
export const isFirst = ({ settings }: PeerContext): boolean => settings.mayBeFirst && settings.bootstrap.length === 0;
export const isOutOfTries = ({ tries }: PeerContext): boolean => tries >= TRIES_MAX;
export const mayStayAlone = (context: PeerContext): boolean => isOutOfTries(context) && context.settings.mayBeFirst;
/** The link to the bootstrap node last dialled is still open. */
export const hasBootstrapLink = ({ boot, table }: PeerContext): boolean =>
  boot !== undefined && table.linked.includes(boot);
/** The admitting peer is linked and has sent its tables. */
export const hasAdmittingPeer = ({ admitting, table }: PeerContext): boolean =>
  admitting !== undefined && table.peers.includes(admitting);
/** Every Update or answer that this state waits for has come, or will not come. */
export const awaitsNothing = ({ awaited }: PeerContext): boolean => awaited.length === 0;
export const hasNoPeer = ({ table }: PeerContext): boolean => table.peers.length === 0;
export const isUpdateDue = ({ reacting }: PeerContext): boolean => reacting !== undefined;

/** What the request was for that has been answered, or has failed. */
type Ended = Of<PeerEvent, "answered" | "failed">;
export const ofAdmission = (_: PeerContext, { request }: Ended): boolean => request.type === "admission";
export const ofAttach = (_: PeerContext, { request }: Ended): boolean => request.type === "attach";
export const ofFinger = (_: PeerContext, { request }: Ended): boolean => request.type === "finger";
export const ofSearch = (_: PeerContext, { request }: Ended): boolean => request.type === "search";
export const ofPartitionCheck = (_: PeerContext, { request }: Ended): boolean => request.type === "partition";
export const ofJoin = (_: PeerContext, { request }: Ended): boolean => request.type === "join";
export const ofAdmit = (_: PeerContext, { request }: Ended): boolean => request.type === "admit";
export const ofLeave = (_: PeerContext, { request }: Ended): boolean => request.type === "leave";

/** "explicitly labeling JN as its predecessor. At this point, JN is part of the ring", §10.5 step 7. */
export const namesUsPredecessor = (
  { admitting, table }: PeerContext,
  { asked, body }: Of<PeerEvent, "updateReq">,
): boolean => asked.signer === admitting && body.type !== "peerReady" && body.tables.predecessors.includes(table.self);
