/**
 * Handles enrolment requests: hosts the enrolment machine, with a fiber for each slow order. RFC 6940 §11.3.
 *
 *   request --> came --> step --> check, draw, keep, issue (a fiber each) --> asked, drawn, kept, issued --> mailbox
 *                           \--> certify | refuse | putOff --> the request that waits
 * Requirements: RFC 6940 §13.3.
 */
import { Clock, Effect, FiberSet, Semaphore } from "effect";
import { type EnrolmentRequest, type EnrolmentToken, enrolmentTokens } from "../../codecs/enrol/mod.ts";
import {
  type EnrolServerAction,
  type EnrolServerEvent,
  enrolServer,
  isPassword,
  passwordDigest,
} from "../../machines/enrol/mod.ts";
import type { Of } from "../../machines/kit/mod.ts";
import { drive, mailbox, type OwnOrder, performing, Replies, seldomSaid } from "../kit/mod.ts";
import { Authority, Entropy, type StoreShape } from "../ports/mod.ts";
import { openUserRegistry, type UserRegistry } from "./user-registry.ts";

const MAILBOX_MAX = 64;
/** The same refusal, in the log. */
const SAID_EVERY_MS = 60_000;
/** Passwords checked at the same time: a slow hash may take 32 MiB each. */
const CHECKS_MAX = 2;
/** Requests that wait for an answer, including those whose client has disconnected; further ones are answered 503. */
export const ENROLMENTS_WAITING_MAX = 64;
/** Of the lifetime, less than the two thirds after which a node renews. */
const RENEWED_BEFORE = 0.6;
const CLOCK_SLACK_MS = 60_000; // a node's clock may be behind ours

export interface EnrolmentHandlerOptions {
  readonly overlayName: string;
  /** Passwords by user, held as digests; or a function that checks one, and takes as long for an unknown user. */
  readonly users: ReadonlyMap<string, string> | ((user: string, password: string) => Effect.Effect<boolean>);
  readonly nodeIdsPerUserMax: number;
  readonly certificateLifetimeMs: number;
  /** Holds the Node-IDs of users across restarts; without it they are drawn anew. */
  readonly store: StoreShape | undefined;
}

export type EnrolmentOutcome =
  | { readonly type: "certified"; readonly certificate: Uint8Array }
  | { readonly type: "refused"; readonly token: EnrolmentToken }
  | { readonly type: "busy" };

export interface EnrolmentHandlerCounters {
  issued: number;
  readonly refused: Record<EnrolmentToken, number>;
  /** Answered 503. `brake`: after too many wrong passwords; not counted as refused. */
  readonly putOff: Record<"busy" | "brake" | "store", number>;
}

export interface EnrolmentHandler {
  /** `address`: the address or network whose wrong passwords are counted together. */
  readonly enrol: (form: EnrolmentRequest, address: string) => Effect.Effect<EnrolmentOutcome>;
  /** Counts a refusal that the caller has decided. */
  readonly refuse: (token: EnrolmentToken, from: Who) => Effect.Effect<EnrolmentOutcome>;
  readonly counters: Readonly<EnrolmentHandlerCounters>;
}

/** For the log. The user is what the form says: nobody who has proved it. */
export interface Who {
  readonly user: string;
  readonly address: string;
}
const whoOf = (one: Waiting | undefined): Who => ({ user: one?.form.user ?? "", address: one?.address ?? "" });

interface Waiting {
  readonly form: EnrolmentRequest;
  readonly address: string;
}
type OrderOf<T extends EnrolServerAction["type"]> = Of<EnrolServerAction, T>;

export const openEnrolmentHandler = Effect.fn("enrol.handler")(function* (options: EnrolmentHandlerOptions) {
  const registry = yield* openUserRegistry(options.store);
  const box = yield* mailbox<EnrolServerEvent>(MAILBOX_MAX);
  const run = yield* FiberSet.makeRuntime<never>();
  const waiting = new Replies<string, EnrolmentOutcome, never, Waiting>();
  const counters: EnrolmentHandlerCounters = {
    issued: 0,
    refused: Object.fromEntries(enrolmentTokens.map((token) => [token, 0])) as Record<EnrolmentToken, number>,
    putOff: { busy: 0, brake: 0, store: 0 },
  };
  const said = seldomSaid({ everyMs: SAID_EVERY_MS });
  let last = 0;

  const refuse = (token: EnrolmentToken, from: Who): Effect.Effect<EnrolmentOutcome> => {
    counters.refused[token] += 1;
    const line = said(JSON.stringify([token, from]), (more) =>
      Effect.logWarning("enrol.refused", token, from, ...more),
    );
    return Effect.as(line, { type: "refused", token });
  };
  const putOff = (why: keyof EnrolmentHandlerCounters["putOff"]): EnrolmentOutcome => {
    counters.putOff[why] += 1;
    return { type: "busy" };
  };
  const answer = (id: string, outcome: EnrolmentOutcome) => waiting.answer(id, outcome);
  const work = yield* workOf(options, (id) => waiting.about(id), registry);
  /** The event that an order leads to goes into the mailbox. A fiber for each order, so that none waits for another. */
  const later = (event: Effect.Effect<EnrolServerEvent | undefined>): Effect.Effect<void> =>
    Effect.sync(
      () => void run(Effect.flatMap(event, (result) => (result === undefined ? Effect.void : box.tell(result)))),
    );

  const perform = (action: OwnOrder<EnrolServerAction>): Effect.Effect<void> => {
    switch (action.type) {
      case "check":
        return later(work.check(action.id));
      case "draw":
        // The bytes are drawn in the order of the orders, so that a run with a seed can be repeated.
        return Effect.flatMap(work.draw(action), (drawn) => later(Effect.succeed(drawn)));
      case "keep":
        return later(work.keep(action));
      case "issue":
        return later(work.issue(action));
      case "certify":
        counters.issued += 1;
        return Effect.andThen(
          noteSameNode(waiting.about(action.id), registry, options),
          answer(action.id, { type: "certified", certificate: action.certificate }),
        );
      case "refuse":
        return Effect.flatMap(refuse(action.token, whoOf(waiting.about(action.id))), (outcome) =>
          answer(action.id, outcome),
        );
      case "putOff":
        return answer(action.id, putOff(action.why));
    }
  };
  const { overlayName: overlay, nodeIdsPerUserMax } = options;
  const input = { overlay, nodeIdsPerUserMax, enrolled: registry.enrolled };
  const all = performing(box, { unexpected: "enrol.unexpected" }, perform);
  yield* Effect.forkScoped(drive(enrolServer, input, box, all, overlay));

  const enrol = Effect.fnUntraced(function* (form: EnrolmentRequest, address: string) {
    if (waiting.size >= ENROLMENTS_WAITING_MAX) return putOff("busy");
    const id = String(last++);
    const came = box.tell({ type: "came", id, user: form.user, address, atMs: yield* Clock.currentTimeMillis });
    return yield* waiting.ask(id, came, { form, address });
  });
  return { enrol, refuse, counters } satisfies EnrolmentHandler as EnrolmentHandler;
});

/**
 * A certificate is renewed when a third of its lifetime is left. Who asks earlier runs from two directories, or has lost one:
 * two nodes of one Node-ID disturb each other, and neither can see why. DECISIONS.md D-221.
 */
const noteSameNode = Effect.fnUntraced(function* (
  one: Waiting | undefined,
  registry: UserRegistry,
  { certificateLifetimeMs }: EnrolmentHandlerOptions,
) {
  if (one === undefined) return;
  const nowMs = yield* Clock.currentTimeMillis;
  const before = yield* registry.issued(one.form.user, nowMs);
  const isEarly = before !== undefined && nowMs - before < certificateLifetimeMs * RENEWED_BEFORE;
  if (isEarly)
    yield* Effect.logWarning("enrol.sameNode", one.form.user, {
      address: one.address,
      secondsSinceLast: Math.round((nowMs - before) / 1_000),
    });
});

/** The slow orders of the machine, each as an effect that gives the event in which it ends. */
const workOf = Effect.fnUntraced(function* (
  { users, certificateLifetimeMs }: EnrolmentHandlerOptions,
  waitingAs: (id: string) => Waiting | undefined,
  registry: UserRegistry,
) {
  const [authority, entropy] = [yield* Authority, yield* Entropy];
  const isPasswordOf = passwordCheck(users);
  const checking = yield* Semaphore.make(CHECKS_MAX);
  return {
    /** A slow hash, so it is not computed for a client that has disconnected. Undefined: it has. */
    check: Effect.fnUntraced(function* (id: string): Effect.fn.Return<EnrolServerEvent | undefined> {
      const one = waitingAs(id);
      if (one === undefined) return undefined;
      const { user, password, nodeIds, csr } = one.form;
      const isPasswordRight = yield* checking.withPermits(1)(isPasswordOf(user, password));
      const atMs = yield* Clock.currentTimeMillis;
      return { type: "asked", id, user, isPasswordRight, nodeIds, csr, address: one.address, atMs };
    }),
    draw: ({ id, bytes }: OrderOf<"draw">) =>
      Effect.map(entropy.bytes(bytes), (random): EnrolServerEvent => ({ type: "drawn", id, random })),
    keep: (order: OrderOf<"keep">) =>
      Effect.matchEffect(registry.keep(order), {
        onSuccess: () => Effect.succeed<EnrolServerEvent>({ type: "kept", id: order.id }),
        onFailure: ({ reason, why }) =>
          Effect.as(Effect.logError("enrol.notKept", `${reason}: ${why}`), {
            type: "notKept",
            id: order.id,
          } satisfies EnrolServerEvent as EnrolServerEvent),
      }),
    issue: Effect.fnUntraced(
      function* ({ id, csr, uris, email }: OrderOf<"issue">) {
        const nowMs = yield* Clock.currentTimeMillis;
        const [notBeforeMs, notAfterMs] = [nowMs - CLOCK_SLACK_MS, nowMs + certificateLifetimeMs];
        const certificate = yield* authority.issue({
          csr,
          uris,
          emails: [email],
          dnsNames: [],
          notBeforeMs,
          notAfterMs,
        });
        return { type: "issued", id, certificate } satisfies EnrolServerEvent as EnrolServerEvent;
      },
      (issued, { id }) =>
        Effect.catch(issued, ({ why }) =>
          Effect.as(Effect.logInfo("enrol.notIssued", why), {
            type: "notIssued",
            id,
          } satisfies EnrolServerEvent as EnrolServerEvent),
        ),
    ),
  };
});

const passwordCheck = (users: EnrolmentHandlerOptions["users"]) => {
  if (typeof users === "function") return users;
  const digests = new Map([...users].map(([user, password]) => [user, passwordDigest(password)]));
  return (user: string, password: string) => Effect.sync(() => isPassword(digests.get(user), password));
};
