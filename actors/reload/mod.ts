/** A node of the RELOAD overlay, and what a ViPR server does with it. */

export type { Counter } from "../../machines/node/mod.ts";
export { type Configuration, needsRestart } from "./configuration.ts";
export {
  ConfigurationRefused,
  JoinFailed,
  type JoinFault,
  type OverlayError,
  OverlayRefused,
  OverlayUnreachable,
  type UnreachableReason,
} from "./errors.ts";
export { type OverlayNode, startNode } from "./node.ts";
export { type Claim, claimsOf, NUMBER_LIFETIME_S, publishedLife, publishNumber, withdrawNumber } from "./numbers.ts";
export { type NodeLimits, type NodeOptions, nodeLimits } from "./options.ts";
export type { StoredLife } from "./own-entries.ts";
export { signDocument, signKind, type Trust, type Verdict, verifySigned } from "./signed.ts";
export type { NodeStatus, ValueStorageStatus } from "./status.ts";
export type { Fetched, ToStore, Usage } from "./usage.ts";
export { VALUES_TABLE } from "./values-disk.ts";
