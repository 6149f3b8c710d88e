/**
 * Links that others dial to us and links that we dial, each bound to a Node-ID of the certificate at its other end.
 * "The certificate exchanged during the TLS or DTLS handshake MUST match the node which sent the AttachReqAns", RFC 6940
 * §6.5.1.11.
 */

import { Deferred, Effect, FiberSet, type Scope } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { equalBytes, nodeIdText } from "../../codecs/shared/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, type Entropy } from "../ports/mod.ts";
import { type ConnectionTable, makeConnectionTable } from "./connection-table.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LinkSettings } from "./link.ts";
import { type CertifiedEnd, makeLinkSessions } from "./link-session.ts";
import type { MessageSecurity } from "./message-security.ts";
import type { Peer } from "./peer.ts";
import type { Sender } from "./sender.ts";

export interface Links {
  /** For the listener: one stream, until it ends. */
  readonly serve: (stream: ByteStreamShape) => Effect.Effect<void>;
  /** The node at the other end, once its link is up. `expected`: fails if it is another node. */
  readonly dial: (endpoint: Endpoint, expected?: NodeId) => Effect.Effect<NodeId, string>;
  /** Dials that node, unless it is linked or being dialled already. */
  readonly connect: (node: NodeId, endpoint: Endpoint) => Effect.Effect<void>;
  /** Closes the link that a dial without `expected` brought; other links to that node stay. */
  readonly release: (node: NodeId) => Effect.Effect<void>;
  /** Where linked nodes listen: as their Attaches say, or as we dialled them. */
  readonly reached: () => ReadonlyMap<NodeId, Endpoint>;
}

/** In TLS 1.3 a client is done before its certificate has been looked at: so long the other one has for that. */
const SHOWN_MS = 1_000;

/** Performed when another node shows a certificate of our Node-ID: one account enrolled twice, and both run. */
export type SameNode = (host: string) => Effect.Effect<void>;

export const makeLinks = Effect.fn("reload.links")(function* (
  self: NodeId,
  settings: LinkSettings & { readonly messagesPerSecond: number; readonly sameNode: SameNode },
  credentials: Credentials,
  security: MessageSecurity,
  { links }: Pick<Sender, "links">,
  dispatcher: Dispatcher,
  peer: Peer,
): Effect.fn.Return<Links, never, Dialer | Entropy | Scope.Scope> {
  const dialer = yield* Dialer;
  const dialling = yield* FiberSet.make();
  const table = makeConnectionTable(links, peer);
  const serveStream = yield* makeLinkSessions({ self, settings, security, table, dispatcher, peer });

  /** Undefined when its certificate names no node of this overlay, this node itself, or not the one expected. */
  const certifiedEnd = Effect.fnUntraced(function* (stream: ByteStreamShape, isDialled: boolean, expected?: NodeId) {
    const names = yield* security.nodesOf(stream.peer.certificates);
    const node = names.length === 1 ? names[0] : names.find((id) => id === expected);
    if (names.includes(self) && !equalBytes(stream.peer.certificates[0]!, credentials.certificates[0]!)) {
      if (isDialled) yield* Effect.sleep(SHOWN_MS);
      yield* settings.sameNode(stream.peer.host);
    }
    const isOther = names.length > 0 && node !== self && (expected === undefined || node === expected);
    return isOther ? ({ names, node } satisfies CertifiedEnd) : undefined;
  });

  const serve: Links["serve"] = Effect.fnUntraced(function* (stream) {
    const end = yield* certifiedEnd(stream, false);
    if (end === undefined) return yield* Effect.logWarning("reload.link.stranger", { host: stream.peer.host });
    yield* serveStream(stream, end, true, () => Effect.void);
  });

  const dial: Links["dial"] = Effect.fnUntraced(function* (endpoint, expected) {
    const up = yield* Deferred.make<NodeId, string>();
    const attempt = Effect.scoped(
      Effect.gen(function* () {
        const stream = yield* dialer.dial({ ...endpoint, tls: credentials });
        const end = yield* certifiedEnd(stream, true, expected);
        if (end === undefined) return yield* Effect.asVoid(Deferred.fail(up, "not the node that was meant"));
        yield* serveStream(stream, end, false, (link) => {
          table.dialled(link, endpoint, expected === undefined);
          return Deferred.succeed(up, link.node);
        });
      }),
    );
    const reported = Effect.catchTag(attempt, "DialFailed", ({ why }) => Effect.asVoid(Deferred.fail(up, why)));
    yield* FiberSet.run(dialling, Effect.ensuring(reported, Deferred.fail(up, "closed")));
    return yield* Deferred.await(up);
  });

  return { serve, dial, connect: connecting(table, dial), release: table.endVisit, reached: table.reached };
});

/** One dial at a time to each node. */
const connecting = (table: ConnectionTable, dial: Links["dial"]): Links["connect"] => {
  const underWay = new Set<NodeId>();
  return Effect.fnUntraced(function* (node, endpoint) {
    if (table.has(node) || underWay.has(node)) return;
    underWay.add(node);
    yield* Effect.ensuring(
      Effect.catch(dial(endpoint, node), (why) =>
        Effect.logDebug("reload.link.failed", { node: nodeIdText(node), why }),
      ),
      Effect.sync(() => underWay.delete(node)),
    );
  });
};
