/**
 * Serves one stream as a link: identifies the node at its other end, enters the link into the Connection Table, and gives its
 * messages to the dispatcher.
 *
 *   stream --> its certificate names one node, or the one expected ------> link --> dispatcher
 *          \-> it names several --> link-peer.ts: which of them signs? --/
 */
import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { type ByteStreamShape, Entropy } from "../ports/mod.ts";
import { type ConnectionTable, LINKS_PER_NODE_MAX } from "./connection-table.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type Channel, type Link, type LinkSettings, serveLink } from "./link.ts";
import { guestAllowance, IDENTIFY_MS, identifyLinkPeer, type LinkPeer } from "./link-peer.ts";
import type { MessageSecurity } from "./message-security.ts";
import { makeNeighbourRate } from "./neighbour-rate.ts";
import type { Peer } from "./peer.ts";

/** The Node-IDs of the certificate at the other end, and which of them it is, if that is known already. */
export interface CertifiedEnd {
  readonly names: ReadonlyArray<NodeId>;
  readonly node: NodeId | undefined;
}

export interface LinkSessionParts {
  readonly self: NodeId;
  readonly settings: LinkSettings & { readonly messagesPerSecond: number };
  readonly security: MessageSecurity;
  readonly table: ConnectionTable;
  readonly dispatcher: Dispatcher;
  readonly peer: Pick<Peer, "addresses">;
}

/** `isGuest`: the other end dialled us. `opened`: the link is in use, now or again. */
export type ServeStream = (
  stream: ByteStreamShape,
  end: CertifiedEnd,
  isGuest: boolean,
  opened: (link: Link) => Effect.Effect<unknown>,
) => Effect.Effect<void>;

export const makeLinkSessions = Effect.fnUntraced(function* (
  parts: LinkSessionParts,
): Effect.fn.Return<ServeStream, never, Entropy> {
  const { settings, dispatcher, table } = parts;
  const identify = yield* makeIdentification(parts);
  const takeTurn = makeNeighbourRate(settings.messagesPerSecond);

  return Effect.fnUntraced(function* (stream, { names, node }, isGuest, opened) {
    const linkPeer = node === undefined ? yield* identify.begin(stream, names) : undefined;
    if (node === undefined && linkPeer === undefined) return yield* stream.close;
    const name = nodeIdText(node ?? names[0]!);
    let link: Link | undefined;
    const begin = (channel: Channel, node: NodeId) =>
      Effect.suspend(() => {
        identify.done(stream);
        if (table.isFull(node)) return channel.close("enough links");
        const allows = isGuest ? guestAllowance(names, () => parts.peer.addresses.has(node)) : () => true;
        link = { ...channel, node, names, allows };
        return Effect.andThen(table.add(link), opened(link));
      });
    const receive = Effect.fnUntraced(function* (channel: Channel, message: Uint8Array, linkPeer: LinkPeer) {
      const result = yield* linkPeer.receive(message);
      if (result.type === "tooMany") return yield* channel.close("messages of an unidentified node");
      if (result.type === "unidentified") return;
      yield* begin(channel, result.node);
      for (const buffered of result.messages) if (link !== undefined) yield* dispatcher.arrive(link, buffered);
    });
    const why = yield* serveLink(stream, name, settings, {
      opened: (channel) =>
        Effect.suspend(() => {
          if (link !== undefined) return Effect.andThen(table.add(link), opened(link));
          if (node !== undefined) return begin(channel, node);
          return Effect.sync(() => void channel.send(linkPeer!.greeting));
        }),
      delivered: (channel, message) =>
        Effect.andThen(
          takeTurn(link?.node ?? node ?? names[0]!),
          Effect.suspend(() =>
            link === undefined ? receive(channel, message, linkPeer!) : dispatcher.arrive(link, message),
          ),
        ),
      oversize: (beginning) => (link === undefined ? Effect.void : dispatcher.oversize(link, beginning)),
      doubtful: Effect.suspend(() => (link === undefined ? Effect.void : table.remove(link, "doubtful"))),
    });
    if (link !== undefined) yield* table.remove(link, why);
    yield* Effect.logDebug("reload.link.lost", { node: name, why });
  }, Effect.scoped);
});

/** Streams whose node is not identified yet: each within a time limit, and few of one certificate. */
const makeIdentification = Effect.fnUntraced(function* ({ self, security }: LinkSessionParts) {
  const entropy = yield* Entropy;
  /** With the first Node-ID of their certificate. */
  const unidentified = new Map<ByteStreamShape, NodeId>();

  /** Undefined when too many streams of that certificate wait already. */
  const begin = Effect.fnUntraced(function* (stream: ByteStreamShape, names: ReadonlyArray<NodeId>) {
    const others = [...unidentified.values()].filter((name) => name === names[0]);
    if (others.length >= LINKS_PER_NODE_MAX * names.length) return undefined;
    unidentified.set(stream, names[0]!);
    yield* Effect.addFinalizer(() => Effect.sync(() => unidentified.delete(stream)));
    const giveUp = Effect.suspend(() => (unidentified.has(stream) ? stream.close : Effect.void));
    yield* Effect.forkScoped(Effect.andThen(Effect.sleep(IDENTIFY_MS), giveUp));
    return yield* Effect.provideService(identifyLinkPeer(names, self, security), Entropy, entropy);
  });
  return { begin, done: (stream: ByteStreamShape) => void unidentified.delete(stream) };
});
