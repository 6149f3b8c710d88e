/**
 * The Connection Table: links we dial and links others dial to us, each bound to a Node-ID that its certificate names.
 * "The certificate exchanged during the TLS or DTLS handshake MUST match the node which sent the AttachReqAns", RFC 6940
 * §6.5.1.11.
 */

import { Deferred, Effect, FiberSet, type Scope } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, Entropy } from "../ports/mod.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { guestOf, makeFarEnd, NAMELESS_MS } from "./far-end.ts";
import { type Line, type Link, type LinkSettings, serveLink } from "./link.ts";
import { makePace } from "./pace.ts";
import type { Peer } from "./peer.ts";
import type { Post } from "./post.ts";
import type { Sender } from "./sender.ts";

/** Links to one node at once: two that dial each other may both succeed. */
const LINKS_PER_NODE_MAX = 3;

/** Whose certificate is at the other end, and which of its nodes, if that is known already. */
interface Named {
  readonly names: ReadonlyArray<NodeId>;
  readonly node: NodeId | undefined;
}

export interface Links {
  /** For the listener: one stream, until it ends. */
  readonly serve: (stream: ByteStreamShape) => Effect.Effect<void>;
  /** The node at the other end, once its link is up; `expected`: only that one will do. */
  readonly dial: (endpoint: Endpoint, expected?: NodeId) => Effect.Effect<NodeId, string>;
  readonly connect: (node: NodeId, endpoint: Endpoint) => Effect.Effect<void>;
  /** Closes the link that a dial for whoever is there brought; others to that node stay. */
  readonly release: (node: NodeId) => Effect.Effect<void>;
  /** Where linked nodes listen: as they said, or as we dialled them. */
  readonly reached: ReadonlyMap<NodeId, Endpoint>;
}

export const makeLinks = Effect.fn("reload.links")(function* (
  self: NodeId,
  settings: LinkSettings & { readonly messagesPerSecond: number },
  credentials: Credentials,
  post: Post,
  { links: table }: Pick<Sender, "links">,
  dispatcher: Dispatcher,
  peer: Peer,
): Effect.fn.Return<Links, never, Dialer | Entropy | Scope.Scope> {
  const dialer = yield* Dialer;
  const entropy = yield* Entropy;
  const dialled = yield* FiberSet.make();
  const connecting = new Set<NodeId>();
  const pace = makePace(settings.messagesPerSecond);
  /** Links that nobody was expected at: those to bootstrap nodes. */
  const visits = new Map<NodeId, Link>();
  const dialledAt = new Map<NodeId, Endpoint>();
  /** Streams on which nobody has shown itself yet, with the first name of their certificate. */
  const nameless = new Map<ByteStreamShape, bigint>();

  /** The newest link to a node is the one used; the first makes it a neighbour. */
  const enter = (link: Link) =>
    Effect.suspend(() => {
      const others = (table.get(link.node) ?? []).filter((other) => other !== link);
      table.set(link.node, [...others, link]);
      return others.length === 0 ? peer.linked(link.node) : Effect.void;
    });
  const withdraw = (link: Link, why: string) =>
    Effect.suspend(() => {
      const before = table.get(link.node) ?? [];
      const left = before.filter((other) => other !== link);
      if (left.length > 0) table.set(link.node, left);
      else table.delete(link.node);
      if (left.length === 0) dialledAt.delete(link.node);
      if (visits.get(link.node) === link) visits.delete(link.node);
      return left.length === 0 && before.length > 0 ? peer.unlinked(link.node, why) : Effect.void;
    });

  /** A certificate of several nodes: whoever is there has to show itself, in time, and not on many streams at once. */
  const meet = Effect.fnUntraced(function* (stream: ByteStreamShape, names: ReadonlyArray<NodeId>) {
    const others = [...nameless.values()].filter((name) => name === names[0]);
    if (others.length >= LINKS_PER_NODE_MAX * names.length) return undefined;
    nameless.set(stream, names[0]!);
    yield* Effect.addFinalizer(() => Effect.sync(() => nameless.delete(stream)));
    const late = Effect.suspend(() => (nameless.has(stream) ? stream.close : Effect.void));
    yield* Effect.forkScoped(Effect.andThen(Effect.sleep(NAMELESS_MS), late));
    return yield* Effect.provideService(makeFarEnd(names, self, post), Entropy, entropy);
  });

  /** Serves a stream until it ends. */
  const run = Effect.fnUntraced(function* (
    stream: ByteStreamShape,
    { names, node: known }: Named,
    isGuest: boolean,
    opened: (link: Link) => Effect.Effect<unknown>,
  ) {
    const farEnd = known === undefined ? yield* meet(stream, names) : undefined;
    if (known === undefined && farEnd === undefined) return yield* stream.close;
    let link: Link | undefined;
    const begin = (line: Line, node: NodeId) =>
      Effect.suspend(() => {
        nameless.delete(stream);
        if ((table.get(node) ?? []).length >= LINKS_PER_NODE_MAX) return line.close("enough links");
        const allows = isGuest ? guestOf(names, () => peer.told.has(node)) : () => true;
        link = { ...line, node, names, allows };
        return Effect.andThen(enter(link), opened(link));
      });
    const hear = Effect.fnUntraced(function* (line: Line, message: Uint8Array) {
      const heard = yield* farEnd!.hear(message);
      if (heard.is === "late") return yield* line.close("messages of nobody");
      if (heard.is === "unknown") return;
      yield* begin(line, heard.node);
      for (const held of heard.messages) if (link !== undefined) yield* dispatcher.arrive(link, held);
    });
    const name = nodeIdText(known ?? names[0]!);
    const why = yield* serveLink(stream, name, settings, {
      opened: (line) =>
        Effect.suspend(() => {
          if (link !== undefined) return Effect.andThen(enter(link), opened(link));
          return known !== undefined ? begin(line, known) : Effect.sync(() => void line.post(farEnd!.greeting));
        }),
      delivered: (line, message) =>
        Effect.andThen(
          pace(link?.node ?? known ?? names[0]!),
          Effect.suspend(() => (link === undefined ? hear(line, message) : dispatcher.arrive(link, message))),
        ),
      oversize: (beginning) => (link === undefined ? Effect.void : dispatcher.oversize(link, beginning)),
      doubtful: Effect.suspend(() => (link === undefined ? Effect.void : withdraw(link, "doubtful"))),
    });
    if (link !== undefined) yield* withdraw(link, why);
    yield* Effect.logDebug("reload.link.lost", { node: name, why });
  }, Effect.scoped);

  /** Whom its certificate names; undefined for a stranger, and for ourselves. */
  const namedBy = Effect.fnUntraced(function* (stream: ByteStreamShape, expected?: NodeId) {
    const names = yield* post.nodesOf(stream.peer.certificates);
    const node = names.length === 1 ? names[0] : names.find((id) => id === expected);
    const isOther = names.length > 0 && node !== self && (expected === undefined || node === expected);
    return isOther ? ({ names, node } satisfies Named) : undefined;
  });

  const serve: Links["serve"] = Effect.fnUntraced(function* (stream) {
    const named = yield* namedBy(stream);
    if (named === undefined) return yield* Effect.logWarning("reload.link.stranger", { host: stream.peer.host });
    yield* run(stream, named, true, () => Effect.void);
  });

  const dial: Links["dial"] = Effect.fnUntraced(function* (endpoint, expected) {
    const up = yield* Deferred.make<NodeId, string>();
    const attempt = Effect.scoped(
      Effect.gen(function* () {
        const stream = yield* dialer.dial({ ...endpoint, tls: credentials });
        const named = yield* namedBy(stream, expected);
        if (named === undefined) return yield* Effect.asVoid(Deferred.fail(up, "not the node that was meant"));
        yield* run(stream, named, false, (link) => {
          if (expected === undefined) visits.set(link.node, link);
          dialledAt.set(link.node, endpoint);
          return Deferred.succeed(up, link.node);
        });
      }),
    );
    const told = Effect.catchTag(attempt, "DialFailed", ({ why }) => Effect.asVoid(Deferred.fail(up, why)));
    yield* FiberSet.run(dialled, Effect.ensuring(told, Deferred.fail(up, "closed")));
    return yield* Deferred.await(up);
  });

  const connect: Links["connect"] = Effect.fnUntraced(function* (node, endpoint) {
    if (table.has(node) || connecting.has(node)) return;
    connecting.add(node);
    yield* Effect.ensuring(
      Effect.catch(dial(endpoint, node), (why) =>
        Effect.logDebug("reload.link.failed", { node: nodeIdText(node), why }),
      ),
      Effect.sync(() => connecting.delete(node)),
    );
  });

  const release: Links["release"] = (node) =>
    Effect.suspend(() => visits.get(node)?.close("needed no more") ?? Effect.void);

  return {
    serve,
    dial,
    connect,
    release,
    get reached() {
      const told = [...peer.told].filter(([node]) => table.has(node));
      return new Map([...told, ...dialledAt]);
    },
  };
});
