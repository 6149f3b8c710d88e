/**
 * The configuration in force at this node: everyone who needs it reads `now()` each time, and so follows a change.
 *
 *   ConfigUpdate from a node, a document from the operator or by refetch --> read, verified --> offered --+
 *   a sequence seen in another node's message --------------------------------------------> heard ----+--> step
 *   adopt --> now(), whoever waits for it     push, ask --> requests of our own     leave --> the node
 */

import { Clock, Deferred, Effect, FiberSet, type Scope, Semaphore } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Body, type BodyOf, errorBody, errorNameOf, type Request } from "../../codecs/reload/mod.ts";
import { equalBytes, nodeIdText, utf8 } from "../../codecs/shared/mod.ts";
import {
  type ConfigurationAction,
  type ConfigurationEvent,
  type Offered,
  type ReloadOutcome,
  reloadConfiguration,
} from "../../machines/reload/mod.ts";
import { drive, mailbox, type OwnOrder, performing, Replies } from "../kit/mod.ts";
import { Entropy, type Keys } from "../ports/mod.ts";
import { ConfigurationRefused } from "./errors.ts";
import { readKinds, readOffered } from "./offers.ts";

const EVENTS_MAX = 128;
/** Documents read and verified at once; those beyond are put off. */
const OFFERS_MAX = 8;
/** ConfigUpdates on their way at once: a neighbour more is a neighbour later. */
const PUSHES_MAX = 4;
/** How long a request that was refused for its sequence waits for the newer document, and for one of ours to arrive. */
const NEWER_MS = 3_000;
const TAKEN_MS = 500;

export interface Configuration {
  readonly now: () => OverlayConfiguration;
  /** The document in force, byte for byte, its signature included; empty when the node was given none. */
  readonly document: () => Uint8Array;
  /** Roots of the configuration in force, DER. */
  readonly roots: () => ReadonlyArray<Uint8Array>;
  /** A ConfigUpdate, answered when it has been looked at. */
  readonly serve: (
    update: BodyOf<"configUpdateReq">,
    answer: (body: Body) => Effect.Effect<void>,
  ) => Effect.Effect<void>;
  /** A new document from the operator, signed as every other: it comes into force here, and goes through the overlay. */
  readonly offer: (document: string) => Effect.Effect<void, ConfigurationRefused>;
  /** A node's message showed this sequence, which is not ours. */
  readonly heard: (node: NodeId, sequence: number) => Effect.Effect<void>;
  /** From here on it acts; what came before waits. */
  readonly begin: (self: NodeId, hooks: ConfigurationHooks) => Effect.Effect<void, never, Scope.Scope>;
  /** A request of ours was refused for its sequence: done when it may be worth asking again. */
  readonly settled: (refused: "configTooOld" | "configTooNew") => Effect.Effect<void>;
  /** That node does not know these Kinds: whether it has taken them from us, signed as we have them. */
  readonly taught: (node: NodeId, kinds: ReadonlyArray<number>) => Effect.Effect<boolean>;
}

export interface ConfigurationHooks {
  /** A request of our own to that node. */
  readonly send: (to: NodeId, body: Request) => Effect.Effect<{ readonly outcome: ReloadOutcome }>;
  readonly neighbours: () => ReadonlyArray<NodeId>;
  readonly changed: (now: OverlayConfiguration) => Effect.Effect<void>;
  readonly leave: (why: string) => Effect.Effect<void>;
}

export interface ConfigurationGiven {
  readonly overlay: OverlayConfiguration;
  /** The document that says so, as it was received; without one, nobody can be told of it. */
  readonly document?: string | undefined;
  /** Of the node's credentials: trusted where the document names none. DER. */
  readonly roots: ReadonlyArray<Uint8Array>;
  /** The document of the configuration server now, asked for before ours expires; undefined when it cannot be had. */
  readonly refetch?: Effect.Effect<string | undefined> | undefined;
}

export const makeConfiguration = Effect.fn("reload.configuration")(function* (
  given: ConfigurationGiven,
): Effect.fn.Return<Configuration, never, Keys | Entropy | Scope.Scope> {
  const entropy = yield* Entropy;
  const services = yield* Effect.context<Keys>();
  const box = yield* mailbox<ConfigurationEvent>(EVENTS_MAX);
  const requests = yield* FiberSet.make();
  const pushing = yield* Semaphore.make(PUSHES_MAX);
  /** Documents that are looked at, each with its bytes. */
  const waiting = new Replies<number, Body, never, Uint8Array>();
  let document = utf8(given.document ?? "");
  let overlay = given.overlay;
  let previous = overlay.sequence;
  let hooks: ConfigurationHooks = idle;
  let changed = yield* Deferred.make<void>();
  const rootsOf = (of: OverlayConfiguration) => (of.rootCertificates.length > 0 ? of.rootCertificates : given.roots);

  const weighed = Effect.fnUntraced(function* (reading: Effect.Effect<Offered, never, Keys>, document: Uint8Array) {
    if (waiting.size >= OFFERS_MAX) return errorBody("forbidden", "busy");
    const id = waiting.nextRef();
    const offer = Effect.flatMap(Effect.provide(reading, services), (offered) =>
      Effect.flatMap(Clock.currentTimeMillis, (atMs) => box.tell({ type: "offered", id, offered, atMs })),
    );
    return yield* waiting.ask(id, offer, document);
  });

  const offered = (update: BodyOf<"configUpdateReq">): Effect.Effect<Body> =>
    Effect.suspend(() => {
      if (update.type === "kind")
        return weighed(readKinds(update.data as ReadonlyArray<string>, overlay, rootsOf), document);
      if (update.type !== "config")
        return Effect.succeed(errorBody("invalidMessage", "a type of update we do not know"));
      const bytes = update.data as Uint8Array;
      if (equalBytes(bytes, document)) return Effect.succeed(errorBody("configTooOld", "we have it"));
      const text = textOf(bytes);
      return text === undefined
        ? Effect.succeed(errorBody("invalidMessage", "not UTF-8"))
        : weighed(readOffered(text, overlay, rootsOf), bytes);
    });

  const offer: Configuration["offer"] = Effect.fnUntraced(function* (text) {
    const answer = yield* weighed(readOffered(text, overlay, rootsOf), utf8(text));
    if (answer.type !== "error") return;
    const info = new TextDecoder().decode(answer.value.info);
    return yield* new ConfigurationRefused({ code: errorNameOf(answer.value.code), info });
  });

  const apart = (effect: Effect.Effect<unknown>) => Effect.asVoid(FiberSet.run(requests, effect));

  const push = Effect.fnUntraced(function* (to: NodeId) {
    if (document.length === 0) return;
    const body: Request = { type: "configUpdateReq", value: { type: "config", data: document } };
    const { outcome } = yield* hooks.send(to, body);
    if (outcome.type === "answer" || outcome.type === "refused") return;
    yield* box.tell({ type: "notPushed", node: to });
  });

  //# "A node which receives this error MUST generate a ConfigUpdate message which contains the appropriate Kind definition" (RFC 6940 §7.4.1.2)
  const taught: Configuration["taught"] = Effect.fnUntraced(function* (node, wanted) {
    const blocks = overlay.kinds.flatMap(({ kind, signedBlock }) =>
      wanted.includes(kind) && signedBlock !== undefined ? [signedBlock] : [],
    );
    if (blocks.length === 0) return false; // nobody takes a Kind that is not signed
    const update: Request = { type: "configUpdateReq", value: { type: "kind", data: blocks } };
    return (yield* hooks.send(node, update)).outcome.type === "answer";
  });

  const adopt = Effect.fnUntraced(function* ({ id, overlay: next }: Extract<ConfigurationAction, { type: "adopt" }>) {
    const before = overlay;
    overlay = next;
    if (next.sequence !== before.sequence) document = waiting.about(id) ?? document;
    yield* Effect.logInfo("reload.configuration.adopted", { sequence: next.sequence });
    const told = changed;
    changed = yield* Deferred.make<void>();
    yield* Deferred.succeed(told, undefined);
    yield* hooks.changed(next);
    for (const what of needsRestart(before, next))
      yield* Effect.logWarning("reload.configuration.restart", `${what} takes effect when the node is started again`);
    previous = before.sequence;
  });

  const refetch = Effect.gen(function* () {
    const text = given.refetch === undefined ? undefined : yield* given.refetch;
    if (text === undefined)
      return yield* Effect.logWarning("reload.configuration.refetch", "no newer document to be had");
    if (!equalBytes(utf8(text), document))
      yield* Effect.ignore(
        Effect.catch(offer(text), (why) => Effect.logWarning("reload.configuration.refetch", why.info)),
      );
  });

  const perform = (action: OwnOrder<ConfigurationAction>): Effect.Effect<void> => {
    switch (action.type) {
      case "answer":
        return waiting.answer(action.id, { type: "configUpdateAns", value: {} });
      case "refuse":
        return waiting.answer(action.id, errorBody(action.error, action.info));
      case "adopt":
        return adopt(action);
      case "push":
        return apart(pushing.withPermits(1)(push(action.to)));
      case "pushToNeighbours": {
        const sequence = previous;
        return apart(Effect.forEach(hooks.neighbours(), (node) => box.tell({ type: "heard", node, sequence })));
      }
      case "ask":
        return apart(hooks.send(action.node, { type: "pingReq", value: { padding: new Uint8Array() } }));
      case "refresh":
        return apart(refetch);
      case "leave":
        return Effect.andThen(
          Effect.logError("reload.configuration.leave", action.why),
          apart(hooks.leave(action.why)),
        );
    }
  };
  const { between } = entropy;
  const all = performing(box, { unexpected: "reload.configuration.unexpected", between }, perform);

  const begin: Configuration["begin"] = Effect.fnUntraced(function* (self, given) {
    hooks = given;
    const startedMs = yield* Clock.currentTimeMillis;
    yield* Effect.forkScoped(drive(reloadConfiguration, { self, overlay, startedMs }, box, all, nodeIdText(self)));
  });
  return {
    now: () => overlay,
    document: () => document,
    roots: () => rootsOf(overlay),
    serve: (update, answer) => apart(Effect.flatMap(offered(update), answer)),
    offer,
    begin,
    heard: (node, sequence) => box.tell({ type: "heard", node, sequence }),
    taught,
    settled: (refused) =>
      refused === "configTooNew"
        ? Effect.sleep(TAKEN_MS)
        : Effect.suspend(() => Effect.asVoid(Effect.timeoutOption(Deferred.await(changed), NEWER_MS))),
  };
});

const idle: ConfigurationHooks = {
  send: () => Effect.succeed({ outcome: { type: "lost", why: "not begun" } }),
  neighbours: () => [],
  changed: () => Effect.void,
  leave: () => Effect.void,
};

/** What a running node cannot change in itself. */
const needsRestart = (before: OverlayConfiguration, now: OverlayConfiguration): ReadonlyArray<string> =>
  isSameRoots(before, now) ? [] : ["root-cert in TLS"];
const isSameRoots = ({ rootCertificates: a }: OverlayConfiguration, { rootCertificates: b }: OverlayConfiguration) =>
  a.length === b.length && a.every((root, i) => equalBytes(root, b[i]!));

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};
