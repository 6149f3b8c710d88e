/**
 * Two companies on one server: what one does, with the other's ids, handles, domains and numbers, changes nothing that the
 * other sees. docs/protocol/vap.md#tenants.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import fc from "fast-check";
import { type ByteStreamShape, Dialer } from "../../actors/ports/mod.ts";
import { openOwners, openPublisher, serveVap } from "../../actors/vap/mod.ts";
import { makeHandlers } from "../../actors/vipr/handlers.ts";
import { makeServices } from "../../actors/vipr/services.ts";
import { tenantShares, type ViprTenants } from "../../actors/vipr/tenants.ts";
import { e164, nodeIdFrom, ntp, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import {
  protect,
  type ServiceIdentity,
  type VapAttribute,
  type VapContent,
  VapMessage,
  valueIn,
  vapKey,
  writeVService,
} from "../../codecs/vap/mod.ts";
import { cut, emptyRemainder } from "../../codecs/wire/mod.ts";
import { CALLS_MAX, callStore, RETENTION_MS } from "../../machines/validation/mod.ts";
import { QUEUE_NUMBERS_MAX } from "../../machines/vap/mod.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

const virtually = <A, E>(body: Effect.Effect<A, E, any>): Promise<A> =>
  runVirtual(
    Effect.scoped(Effect.provide(body, Layer.merge(memoryLayer({ seed: 3 }), Logger.layer([])))) as Effect.Effect<A, E>,
  );

type Company = "a" | "b";
const USERS = ["a", "a2", "b"];
const VSERVICE = { a: vserviceId(0xa1n), b: vserviceId(0xb1n) } as const;
const NUMBERS = { a: ["+14085550001", "+14085550002"], b: ["+14085550101", "+14085550102"] } as const;
const QUOTA = 4;
const tenants: ViprTenants = {
  tenantOf: (username) => username.slice(0, 1),
  hasDomain: (tenant, domain) => domain === `${tenant}.example`,
  shareOf: () => 0.5,
};

/** A server's VAP side, whole but for the overlay, which stores whatever it is given. */
const servingAt = Effect.fnUntraced(function* (quota: number, storesPerSecond: number) {
  const owners = yield* openOwners(memoryStore(), (name) => USERS.includes(name));
  const calls = callStore([nodeIdFrom(5n)]);
  const services = makeServices(
    () => undefined,
    () => Effect.succeed(false),
    () => Effect.void,
    (vservice) => owners.isOwned(vservice),
  );
  const publisher = yield* openPublisher({ store: () => Effect.sleep(20) });
  const sent: Array<Vcr> = [];
  const ofUser = (username: string) => (vservice: ReturnType<typeof vserviceId>) => {
    const owner = owners.ownerOf(vservice);
    return owner !== undefined && tenants.tenantOf(owner) === tenants.tenantOf(username);
  };
  const handlers = makeHandlers({
    overlayName: "vipr.test",
    whyLost: () => undefined,
    isServed: () => true,
    quota: () => quota,
    storesPerSecond,
    shares: tenantShares(tenants, () => quota),
    quotaOf: (username) => ({
      quotaLimit: quota * tenants.shareOf(username),
      quotaCurrent: services.didCount(ofUser(username)),
    }),
    services,
    publisher,
    isOff: () => false,
    unpublish: () => Effect.void,
    originating: {
      take: (vcr) =>
        Effect.sync(() => {
          sent.push(vcr);
          return true;
        }),
    },
    calls,
    records: { received: () => Effect.void },
    watch: () => Effect.void,
  });
  const users = Object.fromEntries(USERS.map((name) => [name, name]));
  const vap = yield* serveVap(
    { host: "127.0.0.1", port: 5620, users, owners, groups: tenants, watch: () => Effect.void },
    handlers,
  );
  return { vap, services, sent, calls };
});
const serving = servingAt(QUOTA, 10);

const identity = (subservice: number, vservice: ServiceIdentity["vservice"], instance = 1n): VapAttribute => ({
  type: "serviceIdentity",
  value: { service: 101, subservice, vservice, instance },
});
const request = (method: VapContent["method"], ...attributes: ReadonlyArray<VapAttribute>): VapContent => ({
  method,
  class: "request",
  attributes,
});
const register = request(
  "register",
  { type: "clientName", value: "x/1" },
  { type: "protocolVersion", value: { major: 1, minor: 0 } },
);
const resume = (handle: number) => request("register", { type: "clientHandle", value: handle });
const publishAs = (domain: string, vservice: ServiceIdentity["vservice"], version = 1, instance = 1n, didCount = 2) =>
  request(
    "publish",
    identity(4, vservice, instance),
    { type: "serviceVersion", value: version },
    {
      type: "serviceContent",
      value: writeVService({
        id: "x",
        dhtName: "vipr.test",
        didCount,
        domain,
        routes: [{ sipUris: [`sip:x@${domain}:5061`] }],
      }),
    },
  );
const publish = (of: Company, vservice: Company, version: number, instance = 1n) =>
  publishAs(`${of}.example`, VSERVICE[vservice], version, instance, of === "a" ? 1_000 : 2);
const publishNumber = (vservice: Company, number: string) =>
  request("publish", identity(3, VSERVICE[vservice]), { type: "calledNumber", value: number });
const upload = (vservice: Company, called: string, callDirection: "sent" | "received") =>
  request(
    "uploadVcr",
    identity(3, VSERVICE[vservice]),
    { type: "callingNumber", value: "+33123456789" },
    { type: "calledNumber", value: called },
    { type: "startTime", value: ntp(5n << 32n) },
    { type: "stopTime", value: ntp(90n << 32n) },
    { type: "callDirection", value: callDirection },
  );
const subscribe = (vservice: Company) => request("subscribe", identity(3, VSERVICE[vservice]));

interface Client {
  readonly send: (content: VapContent) => Effect.Effect<void>;
  /** What has come, without what is drawn at random. */
  readonly seen: Array<unknown>;
  handle: number;
}
const clientOf = Effect.fnUntraced(function* (username: string) {
  const { dial } = yield* Dialer;
  const stream: ByteStreamShape = yield* dial({ host: "127.0.0.1", port: 5620 });
  const client: Client = { send: () => Effect.void, seen: [], handle: 0 };
  let sent = 0;
  const key = vapKey(username, username);
  let remainder = emptyRemainder;
  const reading = Effect.map(stream.read, (chunk) => {
    const { messages, rest } = cut(VapMessage, remainder, chunk, 65_555);
    remainder = rest;
    for (const message of messages) {
      client.handle = valueIn(message, "clientHandle") ?? client.handle;
      client.seen.push({
        type: message.type,
        id: message.type.class === "request" ? "theirs" : message.transactionId[0],
        attributes: message.attributes.filter(({ type }) => type !== "clientHandle" && type !== "messageIntegrity"),
      });
    }
  });
  yield* Effect.forkScoped(
    Effect.matchEffect(Effect.forever(reading), {
      onSuccess: () => Effect.void,
      onFailure: () => Effect.sync(() => void client.seen.push("closed")),
    }),
  );
  return Object.assign(client, {
    send: (content: VapContent) =>
      Effect.ignore(stream.write(protect(content, new Uint8Array(12).fill(++sent & 0xff), { username, key }))),
  });
});

/** Whatever an agent of A may ask for, with what is B's as well as with its own. */
const either = fc.constantFrom<Array<Company>>("a", "b");
const anyNumber = fc.constantFrom(...NUMBERS.a, ...NUMBERS.b, "+14085559999");
type Step = (own: Client, theirs: Client) => VapContent;
const adversary: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>(() => register),
  fc.constant<Step>((own) => resume(own.handle)),
  fc.constant<Step>((_, theirs) => resume(theirs.handle)),
  fc.tuple(either, either, fc.integer({ min: 1, max: 9 }), fc.bigInt({ min: 1n, max: 2n })).map(
    ([domain, vservice, version, instance]): Step =>
      () =>
        publish(domain, vservice, version, instance),
  ),
  fc.tuple(either, anyNumber).map(
    ([vservice, number]): Step =>
      () =>
        publishNumber(vservice, number),
  ),
  fc.tuple(either, anyNumber, fc.constantFrom("sent" as const, "received" as const)).map(
    ([vservice, number, direction]): Step =>
      () =>
        upload(vservice, number, direction),
  ),
  either.map(
    (vservice): Step =>
      () =>
        subscribe(vservice),
  ),
  fc.integer({ min: 0, max: 3 }).map(
    (value): Step =>
      () =>
        request("unsubscribe", { type: "subscriptionId", value }),
  ),
  fc.tuple(either, fc.bigInt({ min: 1n, max: 2n })).map(
    ([vservice, instance]): Step =>
      () =>
        request("unpublish", identity(4, VSERVICE[vservice], instance)),
  ),
  fc.constant<Step>((_, theirs) => request("unregister", { type: "clientHandle", value: theirs.handle })),
);
/** What B does meanwhile, from its first publication to its last. */
const B: ReadonlyArray<Step | "notify"> = [
  () => register,
  () => publish("b", "b", 1),
  () => subscribe("b"),
  () => publishNumber("b", NUMBERS.b[0]),
  "notify",
  () => upload("b", NUMBERS.b[0], "received"),
  () => upload("b", "+14085559999", "sent"),
  (own) => resume(own.handle),
  () => publishNumber("b", NUMBERS.b[1]),
  () => publishNumber("b", "+14085550103"), // beyond its share
  () => publish("b", "b", 2),
  "notify",
  () => publish("a", "b", 3), // another company's domain
  () => request("unpublish", identity(4, VSERVICE.b)),
  () => publish("b", "b", 4),
  () => request("unregister"),
];
const valInfo = { number: e164("+14085559999"), ticket: "AAECAw==", routes: [{ sipUris: ["sip:y@c.example"] }] };

/** What B has seen at the end, and what the server has of it. */
const played = (script: ReadonlyArray<Step>, by: string, isActive: boolean) =>
  virtually(
    Effect.gen(function* () {
      const { vap, services, sent, calls } = yield* serving;
      const [a, b] = [yield* clientOf(by), yield* clientOf("b")];
      // B is there first: a VServiceID that nobody has published belongs to who is first.
      const [first, second, ...rest] = B as [Step, Step, ...ReadonlyArray<Step | "notify">];
      for (const step of [first, second]) {
        yield* b.send(step(b, a));
        yield* Effect.sleep(500);
      }
      const notified: Array<number> = [];
      const each = Math.ceil(script.length / rest.length);
      for (const [i, step] of rest.entries()) {
        for (const theirs of script.slice(i * each, (i + 1) * each)) {
          if (isActive) yield* a.send(theirs(a, b));
          yield* Effect.sleep(50);
        }
        if (step === "notify") notified.push(yield* vap.notify(VSERVICE.b, valInfo));
        else yield* b.send(step(b, a));
        yield* Effect.sleep(500);
      }
      const bs = sent.filter(({ vservice }) => vservice === VSERVICE.b);
      return {
        seen: b.seen,
        notified,
        document: services.document(VSERVICE.b),
        sent: bs,
        calls: calls.calls.size,
        heard: JSON.stringify(a.seen, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
        asReceived: isActive ? sent.length - bs.length : 0,
      };
    }),
  );

test("tenants: what B sees and what is kept for it is the same whatever A's agents do, with B's ids, handles and numbers too", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(adversary, { minLength: 1, maxLength: 42 }),
      fc.constantFrom("a", "a2"),
      async (script, by) => {
        const withA: ReadonlyArray<Step> = [() => register, ...script];
        const [alone, together] = [await played(withA, by, false), await played(withA, by, true)];
        same(together.seen, alone.seen);
        same(together.notified, alone.notified);
        same(together.document, alone.document);
        same(together.sent, alone.sent);
        ok(alone.seen.length >= B.length, "B has its answers");
        // Nothing of B's came to A: no Notify, no document, no number that A did not name itself.
        ok(!together.heard.includes("serviceContent") && !together.heard.includes("sip:y@"), together.heard);
      },
    ),
    { numRuns: runs },
  ));

const demand = fc.array(
  fc.record({ user: fc.constantFrom(...USERS), count: fc.integer({ min: 1, max: 5_000 }), waitH: fc.nat(30) }),
  { minLength: 1, maxLength: 30 },
);
test("tenants: of call records none takes more than its share, and what one gets does not depend on the others", () =>
  fc.assert(
    fc.property(demand, (steps) => {
      const granted = (only?: string) => {
        // The whole made small: the bucket's size goes by the share.
        const small = { ...tenants, shareOf: () => 4_000 / (CALLS_MAX / 2) };
        const shares = tenantShares(small, () => QUOTA);
        const got: Array<{ tenant: string; count: number; atMs: number }> = [];
        let nowMs = 1e12;
        for (const { user, count, waitH } of steps) {
          nowMs += waitH * 3_600_000;
          const tenant = tenants.tenantOf(user);
          if (only !== undefined && tenant !== only) continue;
          let taken = 0;
          for (let i = 0; i < count; i++) if (shares.whyNoCall(user, nowMs) === undefined) taken += 1;
          got.push({ tenant, count: taken, atMs: nowMs });
        }
        return got;
      };
      const all = granted();
      for (const tenant of ["a", "b"]) {
        const own = all.filter((one) => one.tenant === tenant);
        same(own, granted(tenant));
        for (const { atMs } of own) {
          const within = own.filter((one) => one.atMs <= atMs && atMs - one.atMs < RETENTION_MS);
          ok(within.reduce((sum, { count }) => sum + count, 0) <= 8_000);
        }
      }
    }),
    { numRuns: runs },
  ));

test("tenants: numbers wait in turn, so that one company's twenty thousand hold up another's one by seconds", () =>
  virtually(
    Effect.gen(function* () {
      const shares = tenantShares(tenants, () => 1_000_000);
      const publisher = yield* openPublisher({ store: () => Effect.sleep(20) });
      const publish = (user: string, i: number) => {
        const [vservice, number] = [VSERVICE[user as Company], e164(`+1408${1_000_000 + i}`)];
        return shares.number(user, { vservice, number, nowMs: 0 }, publisher.publish(vservice, number));
      };
      const many = Array.from({ length: QUEUE_NUMBERS_MAX / 2 + 5 }, (_, i) => Effect.exit(publish("a", i)));
      const flood = yield* Effect.forkChild(Effect.all(many, { concurrency: "unbounded" }));
      yield* Effect.sleep(1_000);
      const before = yield* Effect.clockWith((clock) => clock.currentTimeMillis);
      yield* publish("b", 1);
      ok((yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - before < 3_000);
      yield* Effect.sleep(3_600_000);
      const ends = flood.pollUnsafe();
      ok(ends?._tag === "Success");
      same(ends.value.filter(({ _tag }) => _tag === "Failure").length, 5); // beyond its share of the queue
    }),
  ));

const anyCompany = fc.constantFrom<Company>("a", "b");
test("tenants: a VService is of a domain of its own company, whoever asks and however the domain is written", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...USERS), anyCompany, fc.boolean()), { minLength: 1, maxLength: 6 }),
      (asked) =>
        virtually(
          Effect.gen(function* () {
            const { services } = yield* serving;
            const clients = new Map<string, Client>();
            for (const user of USERS) clients.set(user, yield* clientOf(user));
            for (const client of clients.values()) yield* client.send(register);
            yield* Effect.sleep(100);
            for (const [i, [user, of, isUpper]] of asked.entries()) {
              const vservice = vserviceId(BigInt(i + 1));
              const client = clients.get(user)!;
              yield* client.send(publishAs(isUpper ? `${of}.EXAMPLE` : `${of}.example`, vservice));
              yield* Effect.sleep(100);
              const isOwn = tenants.tenantOf(user) === of;
              same([user, services.document(vservice) !== undefined], [user, isOwn]);
              same((client.seen.at(-1) as { type: { class: string } }).type.class, isOwn ? "success" : "error");
            }
          }),
        ),
    ),
    { numRuns: Math.ceil(runs / 5) },
  ));

test("tenants: a number counts once for each VService it is under, and none has more entries than its share", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...USERS), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 })), {
        maxLength: 30,
      }),
      fc.integer({ min: 2, max: 10 }),
      async (asked, quota) => {
        const shares = tenantShares(tenants, () => quota);
        /** Of each company: the entries that the overlay has from it. */
        const entries = { a: new Set<string>(), b: new Set<string>() };
        for (const [user, service, line] of asked) {
          const company = tenants.tenantOf(user) as Company;
          const [vservice, number] = [vserviceId(BigInt(service)), e164(`+1408555010${line}`)];
          const stored = Effect.sync(() => void entries[company].add(`${vservice}/${number}`));
          const isKnown = entries[company].has(`${vservice}/${number}`);
          const hasRoom = entries[company].size < Math.floor(quota / 2);
          const exit = await Effect.runPromiseExit(shares.number(user, { vservice, number, nowMs: 0 }, stored));
          same([exit._tag, company], [isKnown || hasRoom ? "Success" : "Failure", company]);
        }
      },
    ),
    { numRuns: runs },
  ));

test("more numbers than can be stored again in time: at WARN when they are announced; what the quota does not admit is not counted", async () => {
  const warnedAt = async (quota: number, storesPerSecond: number): Promise<ReadonlyArray<unknown>> => {
    const logged: Array<unknown> = [];
    const logger = Logger.make(({ message }) => void logged.push(message));
    const body = Effect.gen(function* () {
      yield* servingAt(quota, storesPerSecond);
      const a = yield* clientOf("a");
      yield* a.send(register);
      yield* a.send(publishAs("a.example", VSERVICE.a, 1, 1n, 1_000_000));
      yield* Effect.sleep(1_000);
      ok(a.seen.length >= 2, "registered and published");
    });
    await virtually(Effect.provide(body, Logger.layer([logger])));
    return logged.filter((message) => Array.isArray(message) && message[0] === "vipr.refresh.slow");
  };
  same(await warnedAt(2_000_000, 7), [["vipr.refresh.slow", { numbers: 1_000_000, inTime: 986_853 }]]);
  same(await warnedAt(2_000_000, 10), []);
  same(await warnedAt(QUOTA, 7), []);
});
