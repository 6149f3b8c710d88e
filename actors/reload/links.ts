/**
 * The Connection Table: links we dial and links others dial to us, each bound to the Node-ID its certificate names.
 * "The certificate exchanged during the TLS or DTLS handshake MUST match the node which sent the AttachReqAns", RFC 6940
 * §6.5.1.11.
 */
import { Deferred, Effect, FiberSet, type Scope } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer } from "../ports/mod.ts";
import { type Link, type LinkHooks, type LinkSettings, serveLink } from "./link.ts";
import { makePace } from "./pace.ts";
import type { Peer } from "./peer.ts";
import type { Post } from "./post.ts";
import type { Switchboard } from "./switchboard.ts";

/** Links to one node at once: two that dial each other may both succeed. */
const LINKS_PER_NODE_MAX = 3;

export interface Links {
  /** For the listener: one stream, until it ends. */
  readonly serve: (stream: ByteStreamShape) => Effect.Effect<void>;
  /** The node at the other end, once its link is up; `expected`: only that one will do. */
  readonly dial: (endpoint: Endpoint, expected?: bigint) => Effect.Effect<bigint, string>;
  readonly connect: (node: bigint, endpoint: Endpoint) => Effect.Effect<void>;
  /** Closes the link that a dial for whoever is there brought; others to that node stay. */
  readonly release: (node: bigint) => Effect.Effect<void>;
  /** Where linked nodes listen: as they said, or as we dialled them. */
  readonly reached: ReadonlyMap<bigint, Endpoint>;
}

export const makeLinks = Effect.fn("reload.links")(function* (
  self: bigint,
  settings: LinkSettings & { readonly messagesPerSecond: number },
  credentials: Credentials,
  post: Post,
  board: Switchboard,
  peer: Peer,
): Effect.fn.Return<Links, never, Dialer | Scope.Scope> {
  const dialer = yield* Dialer;
  const dialled = yield* FiberSet.make();
  const connecting = new Set<bigint>();
  const pace = makePace(settings.messagesPerSecond);
  /** Links that nobody was expected at: those to bootstrap nodes. */
  const visits = new Map<bigint, Link>();
  const dialledAt = new Map<bigint, Endpoint>();

  /** The newest link to a node is the one used; the first makes it a neighbour. */
  const enter = (link: Link) =>
    Effect.suspend(() => {
      const others = (board.links.get(link.node) ?? []).filter((other) => other !== link);
      board.links.set(link.node, [...others, link]);
      return others.length === 0 ? peer.linked(link.node) : Effect.void;
    });
  const withdraw = (link: Link, why: string) =>
    Effect.suspend(() => {
      const before = board.links.get(link.node) ?? [];
      const left = before.filter((other) => other !== link);
      if (left.length > 0) board.links.set(link.node, left);
      else board.links.delete(link.node);
      if (left.length === 0) dialledAt.delete(link.node);
      if (visits.get(link.node) === link) visits.delete(link.node);
      return left.length === 0 && before.length > 0 ? peer.unlinked(link.node, why) : Effect.void;
    });

  const run = Effect.fnUntraced(function* (
    stream: ByteStreamShape,
    node: bigint,
    opened: (link: Link) => Effect.Effect<unknown>,
  ) {
    if ((board.links.get(node) ?? []).length >= LINKS_PER_NODE_MAX) return yield* stream.close;
    let entered: Link | undefined;
    const hooks: LinkHooks<never> = {
      opened: (link) =>
        Effect.suspend(() => {
          entered = link;
          return Effect.andThen(enter(link), opened(link));
        }),
      delivered: (link, message) => Effect.andThen(pace(link.node), board.arrive(link, message)),
      oversize: board.oversize,
      doubtful: (link) => withdraw(link, "doubtful"),
    };
    const why = yield* serveLink(stream, node, settings, hooks);
    if (entered !== undefined) yield* withdraw(entered, why);
    yield* Effect.logDebug("reload.link.lost", { node: nodeIdText(node), why });
  });

  /** The one Node-ID its certificate names; of several, the one that is expected. */
  const nodeAt = Effect.fnUntraced(function* (stream: ByteStreamShape, expected?: bigint) {
    const nodes = yield* post.nodesOf(stream.peer.certificates);
    const node = nodes.length === 1 ? nodes[0] : nodes.find((id) => id === expected);
    return node === self ? undefined : node;
  });

  const serve: Links["serve"] = Effect.fnUntraced(function* (stream) {
    const node = yield* nodeAt(stream);
    if (node === undefined) return yield* Effect.logWarning("reload.link.stranger", { host: stream.peer.host });
    yield* run(stream, node, () => Effect.void);
  });

  const dial: Links["dial"] = Effect.fnUntraced(function* (endpoint, expected) {
    const up = yield* Deferred.make<bigint, string>();
    const attempt = Effect.scoped(
      Effect.gen(function* () {
        const stream = yield* dialer.dial({ ...endpoint, tls: credentials });
        const node = yield* nodeAt(stream, expected);
        if (node === undefined || (expected !== undefined && node !== expected))
          return yield* Effect.asVoid(Deferred.fail(up, "not the node that was meant"));
        yield* run(stream, node, (link) => {
          if (expected === undefined) visits.set(node, link);
          dialledAt.set(node, endpoint);
          return Deferred.succeed(up, node);
        });
      }),
    );
    const told = Effect.catchTag(attempt, "DialFailed", ({ why }) => Effect.asVoid(Deferred.fail(up, why)));
    yield* FiberSet.run(dialled, Effect.ensuring(told, Deferred.fail(up, "closed")));
    return yield* Deferred.await(up);
  });

  const connect: Links["connect"] = Effect.fnUntraced(function* (node, endpoint) {
    if (board.links.has(node) || connecting.has(node)) return;
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
      const told = [...peer.told].filter(([node]) => board.links.has(node));
      return new Map([...told, ...dialledAt]);
    },
  };
});
