/**
 * What an enrolment server stores for each user: its Node-IDs, in the order in which they were assigned. RFC 6940
 * §11.3.
 */
import { NodeId } from "../reload/mod.ts";
import { constant, type Decoded, decode, encode, struct, u8, u16, vector } from "../wire/mod.ts";

/** Increased when the format changes; a record of another version is not read. */
const RECORD_VERSION = 1;
const EnrolledRecord = struct("EnrolledRecord", "ours", {
  version: constant(u8, RECORD_VERSION),
  nodeIds: vector(NodeId, u16),
});

/** The stored value of a user, up to 4,095 Node-IDs; throws Unfit for more. */
export const encodeEnrolled = (nodeIds: ReadonlyArray<NodeId>): Uint8Array => encode(EnrolledRecord, { nodeIds });
/** An error for other bytes, and for a record of another version. */
export const decodeEnrolled = (bytes: Uint8Array): Decoded<{ readonly nodeIds: ReadonlyArray<NodeId> }> =>
  decode(EnrolledRecord, bytes);
