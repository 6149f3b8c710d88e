/** A bare node as a process. */
import { Effect, type Scope } from "effect";
import { startNode } from "../../actors/reload/mod.ts";
import type { Ports } from "../node.ts";
import type { Stopped } from "./exit.ts";
import { type MemberSettings, serveMember } from "./member.ts";

export type NodeSettings = MemberSettings;

export const serveNode = (settings: NodeSettings): Effect.Effect<void, Stopped, Ports | Scope.Scope> =>
  serveMember(settings, ({ node }) => Effect.map(startNode(node), (started) => ({ node: started })));
