/**
 * Hosts the machine that decides which configuration is in force; configuration-state.ts holds it.
 *
 *   ConfigUpdate from a node, a document from the operator or by refetch --> read, verified --> offered --+
 *   a sequence seen in another node's message --------------------------------------------> heard ----+--> step
 *   adopt --> the state, the node's parts     push, ask --> requests of our own     leave --> the node
 * Requirements: RFC 6940 §6.3.2.1, §11.2.
 */

import { Clock, Effect, FiberSet, type Scope, Semaphore } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Body, type BodyOf, errorBody, errorNameOf, type Request, toNode } from "../../codecs/reload/mod.ts";
import { equalBytes, nodeIdText, utf8 } from "../../codecs/shared/mod.ts";
import {
  type ConfigurationAction,
  type ConfigurationEvent,
  type Offered,
  reloadConfiguration,
} from "../../machines/reload/mod.ts";
import { drive, mailbox, type OwnOrder, performing, Replies } from "../kit/mod.ts";
import { Entropy, type Keys } from "../ports/mod.ts";
import type { ConfigurationState } from "./configuration-state.ts";
import { ConfigurationRefused } from "./errors.ts";
import { readKinds, readOffered } from "./offers.ts";
import type { Sender } from "./sender.ts";

const EVENTS_MAX = 128;
/** Documents read and verified at once; a further one is refused as `busy`. */
const OFFERS_MAX = 8;
/** ConfigUpdates on their way at once; further neighbours wait their turn. */
const PUSHES_MAX = 4;
/**
 * A node that has been sent the document and shows an older one still, so long after, has been started with that: it is sent
 * it again. Until then messages that were under way may show the old sequence.
 */
const PUSH_AGAIN_MS = 30_000;

/** The overlay's configuration as a node has it in force, checks, passes on and fetches again, RFC 6940 §6.5.4 and §11. */
export interface Configuration extends Pick<ConfigurationState, "now" | "document" | "roots"> {
  /** A ConfigUpdate, answered when it has been verified. */
  readonly serve: (
    update: BodyOf<"configUpdateReq">,
    answer: (body: Body) => Effect.Effect<void>,
  ) => Effect.Effect<void>;
  /** A new document from the operator, signed as every other: it comes into force here, and goes through the overlay. */
  readonly offer: (document: string) => Effect.Effect<void, ConfigurationRefused>;
  /** A node's message showed this sequence, which is not ours. */
  readonly heard: (node: NodeId, sequence: number) => Effect.Effect<void>;
  /** Drives the machine to its end. Events before that wait in its mailbox. */
  readonly run: Effect.Effect<void>;
}

export interface ConfigurationHooks {
  /** The document of the configuration server, asked for before ours expires; undefined when it cannot be had. */
  readonly refetch: Effect.Effect<string | undefined>;
  /** Every node with an open link. */
  readonly neighbours: () => ReadonlyArray<NodeId>;
  /** A new configuration is in force. */
  readonly changed: (now: OverlayConfiguration) => Effect.Effect<void>;
  readonly leave: (why: string) => Effect.Effect<void>;
}

export const hostConfiguration = Effect.fn("reload.configuration")(function* (
  self: NodeId,
  state: ConfigurationState,
  sender: Pick<Sender, "request">,
  hooks: ConfigurationHooks,
): Effect.fn.Return<Configuration, never, Keys | Entropy | Scope.Scope> {
  const { now, document, roots } = state;
  const { between } = yield* Entropy;
  const box = yield* mailbox<ConfigurationEvent>(EVENTS_MAX);
  const tasks = yield* FiberSet.make();
  const pushing = yield* Semaphore.make(PUSHES_MAX);
  const { waiting, offered, offer } = yield* makeOffers(state, box.tell);
  const fork = (effect: Effect.Effect<unknown>) => Effect.asVoid(FiberSet.run(tasks, effect));
  const send = (to: NodeId, body: Request) => sender.request([toNode(to)], body);

  const push = Effect.fnUntraced(function* (to: NodeId) {
    if (document().length === 0) return PUSH_AGAIN_MS;
    const { outcome } = yield* send(to, { type: "configUpdateReq", value: { type: "config", data: document() } });
    return outcome.type === "answer" || outcome.type === "refused" ? PUSH_AGAIN_MS : 0;
  });
  /** The node may be sent it again after that time. */
  const pushed = (to: NodeId) =>
    pushing
      .withPermits(1)(push(to))
      .pipe(
        Effect.flatMap((againMs) => Effect.sleep(againMs)),
        Effect.andThen(box.tell({ type: "pushOver", node: to })),
      );
  const adopt = Effect.fnUntraced(function* ({ id, overlay }: Extract<ConfigurationAction, { type: "adopt" }>) {
    const before = now();
    yield* state.adopt(overlay, overlay.sequence === before.sequence ? undefined : waiting.about(id));
    yield* Effect.logInfo("reload.configuration.adopted", { sequence: overlay.sequence });
    yield* hooks.changed(overlay);
    for (const what of needsRestart(before, overlay))
      yield* Effect.logWarning("reload.configuration.restart", `${what} takes effect when the node is started again`);
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
        return fork(pushed(action.to));
      case "pushToNeighbours": {
        const sequence = state.previousSequence();
        return fork(Effect.forEach(hooks.neighbours(), (node) => box.tell({ type: "heard", node, sequence })));
      }
      case "ask":
        return fork(send(action.node, { type: "pingReq", value: { padding: new Uint8Array() } }));
      case "refresh":
        return fork(refetched(hooks.refetch, document, offer));
      case "leave":
        return Effect.andThen(Effect.logError("reload.configuration.leave", action.why), fork(hooks.leave(action.why)));
    }
  };
  const all = performing(box, { unexpected: "reload.configuration.unexpected", between }, perform);
  const run = Effect.gen(function* () {
    const startedMs = yield* Clock.currentTimeMillis;
    yield* drive(reloadConfiguration, { self, overlay: now(), startedMs }, box, all, nodeIdText(self));
  });
  return {
    now,
    document,
    roots,
    serve: (update, answer) => fork(Effect.flatMap(offered(update), answer)),
    offer,
    heard: (node, sequence) => box.tell({ type: "heard", node, sequence }),
    run,
  };
});

/** Reads and verifies what is offered, and gives the machine the result. `waiting`: offers that it has not answered yet. */
const makeOffers = Effect.fnUntraced(function* (
  { now, document, rootsOf }: ConfigurationState,
  tell: (event: ConfigurationEvent) => Effect.Effect<void>,
) {
  const services = yield* Effect.context<Keys>();
  /** Each with the bytes of its document. */
  const waiting = new Replies<number, Body, never, Uint8Array>();

  const decided = Effect.fnUntraced(function* (reading: Effect.Effect<Offered, never, Keys>, bytes: Uint8Array) {
    if (waiting.size >= OFFERS_MAX) return errorBody("forbidden", "busy");
    const id = waiting.nextRef();
    const give = Effect.flatMap(Effect.provide(reading, services), (offered) =>
      Effect.flatMap(Clock.currentTimeMillis, (atMs) => tell({ type: "offered", id, offered, atMs })),
    );
    return yield* waiting.ask(id, give, bytes);
  });

  const offered = (update: BodyOf<"configUpdateReq">): Effect.Effect<Body> =>
    Effect.suspend(() => {
      if (update.type === "kind")
        return decided(readKinds(update.data as ReadonlyArray<string>, now(), rootsOf), document());
      if (update.type !== "config")
        return Effect.succeed(errorBody("invalidMessage", "a type of update we do not know"));
      const bytes = update.data as Uint8Array;
      if (equalBytes(bytes, document())) return Effect.succeed(errorBody("configTooOld", "we have it"));
      const text = textOf(bytes);
      return text === undefined
        ? Effect.succeed(errorBody("invalidMessage", "not UTF-8"))
        : decided(readOffered(text, now(), rootsOf), bytes);
    });

  const offer: Configuration["offer"] = Effect.fnUntraced(function* (text) {
    const answer = yield* decided(readOffered(text, now(), rootsOf), utf8(text));
    if (answer.type !== "error") return;
    const info = new TextDecoder().decode(answer.value.info);
    return yield* new ConfigurationRefused({ code: errorNameOf(answer.value.code), info });
  });
  return { waiting, offered, offer };
});

/** Offers the configuration server's document, if it is another than ours. */
const refetched = Effect.fnUntraced(function* (
  refetch: Effect.Effect<string | undefined>,
  document: () => Uint8Array,
  offer: Configuration["offer"],
) {
  const text = yield* refetch;
  if (text === undefined)
    return yield* Effect.logWarning("reload.configuration.refetch", "no newer document to be had");
  if (equalBytes(utf8(text), document())) return;
  yield* Effect.ignore(
    Effect.catch(offer(text), ({ info }) => Effect.logWarning("reload.configuration.refetch", info)),
  );
});

/** What a running node cannot change in itself. */
/** What of a new document a node that runs cannot take: it must be started with it. */
export const needsRestart = (before: OverlayConfiguration, now: OverlayConfiguration): ReadonlyArray<string> =>
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
