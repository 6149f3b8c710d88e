/**
 * The desk where nodes enrol: the enrolment machine hosted, with a fiber for each slow thing it orders. RFC 6940 §11.3.
 *
 *   enrolment --> came --> step --> check, draw, keep, issue (a fiber each) --> asked, drawn, kept, issued --> mailbox
 *                             \--> certify | refuse | putOff --> the one who waits
 */
import { Clock, Deferred, Effect, FiberSet, Semaphore } from "effect";
import { type EnrolmentRequest, type EnrolmentToken, enrolmentTokens } from "../../codecs/enrol/mod.ts";
import {
  type EnrolServerAction,
  type EnrolServerEvent,
  enrolServer,
  isPassword,
  passwordDigest,
} from "../../machines/enrol/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import { Authority, Entropy, type StoreShape } from "../ports/mod.ts";
import { openBook } from "./book.ts";

const MAILBOX_MAX = 64;
/** Passwords looked at together: a slow hash of them may take 32 MiB each. */
const CHECKS_MAX = 2;
/** Enrolments that wait for an answer, also of those who have gone away: more are put off. */
export const ENROLMENTS_WAITING_MAX = 64;
const CLOCK_SLACK_MS = 60_000; // a node's clock may be behind ours

export interface DeskOptions {
  readonly overlayName: string;
  /** Passwords by user, kept as digests; or who knows them, and takes as long for a user it does not know. */
  readonly users: ReadonlyMap<string, string> | ((user: string, password: string) => Effect.Effect<boolean>);
  readonly nodeIdsPerUserMax: number;
  readonly certificateLifetimeMs: number;
  /** Where the Node-IDs of users outlive a restart; without it they are drawn anew. */
  readonly store: StoreShape | undefined;
}

export type EnrolmentOutcome =
  | { readonly type: "certified"; readonly certificate: Uint8Array }
  | { readonly type: "refused"; readonly token: EnrolmentToken }
  | { readonly type: "busy" };

export interface DeskCounters {
  issued: number;
  readonly refused: Record<EnrolmentToken, number>;
  /** `brake`: of too many wrong passwords; they count here and not as refused. */
  readonly putOff: Record<"busy" | "brake" | "store", number>;
}

export interface Desk {
  /** `address`: whose wrong passwords count together. */
  readonly enrol: (form: EnrolmentRequest, address: string) => Effect.Effect<EnrolmentOutcome>;
  /** Counts one refused before it came here, too. */
  readonly refuse: (token: EnrolmentToken) => Effect.Effect<EnrolmentOutcome>;
  readonly counters: Readonly<DeskCounters>;
}

interface Waiting {
  readonly form: EnrolmentRequest;
  readonly address: string;
  readonly answer: Deferred.Deferred<EnrolmentOutcome>;
}
type OrderOf<T extends EnrolServerAction["type"]> = Extract<EnrolServerAction, { readonly type: T }>;

export const openDesk = Effect.fn("enrol.desk")(function* (options: DeskOptions) {
  const book = yield* openBook(options.store);
  const box = yield* mailbox<EnrolServerEvent>(MAILBOX_MAX);
  const run = yield* FiberSet.makeRuntime<never>();
  const waiting = new Map<string, Waiting>();
  const counters: DeskCounters = {
    issued: 0,
    refused: Object.fromEntries(enrolmentTokens.map((token) => [token, 0])) as Record<EnrolmentToken, number>,
    putOff: { busy: 0, brake: 0, store: 0 },
  };
  let last = 0;

  const refuse = (token: EnrolmentToken): Effect.Effect<EnrolmentOutcome> => {
    counters.refused[token] += 1;
    return Effect.as(Effect.logInfo("enrol.refused", token), { type: "refused", token });
  };
  const putOff = (why: keyof DeskCounters["putOff"]): EnrolmentOutcome => {
    counters.putOff[why] += 1;
    return { type: "busy" };
  };
  const answer = (id: string, given: EnrolmentOutcome) =>
    Effect.suspend(() => {
      const one = waiting.get(id);
      return one === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(one.answer, given));
    });
  const work = yield* workOf(options, (id) => waiting.get(id), book);
  /** What an order brings goes into the mailbox: one fiber each, so that none waits for another. */
  const later = (event: Effect.Effect<EnrolServerEvent | undefined>): Effect.Effect<void> =>
    Effect.sync(() => void run(Effect.flatMap(event, (told) => (told === undefined ? Effect.void : box.tell(told)))));

  const perform = (action: EnrolServerAction): Effect.Effect<void> => {
    switch (action.type) {
      case "check":
        return later(work.check(action.id));
      case "draw":
        // The bytes are drawn in the order they are asked for, so that a seeded run repeats.
        return Effect.flatMap(work.draw(action), (drawn) => later(Effect.succeed(drawn)));
      case "keep":
        return later(work.keep(action));
      case "issue":
        return later(work.issue(action));
      case "certify":
        counters.issued += 1;
        return answer(action.id, { type: "certified", certificate: action.certificate });
      case "refuse":
        return Effect.flatMap(refuse(action.token), (given) => answer(action.id, given));
      case "putOff":
        return answer(action.id, putOff(action.why));
      case "note":
        return Effect.logDebug("enrol.unexpected", action.unexpected);
    }
  };
  const { overlayName: overlay, nodeIdsPerUserMax } = options;
  const input = { overlay, nodeIdsPerUserMax, enrolled: book.enrolled };
  yield* Effect.forkScoped(drive(enrolServer, input, box, perform, overlay));

  const enrol = Effect.fnUntraced(function* (form: EnrolmentRequest, address: string) {
    if (waiting.size >= ENROLMENTS_WAITING_MAX) return putOff("busy");
    const [id, to] = [String(last++), yield* Deferred.make<EnrolmentOutcome>()];
    waiting.set(id, { form, address, answer: to });
    const came = box.tell({ type: "came", id, user: form.user, address, atMs: yield* Clock.currentTimeMillis });
    return yield* Effect.ensuring(
      Effect.andThen(came, Deferred.await(to)),
      Effect.sync(() => waiting.delete(id)),
    );
  });
  return { enrol, refuse, counters } satisfies Desk as Desk;
});

/** What the machine orders and takes a while, each as the event that it ends in. */
const workOf = Effect.fnUntraced(function* (
  { users, certificateLifetimeMs }: DeskOptions,
  waitingAs: (id: string) => Waiting | undefined,
  book: Effect.Success<ReturnType<typeof openBook>>,
) {
  const [authority, entropy] = [yield* Authority, yield* Entropy];
  const isPasswordOf = passwordCheck(users);
  const checking = yield* Semaphore.make(CHECKS_MAX);
  return {
    /** A slow hash: only for who is not within a wait, and has not gone away. */
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
      Effect.matchEffect(book.keep(order), {
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

const passwordCheck = (users: DeskOptions["users"]) => {
  if (typeof users === "function") return users;
  const digests = new Map([...users].map(([user, password]) => [user, passwordDigest(password)]));
  return (user: string, password: string) => Effect.sync(() => isPassword(digests.get(user), password));
};
