/** Call agents and their ViPR server, hosted: over memory streams on a virtual clock. */
import * as assert from "node:assert/strict";
import { connect } from "node:net";
import { Effect, Exit, Fiber, Logger, Queue, Scope, SubscriptionRef } from "effect";
import { Dialer } from "../../actors/ports/mod.ts";
import { UNREGISTERED_MAX } from "../../actors/vap/fresh.ts";
import {
  connectVap,
  serveVap,
  type VapClientOptions,
  type VapEvent,
  type VapHandlers,
  type VapServerOptions,
} from "../../actors/vap/mod.ts";
import { SESSIONS_OF_USER_MAX } from "../../actors/vap/sessions.ts";
import { concat, e164, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import {
  errorNumberOf,
  protect,
  type ServiceIdentity,
  VapMessage,
  type VService,
  vapKey,
} from "../../codecs/vap/mod.ts";
import { cut, emptyRemainder } from "../../codecs/wire/mod.ts";
import { memoryLayer, type Ports, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { document, errorOf, meaningful, messageOf, NUMBER, VSERVICE, valInfo, vcr } from "./values.ts";

/** A ViPR server that remembers what it was asked, and fails when told to. */
const recorder = () => {
  const seen = {
    services: new Map<string, VService>(),
    numbers: [] as Array<string>,
    vcrs: [] as Array<Vcr>,
    withdrawn: 0,
  };
  const fail = { numbers: 0 };
  const keyOf = ({ vservice, instance }: ServiceIdentity) => `${vservice}/${instance}`;
  const handlers: VapHandlers = {
    publishVService: (identity, _, service) =>
      Effect.sync(() => {
        seen.services.set(keyOf(identity), service);
        return { quotaLimit: 100, quotaCurrent: 7, dhtLifetimeS: 3_600 };
      }),
    withdrawVService: (identity) =>
      Effect.sync(() => {
        seen.withdrawn += 1;
        seen.services.delete(keyOf(identity));
      }),
    publishNumber: (_, number) =>
      Effect.suspend(() => {
        if (fail.numbers-- > 0) return Effect.fail({ why: "the overlay is away" });
        seen.numbers.push(number);
        return Effect.void;
      }),
    uploadVcr: (vcr) =>
      Effect.sync(() => {
        seen.vcrs.push(vcr);
      }),
  };
  return { seen, fail, handlers };
};

const users = { ann: "secret", bob: "other" };
const serving = (handlers: VapHandlers, options: Partial<VapServerOptions> = {}) =>
  serveVap({ host: "127.0.0.1", port: 5620, users, keepaliveMs: 30_000, ...options }, handlers);
const agent = (options: Partial<VapClientOptions> = {}) =>
  connectVap({
    host: "127.0.0.1",
    port: 5620,
    username: "ann",
    password: "secret",
    name: "test/1.0",
    vservice: VSERVICE,
    ...options,
  });
const virtually = (name: string, program: Effect.Effect<unknown, unknown, Ports | Scope.Scope>) =>
  test(name, async () => {
    await runVirtual(Effect.provide(Effect.scoped(program), memoryLayer({ seed: 1 })));
  });

virtually(
  "register, publish, upload, notify, unregister",
  Effect.gen(function* () {
    const { seen, handlers } = recorder();
    const server = yield* serving(handlers);
    const client = yield* agent();
    assert.deepEqual(yield* client.publishVService(document), { limit: 100, current: 7 });
    assert.deepEqual([...seen.services.values()], [document]);
    const numbers = Array.from({ length: 50 }, (_, i) => e164(`+1408555${1000 + i}`));
    const results = yield* client.publishNumbers(numbers);
    assert.deepEqual(
      results.map(({ number, result }) => [number, result.type]),
      numbers.map((number) => [number, "done"]),
    );
    assert.deepEqual(seen.numbers, numbers);
    yield* client.uploadVcr(vcr);
    yield* client.uploadVcr({ ...vcr, calling: undefined, direction: "received" });
    assert.deepEqual(seen.vcrs, [vcr, { ...vcr, calling: undefined, direction: "received" }]);
    assert.equal(yield* server.notify(VSERVICE, valInfo), 1);
    assert.equal(yield* server.notify(vserviceId(VSERVICE + 1n), valInfo), 0);
    assert.deepEqual(yield* Queue.take(client.learned), valInfo);
    const { sessions, vservices, numbers: count, vcrs, notifies } = yield* server.counters;
    assert.deepEqual([sessions, vservices, count, vcrs, notifies], [1, 1, 50, 2, 1]);
    yield* client.unregister;
    yield* Effect.sleep(60_000);
    assert.equal(seen.services.size, 0);
    assert.deepEqual(
      yield* Effect.map(server.counters, ({ sessions, connections }) => [sessions, connections]),
      [0, 0],
    );
    const late = yield* Effect.exit(client.uploadVcr(vcr));
    assert.ok(Exit.isFailure(late));
  }),
);

virtually(
  "a number the overlay did not take is tried again, and its failure told in the end",
  Effect.gen(function* () {
    const { fail, handlers } = recorder();
    yield* serving(handlers);
    const client = yield* agent();
    yield* client.publishVService(document);
    fail.numbers = 2;
    assert.deepEqual(yield* client.publishNumbers([NUMBER]), [{ number: NUMBER, result: { type: "done" } }]);
    fail.numbers = 3;
    const [result] = yield* client.publishNumbers([NUMBER]);
    assert.deepEqual(result, {
      number: NUMBER,
      result: { type: "failed", reason: "refused", code: 481, why: "error 481: the overlay is away" },
    });
  }),
);

virtually(
  "what was asked before the server was there, and while it was away, is done when it is back",
  Effect.gen(function* () {
    const { seen, handlers } = recorder();
    const client = yield* agent();
    const early = yield* Effect.forkChild(
      Effect.all([client.publishVService(document), client.publishNumbers([NUMBER])], { concurrency: 2 }),
    );
    yield* Effect.sleep(5_000);
    const first = yield* Scope.make();
    yield* Scope.provide(serving(handlers), first);
    yield* Effect.sleep(30_000);
    assert.equal(early.pollUnsafe()?._tag, "Success");
    yield* Scope.close(first, Exit.void);
    const upload = yield* Effect.forkChild(client.uploadVcr(vcr));
    yield* Effect.sleep(10_000);
    assert.equal(upload.pollUnsafe(), undefined);
    seen.services.clear();
    const second = yield* serving(handlers);
    yield* Effect.sleep(200_000);
    assert.equal(upload.pollUnsafe()?._tag, "Success");
    assert.deepEqual(seen.vcrs, [vcr]);
    assert.equal(seen.services.size, 1);
    assert.equal(yield* second.notify(VSERVICE, valInfo), 1);
    assert.deepEqual(yield* Queue.take(client.learned), valInfo);
  }),
);

virtually(
  "Keepalive: a client that lives is kept for hours, one that is gone is forgotten with what it published",
  Effect.gen(function* () {
    const { seen, handlers } = recorder();
    const server = yield* serving(handlers);
    const life = yield* Scope.make();
    const client = yield* Scope.provide(agent(), life);
    yield* client.publishVService(document);
    yield* client.publishNumbers([NUMBER]);
    yield* Effect.sleep(3 * 3_600_000);
    assert.deepEqual(yield* Effect.map(server.counters, ({ sessions, vservices }) => [sessions, vservices]), [1, 1]);
    assert.ok(seen.numbers.length >= 4, "numbers are published again before DHTLifetime");
    yield* Scope.close(life, Exit.void);
    yield* Effect.sleep(1_000);
    assert.equal((yield* server.counters).sessions, 1);
    yield* Effect.sleep(31_000);
    assert.deepEqual(yield* Effect.map(server.counters, ({ sessions, vservices }) => [sessions, vservices]), [0, 0]);
    assert.equal(seen.services.size, 0);
  }),
);

virtually(
  "an agent that starts anew is not withdrawn by the end of the life before",
  Effect.gen(function* () {
    const { seen, handlers } = recorder();
    yield* serving(handlers);
    const life = yield* Scope.make();
    const before = yield* Scope.provide(agent(), life);
    yield* before.publishVService(document);
    yield* Scope.close(life, Exit.void);
    const after = yield* agent();
    yield* after.publishVService(document);
    yield* Effect.sleep(120_000);
    assert.equal(seen.services.size, 1);
    assert.equal(seen.withdrawn, 0);
  }),
);

virtually(
  "two agents of different domains do not hear each other's news",
  Effect.gen(function* () {
    const { handlers } = recorder();
    const server = yield* serving(handlers);
    const ann = yield* agent();
    const bob = yield* agent({ username: "bob", password: "other", vservice: vserviceId(5n) });
    yield* ann.publishVService(document);
    yield* bob.publishVService({ ...document, domain: "b.example" });
    yield* Effect.sleep(1_000);
    assert.equal(yield* server.notify(vserviceId(5n), valInfo), 1);
    assert.deepEqual(yield* Queue.take(bob.learned), valInfo);
    assert.equal(yield* Queue.size(ann.learned), 0);
  }),
);

virtually(
  "a VService is its first user's: another user of the server publishes nothing under it, adds no call to it, and hears nothing of it",
  Effect.gen(function* () {
    const { seen, handlers } = recorder();
    const server = yield* serving(handlers);
    const ann = yield* agent();
    yield* ann.publishVService(document);
    // The id is public: it lies in the overlay beside each number.
    const bob = yield* agent({ username: "bob", password: "other", instance: 2n });
    const forged = { ...document, domain: "b.example" };
    const tried = yield* Effect.forkChild(
      Effect.all(
        [
          bob.publishVService(forged),
          bob.publishNumbers([NUMBER]),
          bob.uploadVcr({ ...vcr, direction: "received" }),
        ].map(Effect.exit),
        { concurrency: 3 },
      ),
    );
    yield* Effect.sleep(60_000);
    assert.deepEqual([[...seen.services.values()], seen.numbers, seen.vcrs], [[document], [], []]);
    assert.equal(yield* server.notify(VSERVICE, valInfo), 1);
    assert.deepEqual(yield* Queue.take(ann.learned), valInfo);
    assert.equal(yield* Queue.size(bob.learned), 0);
    // Nor while its owner is away; and what the other leaves behind takes nothing away.
    yield* bob.unregister;
    yield* Fiber.interrupt(tried);
    assert.equal(seen.services.size, 1);
    yield* ann.unregister;
    const again = yield* agent({ username: "bob", password: "other", instance: 1n });
    assert.ok(Exit.isFailure(yield* Effect.exit(again.publishVService(forged))));
    // Another agent of the same user is welcome.
    const second = yield* agent({ instance: 3n });
    yield* second.publishVService(document);
    assert.deepEqual([...seen.services.values()], [document]);
  }),
);

virtually(
  "an agent that was removed hears nothing any more, from the moment its key is gone",
  Effect.gen(function* () {
    let key: Uint8Array | undefined = vapKey("ann", "secret");
    const server = yield* serving(recorder().handlers, { users: () => key });
    const heard: Array<string> = [];
    const { dial } = yield* Dialer;
    const overheard: typeof dial = (at) =>
      Effect.map(dial(at), (stream) => ({
        ...stream,
        read: Effect.tap(stream.read, (bytes) => Effect.sync(() => void heard.push(new TextDecoder().decode(bytes)))),
      }));
    const ann = yield* Effect.provideService(agent(), Dialer, { dial: overheard });
    yield* ann.publishVService(document);
    yield* Effect.sleep(1_000);
    const isTold = () => heard.join("").includes(valInfo.number);
    assert.equal(yield* server.notify(VSERVICE, valInfo), 1);
    yield* Effect.sleep(1_000);
    assert.equal(isTold(), true);
    key = undefined;
    heard.length = 0;
    assert.equal(yield* server.notify(VSERVICE, valInfo), 0);
    yield* Effect.sleep(60_000);
    assert.equal(isTold(), false);
  }),
);

virtually(
  "a wrong password is refused, and refused again, at a pace that slows",
  Effect.gen(function* () {
    const { handlers } = recorder();
    const server = yield* serving(handlers);
    const client = yield* agent({ password: "guess" });
    const published = yield* Effect.forkChild(client.publishVService(document));
    yield* Effect.sleep(600_000);
    assert.equal(published.pollUnsafe(), undefined);
    const { distrusted, sessions } = yield* server.counters;
    assert.equal(sessions, 0);
    assert.ok(distrusted >= 5 && distrusted < 30, `${distrusted} attempts in ten minutes`);
  }),
);

/** Bytes straight at the port; what comes back, and whether the stream was closed. */
const raw = (chunks: ReadonlyArray<Uint8Array>, forMs = 1_000) =>
  Effect.gen(function* () {
    const { dial } = yield* Dialer;
    const stream = yield* dial({ host: "127.0.0.1", port: 5620 });
    for (const chunk of chunks) yield* Effect.ignore(stream.write(chunk));
    const messages: Array<VapMessage> = [];
    let remainder = emptyRemainder;
    const reading = Effect.forever(
      Effect.map(stream.read, (chunk) => {
        const result = cut(VapMessage, remainder, chunk, 65_555);
        remainder = result.rest;
        messages.push(...result.messages);
      }),
    );
    const closed = yield* Effect.raceFirst(
      Effect.as(Effect.flip(reading), true),
      Effect.as(Effect.sleep(forMs), false),
    );
    return { messages, closed };
  }).pipe(Effect.scoped);

virtually(
  "garbage closes its own connection and nothing else",
  Effect.gen(function* () {
    const { handlers } = recorder();
    const server = yield* serving(handlers);
    const client = yield* agent();
    yield* client.publishVService(document);
    const text = new TextEncoder();
    assert.ok((yield* raw([text.encode("GET / HTTP/1.1\r\n\r\n")])).closed);
    assert.ok((yield* raw([text.encode("G"), text.encode("E"), text.encode("TTTTTTTT")])).closed);
    assert.ok((yield* raw([new Uint8Array(4_000)])).closed);
    yield* client.uploadVcr(vcr);
    const { garbage, connections, sessions } = yield* server.counters;
    assert.deepEqual([garbage, connections, sessions], [3, 1, 1]);
  }),
);

virtually(
  "a connection that says nothing is closed after a while",
  Effect.gen(function* () {
    const { handlers } = recorder();
    const server = yield* serving(handlers);
    assert.equal((yield* raw([], 9_000)).closed, false);
    assert.equal((yield* raw([], 11_000)).closed, true);
    assert.equal((yield* server.counters).connections, 0);
  }),
);

const key = vapKey("ann", "secret");
const sealed = (message: VapMessage, id: number, username = "ann", by = key) =>
  protect(
    { method: message.type.method as "register", class: message.type.class, attributes: message.attributes },
    new Uint8Array(12).fill(id),
    { username, key: by },
  );

virtually(
  "a VService that is refused is nobody's, and what was asked for under it meanwhile comes after the refusal",
  Effect.gen(function* () {
    const order: Array<string> = [];
    const { handlers } = recorder();
    let isRefused = true;
    yield* serving({
      ...handlers,
      publishVService: (identity, version, service, username) =>
        Effect.gen(function* () {
          yield* Effect.sleep(100);
          order.push("VService");
          if (isRefused) return yield* Effect.fail({ why: "unknown DHT" });
          return yield* handlers.publishVService(identity, version, service, username);
        }),
      publishNumber: () =>
        Effect.suspend(() => {
          order.push("number");
          return Effect.fail({ why: "unknown VService" });
        }),
    });
    const [register, , publish, number] = meaningful;
    const requests = [register!, publish!, number!].map((message, i) => sealed(message, i + 1));
    const { messages } = yield* raw([Uint8Array.from(requests.flatMap((bytes) => [...bytes]))]);
    assert.deepEqual(
      messages.map(({ type }) => type.class),
      ["success", "error", "error"],
    );
    assert.deepEqual(order, ["VService", "number"]);
    isRefused = false;
    const bob = yield* agent({ username: "bob", password: "other" });
    yield* bob.publishVService(document); // its id is not taken by who was refused
  }),
);

virtually(
  "requests may follow one another without waiting; each is answered with its transaction id",
  Effect.gen(function* () {
    const { handlers } = recorder();
    yield* serving(handlers);
    const [register, , publish, number, subscribe] = meaningful;
    const requests = [register!, publish!, subscribe!, number!, number!].map((message, i) => sealed(message, i + 1));
    const all = Uint8Array.from(requests.flatMap((bytes) => [...bytes]));
    const { messages } = yield* raw([all.subarray(0, 33), all.subarray(33, 200), all.subarray(200)]);
    assert.deepEqual(
      messages.map(({ type }) => type.class),
      Array.from({ length: 5 }, () => "success"),
    );
    assert.deepEqual(messages.map(({ transactionId }) => transactionId[0]).sort(), [1, 2, 3, 4, 5]);
  }),
);

virtually(
  "three requests with a wrong seal close the connection; another user's handle is refused",
  Effect.gen(function* () {
    const { handlers } = recorder();
    yield* serving(handlers);
    const forged = sealed(meaningful[0]!, 1, "ann", vapKey("ann", "guess"));
    const { messages, closed } = yield* raw([forged, forged, forged]);
    assert.equal(closed, true);
    assert.deepEqual(
      messages.map(({ attributes }) => attributes.map(({ type }) => type)),
      Array.from({ length: 3 }, () => ["realm", "errorCode"]),
    );
    const theft = yield* raw([
      sealed(
        {
          ...errorOf("register", "badRequest"),
          type: { method: "register", class: "request" },
          attributes: [{ type: "clientHandle", value: 1 }],
        },
        2,
        "bob",
        vapKey("bob", "other"),
      ),
    ]);
    assert.equal(theft.messages[0]?.type.class, "error");
  }),
);

virtually(
  "plain TCP is for loopback, unless the operator says otherwise",
  Effect.gen(function* () {
    const { handlers } = recorder();
    const refused = yield* Effect.flip(serving(handlers, { host: "192.0.2.1" }));
    assert.equal(refused._tag, "InsecureVap");
    const allowed = yield* serving(handlers, { host: "192.0.2.1", insecureVap: true });
    assert.equal(allowed.port, 5620);
  }),
);

virtually(
  "a session whose connection breaks is taken up again with its handle, and hears what it missed",
  Effect.gen(function* () {
    const { seen, handlers } = recorder();
    const server = yield* serving(handlers);
    const { dial } = yield* Dialer;
    let close: Effect.Effect<void> = Effect.void;
    const breakable = {
      dial: (target: Parameters<typeof dial>[0]) =>
        Effect.tap(dial(target), (stream) =>
          Effect.sync(() => {
            close = stream.close;
          }),
        ),
    };
    const client = yield* Effect.provideService(agent({ reconnectMs: [5_000, 5_000] }), Dialer, breakable);
    yield* client.publishVService(document);
    yield* Effect.sleep(1_000);
    yield* close;
    yield* Effect.sleep(1_000);
    assert.equal(yield* server.notify(VSERVICE, valInfo), 1);
    assert.equal(yield* Queue.size(client.learned), 0);
    yield* Effect.sleep(10_000);
    assert.equal(yield* Queue.size(client.learned), 1);
    assert.deepEqual(
      yield* Effect.map(server.counters, ({ sessions, connections }) => [sessions, connections]),
      [1, 1],
    );
    assert.equal(seen.withdrawn, 0);
  }),
);

virtually(
  "one user's sessions take no room of another's: its own oldest whose client is away goes, and with all there it is refused",
  Effect.gen(function* () {
    const { handlers } = recorder();
    const events: Array<VapEvent> = [];
    const server = yield* serving(handlers, { watch: (event) => Effect.sync(() => void events.push(event)) });
    const bob = yield* agent({ username: "bob", password: "other", vservice: vserviceId(5n) });
    yield* bob.publishVService({ ...document, domain: "b.example" });
    // Registers and closes, five thousand times within a second.
    for (let i = 0; i < 5_000; i++) yield* raw([sealed(meaningful[0]!, 1)], 0);
    assert.equal((yield* server.counters).sessions, 1 + SESSIONS_OF_USER_MAX);
    assert.ok(events.every(({ type }) => type !== "refused"));
    const carol = yield* agent({ username: "bob", password: "other", instance: 2n, vservice: vserviceId(6n) });
    yield* carol.publishVService({ ...document, domain: "b.example" });
    // As many as it may have, all connected.
    const life = yield* Scope.make();
    const clients = yield* Scope.provide(
      Effect.forEach(Array.from({ length: SESSIONS_OF_USER_MAX }), (_, i) => agent({ instance: BigInt(i) })),
      life,
    );
    yield* Effect.sleep(1_000);
    assert.equal(clients.filter(({ state }) => SubscriptionRef.getUnsafe(state).isUp).length, SESSIONS_OF_USER_MAX);
    const { messages } = yield* raw([sealed(meaningful[0]!, 1)]);
    assert.equal(errorNumberOf(messages[0]!), 486);
    assert.ok(events.some((event) => event.type === "refused" && event.reason === "quotaReached"));
    yield* bob.uploadVcr({ ...vcr, vservice: vserviceId(5n) });
    yield* Scope.close(life, Exit.void);
  }),
);

virtually(
  "connections that do not register, or do so a byte at a time, keep nobody out",
  Effect.gen(function* () {
    const { handlers } = recorder();
    const server = yield* serving(handlers, { connectionsMax: 16 });
    const { dial } = yield* Dialer;
    const slow = sealed(meaningful[0]!, 1);
    const dribble = Effect.gen(function* () {
      const stream = yield* dial({ host: "127.0.0.1", port: 5620 });
      for (const byte of slow) {
        yield* stream.write(Uint8Array.of(byte));
        yield* Effect.sleep(2_000);
      }
    }).pipe(Effect.scoped, Effect.ignore);
    const all = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 400 }), () => dribble, { concurrency: 400 }),
    );
    yield* Effect.sleep(1_000);
    const client = yield* agent();
    yield* Effect.raceFirst(
      client.publishVService(document),
      Effect.andThen(Effect.sleep(1_000), Effect.die("kept out")),
    );
    const { connections, crowded } = yield* server.counters;
    assert.ok(connections <= UNREGISTERED_MAX + 1, `${connections}`);
    assert.ok(crowded > 0);
    yield* Effect.sleep(12_000);
    assert.deepEqual(
      yield* Effect.map(server.counters, ({ sessions, connections }) => [sessions, connections]),
      [1, 1],
    );
    yield* Fiber.interrupt(all);
  }),
);

virtually(
  "the overlay is lost: each agent is told, its server counts as down, and what it has to upload waits until the VService is back",
  Effect.gen(function* () {
    const { seen, handlers } = recorder();
    let isLost = false;
    const events: Array<VapEvent> = [];
    const server = yield* serving(
      {
        ...handlers,
        publishVService: (...given) =>
          isLost ? Effect.fail({ why: "the overlay is lost" }) : handlers.publishVService(...given),
      },
      { watch: (event) => Effect.sync(() => void events.push(event)) },
    );
    const client = yield* agent();
    yield* client.publishVService(document);
    yield* client.publishNumbers([NUMBER]);
    isLost = true;
    yield* server.revoke("the overlay is lost");
    yield* Effect.sleep(1_000);
    assert.deepEqual(
      [seen.services.size, SubscriptionRef.getUnsafe(client.state)],
      [0, { isUp: false, why: "the overlay is lost" }],
    );
    const upload = yield* Effect.forkChild(client.uploadVcr(vcr));
    yield* Effect.sleep(300_000);
    assert.deepEqual([upload.pollUnsafe(), seen.vcrs, (yield* server.counters).sessions], [undefined, [], 1]);
    isLost = false;
    yield* Effect.sleep(120_000);
    assert.equal(upload.pollUnsafe()?._tag, "Success");
    assert.deepEqual([seen.vcrs, seen.services.size, seen.numbers], [[vcr], 1, [NUMBER, NUMBER]]);
    assert.equal(SubscriptionRef.getUnsafe(client.state).isUp, true);
    assert.ok(events.some((event) => event.type === "revoked" && event.sessions === 1));
  }),
);

virtually(
  "what is refused is reported with user, address, code and reason; a stranger that tries on does not fill the log",
  Effect.gen(function* () {
    const lines: Array<string> = [];
    const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
      lines.push(`${logLevel} ${JSON.stringify(message)}`);
    });
    const program = Effect.gen(function* () {
      const { handlers } = recorder();
      yield* serving({ ...handlers, publishVService: () => Effect.fail({ why: "unknown DHT" }) });
      const wrong = yield* agent({ password: "guess", reconnectMs: [100, 100] });
      yield* Effect.forkChild(wrong.publishVService(document));
      const client = yield* agent({ username: "bob", password: "other" });
      yield* Effect.exit(client.publishVService(document));
      const evil = { ...messageOf("register", "request"), attributes: [] };
      yield* raw([sealed(evil, 1, "x\u001b[2J\nfake", key)]);
      yield* Effect.sleep(600_000);
    });
    yield* Effect.provide(program, Logger.layer([logger]));
    const warned = lines.filter((line) => line.includes("vap.refused"));
    assert.ok(
      warned.some((line) =>
        line.includes(
          '{"user":"bob","from":"127.0.0.1","request":"publish","code":481,"reason":"publicationFailed","why":"unknown DHT"}',
        ),
      ),
    );
    const guesses = warned.filter((line) => line.includes('"code":431'));
    assert.ok(guesses.length >= 1 && guesses.length <= 11, `${guesses.length} lines in ten minutes`);
    assert.ok(guesses.some((line) => line.includes('"user":"ann"')));
    const strange = warned.filter((line) => line.includes('"code":436'));
    assert.ok(strange.length === 1 && strange[0]!.includes('"user":"x?[2J?fake"'), strange[0]);
    assert.ok(warned.every((line) => line.startsWith("Warn")));
  }),
);

test("a client that asks and does not read is cut off, over a real socket, which goes; it holds up nobody", async () => {
  const program = Effect.gen(function* () {
    const { handlers } = recorder();
    const events: Array<VapEvent> = [];
    const server = yield* serving(handlers, {
      port: 0,
      watch: (event) => Effect.sync(() => void events.push(event)),
    });
    const client = yield* agent({ port: server.port });
    yield* client.publishVService(document);
    const deaf = connect(server.port, "127.0.0.1").pause();
    const gone = new Promise<void>((resolve) => deaf.on("error", () => {}).on("close", () => resolve()));
    const many = concat(...Array.from({ length: 1_000 }, () => sealed(meaningful[0]!, 3)));
    const ask = () => {
      while (!deaf.destroyed && deaf.write(many));
      deaf.once("drain", ask);
    };
    ask();
    while ((yield* server.counters).notReading === 0) yield* Effect.sleep(10);
    yield* client.uploadVcr(vcr);
    assert.equal((yield* server.counters).connections, 1);
    yield* Effect.promise(() => gone);
    const closed = events.flatMap((event) => (event.type === "closed" ? [[event.reason, event.username]] : []));
    assert.deepEqual(closed, [["notReading", "ann"]]);
  });
  await Effect.runPromise(Effect.provide(Effect.scoped(program), nodeLayer({ seed: 1 })));
});

test("the same over real sockets", async () => {
  const program = Effect.gen(function* () {
    const { seen, handlers } = recorder();
    const server = yield* serving(handlers, { port: 0 });
    const client = yield* agent({ port: server.port });
    yield* client.publishVService(document);
    yield* client.publishNumbers([NUMBER]);
    yield* client.uploadVcr(vcr);
    assert.equal(yield* server.notify(VSERVICE, valInfo), 1);
    assert.deepEqual(yield* Queue.take(client.learned), valInfo);
    yield* client.unregister;
    assert.deepEqual([seen.numbers, seen.vcrs, seen.services.size], [[NUMBER], [vcr], 0]);
  });
  await Effect.runPromise(Effect.provide(Effect.scoped(program), nodeLayer({ seed: 1 })));
});
