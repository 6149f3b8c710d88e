/** A call agent's session: everything asked of it is settled in the end, over as many connections as it takes. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { e164, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import {
  NUMBERS_ASKED_MAX,
  type VapClientAction,
  type VapClientEvent,
  type VapClientInput,
  vapClient,
} from "../../machines/vap/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import {
  document,
  errorOf,
  identityOf,
  meaningful,
  messageOf,
  NUMBER,
  requests,
  responses,
  VSERVICE,
  vcr,
} from "./values.ts";

const input: VapClientInput = {
  name: "agent/1.0",
  vservice: VSERVICE,
  instance: 1n,
  firstVersion: 5,
  reconnectMs: [1_000, 2_000],
};
const refs = fc.integer({ min: 1, max: 50 });
const jobs: fc.Arbitrary<VapClientEvent> = fc.oneof(
  refs.map((ref) => ({ type: "publishService" as const, ref, content: document })),
  refs.map((ref) => ({ type: "publishNumber" as const, ref, number: NUMBER })),
  refs.map((ref) => ({ type: "upload" as const, ref, vcr })),
);
const ids = fc.uint8Array({ minLength: 12, maxLength: 12 });
const asides: fc.Arbitrary<VapClientEvent> = fc.oneof(
  refs.map((ref) => ({ type: "withdraw" as const, ref })),
  fc.constant({ type: "unpublishNumber" as const, number: NUMBER }),
  fc.tuple(ids, fc.boolean()).map(([transactionId, isKept]) => ({ type: "kept" as const, transactionId, isKept })),
);
const world: fc.Arbitrary<VapClientEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ type: "connected" as const }) },
  fc.constant({ type: "lost" as const, why: "reset" }),
  {
    weight: 8,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 8 }), responses).map(([ask, response]) => ({
      type: "answered" as const,
      ask,
      outcome: { type: "answer" as const, response },
    })),
  },
  fc
    .integer({ min: 1, max: 8 })
    .map((ask) => ({ type: "answered" as const, ask, outcome: { type: "timedOut" as const } })),
  fc
    .integer({ min: 1, max: 8 })
    .map((ask) => ({ type: "answered" as const, ask, outcome: { type: "lost" as const, why: "x" } })),
  fc.tuple(requests, fc.boolean()).map(([request, genuine]) => ({ type: "asked" as const, request, genuine })),
  fc
    .constantFrom("reconnect" as const, "republish" as const, "refresh" as const)
    .map((timer) => ({ type: "timerFired" as const, timer })),
  fc.boolean().map((genuine) => ({
    type: "asked" as const,
    request: messageOf("publishRevoke", "request", [identityOf(101, 4)]),
    genuine,
  })),
);
const bye = refs.map((ref) => ({ type: "unregister" as const, ref }));
const events = fc.oneof(
  { weight: 4, arbitrary: jobs },
  { weight: 12, arbitrary: world },
  { weight: 2, arbitrary: asides },
  { weight: 1, arbitrary: bye },
);

/** Jobs with refs that are all different, amid whatever the world does. */
const distinct = fc
  .array(fc.oneof(jobs, world), { maxLength: 60 })
  .map((list) => list.map((event, i) => ("ref" in event ? { ...event, ref: i + 1 } : event)));

test("each job is settled at most once, and all of them by the end", () =>
  fc.assert(
    fc.property(distinct, (script) => {
      let now = vapClient.start(input);
      const settled: Array<number> = [];
      const end: ReadonlyArray<VapClientEvent> = [
        { type: "unregister", ref: 1_000 },
        { type: "lost", why: "closed" },
      ];
      for (const event of [...script, ...end]) {
        now = vapClient.step(now.snapshot, event);
        for (const action of now.actions) if (action.type === "settle") settled.push(action.ref);
      }
      const given = script.flatMap((event) => ("ref" in event ? [event.ref] : []));
      assert.deepEqual(
        settled.toSorted((a, b) => a - b),
        [...given, 1_000],
      );
    }),
    { numRuns: runs },
  ));

test("nothing is asked of a server that has not registered us, and numbers go one at a time", () =>
  fc.assert(
    fc.property(distinct, (script) => {
      let now = vapClient.start(input);
      for (const event of script) {
        now = vapClient.step(now.snapshot, event);
        const { asks } = now.snapshot.context;
        const numbers = asks.filter(({ what }: { what: any }) => what.type === "number").length;
        assert.ok(numbers <= 1);
        if (now.snapshot.value === "connecting" || now.snapshot.value === "waiting") assert.deepEqual(asks, []);
      }
    }),
    { numRuns: runs },
  ));

type Play = {
  readonly actions: ReadonlyArray<VapClientAction>;
  readonly snapshot: ReturnType<typeof vapClient.start>["snapshot"];
};
const play = (...events: ReadonlyArray<VapClientEvent>): Play => {
  let now = vapClient.start(input);
  const actions = [...now.actions];
  for (const event of events) {
    now = vapClient.step(now.snapshot, event);
    actions.push(...now.actions);
  }
  return { actions, snapshot: now.snapshot };
};
const ok = (ask: number, ...attributes: Parameters<typeof messageOf>[2] & {}): VapClientEvent => ({
  type: "answered",
  ask,
  outcome: { type: "answer", response: messageOf("publish", "success", attributes) },
});
const no = (ask: number, error: Parameters<typeof errorOf>[1]): VapClientEvent => ({
  type: "answered",
  ask,
  outcome: { type: "answer", response: errorOf("publish", error) },
});
const handle = [{ type: "clientHandle", value: 7 } as const, { type: "keepalive", value: 30_000 } as const];
const connected = { type: "connected" } as const;
const methodsOf = ({ actions }: Play): ReadonlyArray<string> =>
  actions.flatMap((action) =>
    action.type === "ask"
      ? [
          `${action.request.method}${action.request.attributes.some(({ type }) => type === "calledNumber") ? " number" : ""}`,
        ]
      : [],
  );
const service = { type: "publishService", ref: 1, content: document } as const;
const number = { type: "publishNumber", ref: 2, number: NUMBER } as const;
const lost = { type: "lost", why: "reset" } as const;
const again = { type: "timerFired", timer: "reconnect" } as const;

test("Register, Publish VService, Subscribe, Publish Number, in this order, whenever they were asked for", () => {
  const played = play(
    number,
    service,
    connected,
    ok(1, ...handle),
    ok(2, { type: "dhtLifetime", value: 3_600 }),
    ok(3, { type: "subscriptionId", value: 4 }),
    ok(4),
  );
  assert.deepEqual(methodsOf(played), ["register", "publish", "subscribe", "publish number"]);
  const settled = played.actions.flatMap((action) =>
    action.type === "settle" ? [[action.ref, action.result.type]] : [],
  );
  assert.deepEqual(settled, [
    [1, "done"],
    [2, "done"],
  ]);
  const refresh = played.actions.find((action) => action.type === "startTimer" && action.timer === "refresh");
  assert.deepEqual(refresh, { type: "startTimer", timer: "refresh", betweenMs: [2_160_000, 2_400_000] });
});

test("a number that is unpublished is not asked for, and not again when it was asked for already or is stored", () => {
  const unpublish = { type: "unpublishNumber", number: NUMBER } as const;
  const registered = [connected, ok(1, ...handle), ok(2, { type: "dhtLifetime", value: 3_600 })] as const;
  const subscribed = ok(3, { type: "subscriptionId", value: 4 });
  const refreshed = { type: "timerFired", timer: "refresh" } as const;
  const settled = (played: Play) =>
    played.actions.flatMap((action) => (action.type === "settle" && action.ref === 2 ? [action.result.type] : []));
  const numbers = (played: Play) => methodsOf(played).filter((method) => method === "publish number").length;

  const before = play(number, service, unpublish, ...registered, subscribed);
  assert.deepEqual([numbers(before), settled(before)], [0, ["failed"]]);
  const meanwhile = play(number, service, ...registered, subscribed, unpublish, ok(4), refreshed);
  assert.deepEqual([numbers(meanwhile), settled(meanwhile)], [1, ["done"]]);
  const afterwards = play(number, service, ...registered, subscribed, ok(4), unpublish, refreshed);
  assert.deepEqual([numbers(afterwards), settled(afterwards)], [1, ["done"]]);
  const kept = play(number, service, ...registered, subscribed, ok(4), refreshed);
  assert.equal(numbers(kept), 2);
});

test("draft-jennings-vipr-vap-02 §8.2: a sign of life between a third and a half of Keepalive, with the handle", () => {
  const { actions, snapshot } = play(connected, ok(1, ...handle));
  assert.deepEqual(actions.at(-1), { type: "startTimer", timer: "keepalive", betweenMs: [10_000, 15_000] });
  const next = vapClient.step(snapshot, { type: "timerFired", timer: "keepalive" });
  const [ask] = next.actions;
  assert.ok(ask?.type === "ask" && ask.request.method === "register");
  assert.ok(ask.request.attributes.some(({ type, value }) => type === "clientHandle" && value === 7));
});

test("a lost connection is made again, and what was out is asked again on it", () => {
  const before = [
    service,
    number,
    connected,
    ok(1, ...handle),
    ok(2),
    ok(3, { type: "subscriptionId", value: 4 }),
  ] as const;
  const resumed = play(...before, lost, again, connected, ok(5, ...handle), ok(6), ok(7));
  assert.deepEqual(methodsOf(resumed).slice(4), ["register", "publish", "publish number"]);
  assert.equal(resumed.snapshot.context.numbers.length, 0);
  const anew = play(...before, lost, again, connected, ok(5, { type: "clientHandle", value: 9 }), ok(6));
  assert.deepEqual(methodsOf(anew).slice(4), ["register", "publish", "subscribe", "publish number"]);
});

test("an upload that nobody waits for is not sent; one that is out is not sent again", () => {
  const uploads = [1, 2, 3].map((ref) => ({ type: "upload" as const, ref, vcr }));
  const withdraw = (ref: number) => ({ type: "withdraw" as const, ref });
  const queued = play(...uploads, withdraw(2), service, connected, ok(1, ...handle), ok(2));
  assert.deepEqual(methodsOf(queued), ["register", "publish", "subscribe", "uploadVcr number", "uploadVcr number"]);
  const isOut = play(
    service,
    connected,
    ok(1, ...handle),
    ok(2),
    ok(3, { type: "subscriptionId", value: 4 }),
    ...uploads,
  );
  const again = [lost, { type: "timerFired", timer: "reconnect" } as const, connected] as const;
  let now = isOut.snapshot;
  const later: Array<VapClientAction> = [];
  for (const event of [withdraw(1), withdraw(3), ...again, ok(7, ...handle), ok(8)] as const) {
    const next = vapClient.step(now, event);
    now = next.snapshot;
    later.push(...next.actions);
  }
  assert.equal(later.filter((action) => action.type === "ask" && action.request.method === "uploadVcr").length, 1);
  assert.equal(later.filter(({ type }) => type === "settle").length, 0);
});

const forgotten = [connected, ok(1, ...handle), lost, again, connected, no(2, "badClientHandle")] as const;
machineLaws(vapClient, { inputs: fc.constant(input), events: () => events }, { plays: [{ input, events: forgotten }] });

test("471 after a restart of the server: a new session is registered without the handle, at once and once", () => {
  const played = play(...forgotten);
  assert.equal(played.snapshot.value, "connecting");
  assert.equal(played.snapshot.context.handle, undefined);
  assert.deepEqual(
    played.actions.slice(-2).map(({ type }) => type),
    ["disconnect", "connect"],
  );
  // Without a handle a 471 is a refusal like another, and waits.
  assert.equal(play(...forgotten, connected, no(3, "badClientHandle")).snapshot.value, "waiting");
  assert.equal(play(...forgotten, connected, no(3, "badClientHandle")).snapshot.context.failures, 2);
});

const revocation = (vservice = VSERVICE): VapClientEvent => ({
  type: "asked",
  genuine: true,
  request: messageOf("publishRevoke", "request", [
    identityOf(101, 4, vservice),
    { type: "serviceContent", value: utf8("the overlay is lost") },
  ]),
});
const upload = { type: "upload", ref: 3, vcr } as const;
const republishing = { type: "timerFired", timer: "republish" } as const;

test("draft-jennings-vipr-vap-02 §9.4: PublishRevoke is answered, and the VService and its numbers are published again after a while, over and over", () => {
  const published = [
    service,
    number,
    connected,
    ok(1, ...handle),
    ok(2, { type: "dhtLifetime", value: 3_600 }),
    ok(3, { type: "subscriptionId", value: 4 }),
    ok(4),
  ] as const;
  const revoked = play(...published, revocation());
  const told = revoked.actions.slice(-3).map((action) => (action.type === "report" ? action.what : action.type));
  assert.deepEqual(told, ["answer", "revoked", "startTimer"]);
  // Meanwhile nothing is asked for, and what is uploaded waits.
  const waiting = play(...published, revocation(), upload);
  assert.deepEqual(methodsOf(waiting), methodsOf(revoked));
  const refused = play(...published, revocation(), upload, republishing, no(5, "publicationFailed"));
  assert.equal(refused.snapshot.value, "ready");
  assert.deepEqual(methodsOf(refused).slice(4), ["publish"]);
  const back = play(
    ...published,
    ...[revocation(), upload, republishing, no(5, "publicationFailed"), republishing, ok(6)],
  );
  assert.deepEqual(methodsOf(back).slice(4), ["publish", "publish", "publish number", "uploadVcr number"]);
  assert.ok(back.actions.some((action) => action.type === "report" && action.what === "published"));
  // Another's VService is not ours to give up.
  const others = play(...published, revocation(vserviceId(5n)));
  assert.equal(others.snapshot.context.isPublished, true);
});

test("a VService that is refused leaves the one before in force, and who uploads does not wait for another", () => {
  const other = { type: "publishService", ref: 7, content: { ...document, didCount: 9 } } as const;
  const published = [service, connected, ok(1, ...handle), ok(2), ok(3, { type: "subscriptionId", value: 4 })] as const;
  const refused = play(...published, other, upload, no(4, "publicationFailed"));
  assert.deepEqual(refused.actions.filter(({ type }) => type === "settle").at(-1), {
    type: "settle",
    ref: 7,
    result: { type: "failed", reason: "refused", code: 481, why: "error 481: Publication Failed" },
  });
  assert.deepEqual(methodsOf(refused).slice(3), ["publish", "uploadVcr number"]);
  // On a new connection the server has nothing of ours: it is given what was in force.
  const anew = [lost, again, connected, ok(6, ...handle)] as const;
  const back = play(...published, other, no(4, "publicationFailed"), upload, ...anew);
  const last = back.snapshot.context.asks.at(-1)?.what;
  assert.deepEqual(last, { type: "service", content: document, version: input.firstVersion });
  // Replaced before the answer: the first is in force, until the second is accepted.
  const twice = play(service, connected, ok(1, ...handle), other, upload, ok(2), no(3, "publicationFailed"));
  assert.deepEqual(twice.snapshot.context.service?.content, document);
  assert.deepEqual(methodsOf(twice).slice(2), ["publish", "subscribe", "uploadVcr number"]);
});

test("472: the VService is published again as another instance", () => {
  const played = play(service, connected, ok(1, ...handle), no(2, "versionNumberTooLow"));
  assert.equal(played.snapshot.context.instance, 2n);
  assert.deepEqual(methodsOf(played), ["register", "publish", "publish"]);
});

test("481: a number is asked for three times, and then given up", () => {
  const played = play(
    service,
    number,
    connected,
    ok(1, ...handle),
    ok(2),
    ok(3, { type: "subscriptionId", value: 4 }),
    no(4, "publicationFailed"),
    no(5, "publicationFailed"),
    no(6, "publicationFailed"),
  );
  const last = played.actions.filter((action) => action.type === "settle").at(-1);
  assert.deepEqual(last, {
    type: "settle",
    ref: 2,
    result: { type: "failed", reason: "refused", code: 481, why: "error 481: Publication Failed" },
  });
});

test("no answer within Ti: the connection is given up", () => {
  const { snapshot, actions } = play(service, connected, ok(1, ...handle), {
    type: "answered",
    ask: 2,
    outcome: { type: "timedOut" },
  });
  assert.equal(snapshot.value, "waiting");
  assert.ok(actions.some(({ type }) => type === "disconnect"));
});

test("draft-jennings-vipr-vap-02 §8.6: a Notify is answered once it is stored; one for a subscription we have not, 476", () => {
  const notify = meaningful.at(-1)!;
  const subscribed = [
    service,
    connected,
    ok(1, ...handle),
    ok(2),
    ok(3, { type: "subscriptionId", value: 1 }),
  ] as const;
  const received = play(...subscribed, { type: "asked", request: notify, genuine: true });
  const order = received.actions.at(-1);
  assert.ok(order?.type === "learned");
  const { transactionId } = order;
  const answers = (isKept: boolean) =>
    vapClient.step(received.snapshot, { type: "kept", transactionId, isKept }).actions.map(({ type }) => type);
  assert.deepEqual([answers(true), answers(false)], [["answer"], []]);
  const early = play(service, connected, ok(1, ...handle), {
    type: "asked",
    request: notify,
    genuine: true,
  }).actions.at(-1);
  assert.ok(early?.type === "answer" && early.content.class === "error");
  const forged = play(...subscribed, { type: "asked", request: notify, genuine: false }).actions.at(-1);
  assert.equal(forged?.type, "note");
});

/** Plays a session that has published so many numbers, of which each is answered at once. */
const sessionOf = (count: number) => {
  let now = vapClient.start(input);
  /** Requests without an answer. */
  const out: Array<number> = [];
  const asked: Array<string> = [];
  const tell = (event: VapClientEvent): ReadonlyArray<VapClientAction> => {
    now = vapClient.step(now.snapshot, event);
    for (const action of now.actions) {
      if (action.type !== "ask") continue;
      out.push(action.ask);
      const value = action.request.attributes.find(({ type }) => type === "calledNumber")?.value;
      if (typeof value === "string") asked.push(value);
    }
    return now.actions;
  };
  const numbers = Array.from({ length: count }, (_, i) => e164(`+1408${5_000_000 + i}`));
  for (const event of [service, connected, ok(1, ...handle), ok(2, { type: "dhtLifetime", value: 3_600 })]) tell(event);
  tell(ok(3, { type: "subscriptionId", value: 4 }));
  out.length = 0;
  for (const number of numbers) {
    tell({ type: "publishNumber", ref: 1, number });
    tell(ok(out.shift()!));
  }
  return { tell, numbers, asked, next: () => out.shift() ?? 0, context: () => now.snapshot.context };
};
const refreshing = { type: "timerFired", timer: "refresh" } as const;

test("50,000 numbers are published again, a few at a time, the oldest first, and each once", () => {
  const { tell, numbers, asked, next, context } = sessionOf(50_000);
  asked.length = 0;
  assert.equal(tell(refreshing).filter(({ type }) => type === "ask").length, NUMBERS_ASKED_MAX);
  tell({ type: "unpublishNumber", number: numbers[7]! });
  // One that somebody waits for goes before them.
  const another = e164("+14084999999");
  tell({ type: "publishNumber", ref: 9, number: another });
  for (let i = 0; i < 3 * numbers.length && asked.length < numbers.length; i++) tell(ok(next()));
  const left = numbers.toSpliced(7, 1);
  assert.deepEqual(asked, [...left.slice(0, NUMBERS_ASKED_MAX), another, ...left.slice(NUMBERS_ASKED_MAX)]);
  for (let i = 0; i < NUMBERS_ASKED_MAX; i++)
    assert.deepEqual(
      tell(ok(next())).filter(({ type }) => type === "ask"),
      [],
    );
  assert.equal(context().stored.places.size, numbers.length);
});

test("a new session is told all numbers again, as after a restart of the server; a resumed one none", () => {
  for (const isResumed of [true, false]) {
    const { tell, numbers, asked, next } = sessionOf(5);
    asked.length = 0;
    tell({ type: "lost", why: "reset" });
    tell({ type: "timerFired", timer: "reconnect" });
    tell(connected);
    tell(ok(next(), { type: "clientHandle", value: isResumed ? 7 : 8 }, { type: "keepalive", value: 30_000 }));
    for (let i = 0; i < 20; i++)
      tell(ok(next(), { type: "dhtLifetime", value: 3_600 }, { type: "subscriptionId", value: 4 }));
    assert.deepEqual(asked, isResumed ? [] : numbers);
  }
});

test("a number that is refused when it is published again is tried again with the others", () => {
  const { tell, numbers, asked, next } = sessionOf(2);
  asked.length = 0;
  tell(refreshing);
  tell(no(next(), "publicationFailed"));
  tell(ok(next()));
  for (let i = 0; i < 2; i++) tell(no(next(), "publicationFailed"));
  assert.deepEqual(asked, [...numbers, numbers[0], numbers[0]]);
  const before = asked.length;
  tell(refreshing);
  tell(ok(next()));
  tell(ok(next()));
  assert.deepEqual(asked.slice(before).toSorted(), numbers);
});
