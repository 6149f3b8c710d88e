/** A server's session with one client: who is answered what. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { msFromNtp, ntp } from "../../codecs/shared/mod.ts";
import { errorNumberOf, type ServiceIdentity, type Verdict, valueIn } from "../../codecs/vap/mod.ts";
import { type VapServerAction, type VapServerEvent, vapServer } from "../../machines/vap/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { errorOf, identityOf, idOf, meaningful, messageOf, requests, responses, VSERVICE } from "./values.ts";

const input = { handle: 7, connection: 1, keepaliveMs: 30_000, greetingMs: 10_000, lingerMs: 30_000 };
const genuine: Verdict = { type: "genuine", username: "ann" };
const verdicts = fc.oneof(
  { weight: 8, arbitrary: fc.constant(genuine) },
  fc.constantFrom<Array<Verdict>>({ type: "forged" }, { type: "unknownUser" }, { type: "genuine", username: "bob" }),
);
const connections = fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.constant(2));
const received = fc
  .tuple(fc.oneof({ weight: 6, arbitrary: requests }, responses), verdicts, connections, fc.nat(100_000))
  .map(([message, verdict, connection, atMs]) => ({ type: "received" as const, message, verdict, connection, atMs }));
const events: fc.Arbitrary<VapServerEvent> = fc.oneof(
  { weight: 8, arbitrary: received },
  connections.map((connection) => ({ type: "lost" as const, connection, why: "reset" })),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()).map(([ref, done]) => ({
    type: "settled" as const,
    ref,
    outcome: done
      ? { type: "done" as const, quota: { limit: 10, current: 1, lifetimeS: 3_600 } }
      : { type: "failed" as const, why: "unreachable" },
  })),
  fc.nat(9).map((n) => ({
    type: "learned" as const,
    ref: n,
    vservice: VSERVICE,
    content: new Uint8Array(3),
    transactionId: idOf(n),
  })),
  fc.constant<VapServerEvent>({ type: "displaced" }),
  fc.constant<VapServerEvent>({ type: "revoked", why: "lost", transactionIds: [idOf(7), idOf(8)] }),
);
machineLaws(vapServer, { inputs: fc.constant(input), events: () => events });

test("every request is answered at most once, on its own connection, and at once or when it is settled", () =>
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), (script) => {
      let now = vapServer.start(input);
      let owed = 0;
      for (const event of script) {
        if (vapServer.isDone(now.snapshot)) return;
        const before = owed;
        now = vapServer.step(now.snapshot, event);
        if (event.type === "received" && event.message.type.class === "request") owed += 1;
        for (const action of now.actions)
          if (action.type === "send" && action.content.class !== "request") {
            owed -= 1;
            if (event.type === "received") assert.equal(action.connection, event.connection);
          }
        assert.ok(owed >= 0 && owed <= before + 1);
      }
    }),
    { numRuns: runs },
  ));

test("what a client published is withdrawn when its session ends, whatever ends it", () =>
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), (script) => {
      let now = vapServer.start(input);
      const published = new Set<string>();
      /** Publications under way, by their refs: one that fails leaves nothing to withdraw. */
      const coming = new Map<number, string>();
      const keyOf = ({ vservice, instance }: ServiceIdentity) => `${vservice}/${instance}`;
      const note = (actions: ReadonlyArray<VapServerAction>) => {
        for (const action of actions) {
          if (action.type === "publishVService") coming.set(action.ref, keyOf(action.identity));
          if (action.type === "withdrawVService") {
            const withdrawn = keyOf(action.identity);
            published.delete(withdrawn);
            for (const [ref, key] of coming) if (key === withdrawn) coming.delete(ref);
          }
        }
      };
      const end = { type: "timerFired", timer: "keepalive", atMs: 1e9 } as const;
      for (const event of [...script, end]) {
        if (event.type === "settled") {
          const key = coming.get(event.ref);
          if (key !== undefined && event.outcome.type === "done") published.add(key);
          coming.delete(event.ref);
        }
        now = vapServer.step(now.snapshot, event);
        note(now.actions);
      }
      const isOver = vapServer.isDone(now.snapshot) || now.snapshot.value === "lingering";
      if (isOver) assert.deepEqual([[...published], [...coming.values()]], [[], []]);
    }),
    { numRuns: runs },
  ));

const [register, resume, publish, number, subscribe, upload, , unregister] = meaningful;
const from = (
  message: (typeof meaningful)[number] | undefined,
  options: Partial<Extract<VapServerEvent, { type: "received" }>> = {},
) => ({ type: "received", message: message!, verdict: genuine, connection: 1, atMs: 0, ...options }) as const;
const play = (...events: ReadonlyArray<VapServerEvent>) => {
  let now = vapServer.start(input);
  for (const event of events) now = vapServer.step(now.snapshot, event);
  return { actions: now.actions, value: now.snapshot.value, snapshot: now.snapshot };
};
const answerTo = (...events: ReadonlyArray<VapServerEvent>): number | "success" | undefined => {
  const sent = play(...events).actions.find((action) => action.type === "send");
  if (sent?.type !== "send") return undefined;
  const { content, transactionId } = sent;
  return content.class === "success"
    ? "success"
    : errorNumberOf(messageOf(content.method, content.class, content.attributes, transactionId));
};

test("draft-jennings-vipr-vap-02 §9.2: 436 for an unknown user, 431 for a wrong protect, neither sealed; the third closes", () => {
  const forged = from(register, { verdict: { type: "forged" } });
  const nobody = from(register, { verdict: { type: "unknownUser" } });
  assert.equal(answerTo(forged), 431);
  assert.equal(answerTo(nobody), 436);
  const { actions, value } = play(forged, nobody, forged);
  assert.equal(value, "gone");
  assert.ok(actions.every((action) => action.type !== "send" || action.username === undefined));
  assert.ok(actions.some(({ type }) => type === "close"));
});

test("draft-jennings-vipr-vap-02 §9.3: Register", () => {
  assert.equal(answerTo(from(register)), "success");
  assert.equal(answerTo(from(messageOf("register", "request"))), 400);
  const higher = [
    { type: "clientName", value: "x" } as const,
    { type: "protocolVersion", value: { major: 2, minor: 0 } } as const,
  ];
  assert.equal(answerTo(from(messageOf("register", "request", higher))), 478);
  assert.equal(answerTo(from(resume)), 471);
  assert.equal(answerTo(from(register), from(register)), 477);
  assert.equal(answerTo(from(register), from(resume)), "success");
  assert.equal(
    answerTo(from(register), from(messageOf("register", "request", [{ type: "clientHandle", value: 8 }]))),
    471,
  );
});

test("draft-jennings-vipr-vap-02 §9.3: a session is taken up on another connection, and the old one is closed", () => {
  const { actions } = play(from(register), from(resume, { connection: 2 }));
  assert.deepEqual(actions[0], { type: "close", connection: 1, reason: "resumedElsewhere" });
  assert.ok(actions.some((action) => action.type === "send" && action.connection === 2));
  assert.equal(
    answerTo(from(register), from(resume, { connection: 2, verdict: { type: "genuine", username: "bob" } })),
    471,
  );
});

test("draft-jennings-vipr-vap-02 §9.4: Publish", () => {
  assert.equal(answerTo(from(publish)), 474);
  assert.equal(answerTo(from(register), from(number)), 474);
  assert.equal(answerTo(from(register), from(messageOf("publish", "request", [identityOf(101, 9)]))), 400);
  const asked = play(from(register), from(publish));
  assert.deepEqual(
    asked.actions.map(({ type }) => type),
    ["publishVService"],
  );
  const quota = { limit: 10, current: 1, lifetimeS: 3_600 };
  const done = { type: "settled", ref: 1, outcome: { type: "done", quota } } as const;
  const [answer] = play(from(register), from(publish), done).actions;
  assert.ok(answer?.type === "send");
  assert.deepEqual(valueIn(answer.content, "quota"), { limit: 10, current: 1 });
  assert.equal(valueIn(answer.content, "dhtLifetime"), 3_600);
  const older = messageOf("publish", "request", [
    ...publish!.attributes.filter(({ type }) => type !== "serviceVersion"),
    { type: "serviceVersion", value: 1 },
  ]);
  assert.equal(answerTo(from(register), from(publish), from(older)), 472);
  const failed = { type: "settled", ref: 2, outcome: { type: "failed", why: "no overlay" } } as const;
  assert.equal(answerTo(from(register), from(publish), from(number), failed), 481);
});

test("a VService that was refused is not published: neither numbers nor calls under it, and nothing to withdraw", () => {
  const refused = { type: "settled", ref: 1, outcome: { type: "failed", why: "unknown DHT" } } as const;
  assert.equal(answerTo(from(register), from(publish), refused, from(number)), 474);
  assert.equal(answerTo(from(register), from(publish), refused, from(upload)), 474);
  const typesOf = (...events: ReadonlyArray<VapServerEvent>) =>
    play(...events).actions.flatMap(({ type }) => (type.endsWith("Timer") ? [] : [type]));
  assert.deepEqual(typesOf(from(register), from(publish), refused, from(unregister)), ["send"]);
  // On its way it may be counted on, and is withdrawn when the session ends before the answer.
  assert.deepEqual(typesOf(from(register), from(publish), from(number)), ["publishNumber"]);
  assert.deepEqual(typesOf(from(register), from(publish), from(unregister)), ["send", "withdrawVService"]);
  // A new version that is refused leaves the one before it.
  const done = { type: "settled", ref: 1, outcome: { type: "done", quota: undefined } } as const;
  assert.deepEqual(typesOf(from(register), from(publish), done, from(publish), { ...refused, ref: 2 }, from(number)), [
    "publishNumber",
  ]);
});

test("ServiceID 100 and 101 are both understood, others are not", () => {
  for (const service of [100, 101])
    assert.equal(
      answerTo(from(register), from(messageOf("subscribe", "request", [identityOf(service, 3)]))),
      "success",
    );
  assert.equal(answerTo(from(register), from(messageOf("subscribe", "request", [identityOf(102, 3)]))), 400);
});

test("draft-jennings-vipr-vap-02 §9.5: a call record needs its VService; a caller's number it does not need", () => {
  assert.equal(answerTo(from(register), from(upload)), 474);
  const [order] = play(from(register), from(publish), from(upload)).actions;
  assert.ok(order?.type === "upload");
  assert.deepEqual(order.vcr, {
    direction: "sent",
    calling: "+14085551000",
    called: "+14085555432",
    startMs: msFromNtp(ntp(5n)),
    stopMs: msFromNtp(ntp(6n)),
    vservice: VSERVICE,
  });
  const bare = messageOf(
    "uploadVcr",
    "request",
    upload!.attributes.filter(({ type }) => type !== "callingNumber"),
  );
  const [second] = play(from(register), from(publish), from(bare)).actions;
  assert.ok(second?.type === "upload" && second.vcr.calling === undefined);
  const without = messageOf(
    "uploadVcr",
    "request",
    upload!.attributes.filter(({ type }) => type !== "startTime"),
  );
  assert.equal(answerTo(from(register), from(publish), from(without)), 400);
});

test("a call record whose called number is no E.164 number is refused; a caller's that is none is left out", () => {
  const withNumber = (type: "calledNumber" | "callingNumber", value: string) =>
    from(
      messageOf(
        "uploadVcr",
        "request",
        upload!.attributes.map((one) => (one.type === type ? { type, value } : one)),
      ),
    );
  // 0.1.0 took any 7 to 15 digits for an international number.
  for (const text of [
    "14085551000",
    "7042",
    "2015550123",
    "949305550901",
    "0014085551000",
    "+1 408 555 1000",
    "anonymous",
    "sip:+1@h",
  ]) {
    assert.equal(answerTo(from(register), from(publish), withNumber("calledNumber", text)), 400, text);
    const [order] = play(from(register), from(publish), withNumber("callingNumber", text)).actions;
    assert.ok(order?.type === "upload" && order.vcr.calling === undefined, text);
  }
});

test("draft-jennings-vipr-vap-02 §9.4: PublishRevoke for each instance, which is withdrawn; what is on its way is refused", () => {
  const done = { type: "settled", ref: 1, outcome: { type: "done", quota: undefined } } as const;
  const revoked = { type: "revoked", why: "the overlay is lost", transactionIds: [idOf(8), idOf(9)] } as const;
  const summary = (actions: ReadonlyArray<VapServerAction>) =>
    actions.map((action) =>
      action.type === "send" ? `${action.content.method} ${action.content.class}` : action.type,
    );
  assert.deepEqual(summary(play(from(register), from(publish), done, revoked).actions), [
    "publishRevoke request",
    "withdrawVService",
  ]);
  assert.deepEqual(summary(play(from(register), from(publish), revoked).actions), [
    "publish error",
    "withdrawVService",
  ]);
  // Who is away learns it when it comes back and uploads.
  const lost = { type: "lost", connection: 1, why: "" } as const;
  assert.deepEqual(summary(play(from(register), from(publish), done, lost, revoked).actions), ["withdrawVService"]);
  const back = [from(resume, { connection: 2 }), from(upload, { connection: 2 })] as const;
  assert.equal(answerTo(from(register), from(publish), done, lost, revoked, ...back), 474);
});

test("a user with as many sessions as it may have is refused with 486, a full server refuses with 508; one that is displaced must be away", () => {
  assert.equal(answerTo(from(register, { full: "user" })), 486);
  assert.equal(answerTo(from(register, { full: "server" })), 508);
  assert.equal(answerTo(from(register), from(resume, { full: "user" })), "success");
  assert.equal(play(from(register), { type: "displaced" }).value, "registered");
  // One that has unregistered has no more to lose than the time to close.
  const left = play(from(register), from(unregister), { type: "displaced" });
  assert.deepEqual([left.value, left.actions.at(-1)], ["gone", { type: "close", connection: 1, reason: "displaced" }]);
  const away = play(from(register), from(publish), { type: "lost", connection: 1, why: "" }, { type: "displaced" });
  assert.equal(away.value, "gone");
  assert.deepEqual(
    away.actions.map(({ type }) => type),
    ["stopTimer", "withdrawVService"],
  );
});

test("every refusal has a reason that says what is wrong", () => {
  const bare = (method: Parameters<typeof messageOf>[0]) => from(messageOf(method, "request"));
  const reasons = [
    play(bare("register")),
    play(from(register), bare("publish")),
    play(from(register), bare("subscribe")),
    play(from(register), bare("unpublish")),
    play(from(register), from(publish), bare("uploadVcr")),
    play(bare("publish")),
    play(from(resume)),
  ].flatMap(({ actions }) =>
    actions.flatMap((action) => (action.type === "send" ? [valueIn(action.content, "errorCode")?.reason] : [])),
  );
  assert.deepEqual(reasons, [
    "no PROTOCOL-VERSION",
    "no SERVICE-IDENTITY of this service",
    "no SERVICE-IDENTITY of this service",
    "no SERVICE-IDENTITY of this service",
    "no SERVICE-IDENTITY of this service",
    "no Register yet",
    "no session of this user has that handle",
  ]);
});

const learned = {
  type: "learned",
  ref: 9,
  vservice: VSERVICE,
  content: new Uint8Array(2),
  transactionId: idOf(5),
} as const;
test("draft-jennings-vipr-vap-02 §9.6: a Notify goes to who subscribed, and waits for who is away", () => {
  const told = (actions: ReadonlyArray<VapServerAction>) =>
    actions.flatMap((action) => (action.type === "told" ? [action.count] : []));
  assert.deepEqual(told(play(from(register), learned).actions), [0]);
  const { actions } = play(from(register), from(subscribe), learned);
  assert.deepEqual(told(actions), [1]);
  assert.ok(actions.some((action) => action.type === "send" && action.content.method === "notify"));
  const away = play(from(register), from(subscribe), { type: "lost", connection: 1, why: "" }, learned);
  assert.deepEqual(away.actions, [{ type: "told", ref: 9, count: 1 }]);
  const back = vapServer.step(away.snapshot, from(resume, { connection: 2 }));
  assert.deepEqual(
    back.actions.map((action) => action.type === "send" && action.content.method),
    ["register", "notify"],
  );
  const gone = from(errorOf("notify", "unknownSubscription", idOf(5)));
  assert.deepEqual(told(play(from(register), from(subscribe), learned, gone, learned).actions), [0]);
});

test("silence ends a session; a timer that a message overtook does not", () => {
  const fired = (atMs: number) => ({ type: "timerFired", timer: "keepalive", atMs }) as const;
  assert.equal(play(from(register), fired(30_000)).value, "gone");
  const kept = play(from(register), from(resume, { atMs: 20_000 }), fired(30_000));
  assert.equal(kept.value, "registered");
  assert.deepEqual(kept.actions, [{ type: "startTimer", timer: "keepalive", ms: 20_000 }]);
});

test("draft-jennings-vipr-vap-02 §9.3: after Unregister nothing is left but a while to close", () => {
  assert.equal(answerTo(from(unregister)), 474);
  const { value, actions } = play(from(register), from(publish), from(unregister));
  assert.equal(value, "lingering");
  assert.deepEqual(
    actions.map(({ type }) => type),
    ["stopTimer", "send", "withdrawVService", "startTimer"],
  );
  assert.equal(answerTo(from(register), from(unregister), from(publish)), 474);
});
