/** A border element's door: who gets in, who does not and why, and what garbage does to it. ViPR overview §6.3. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Option, type Scope } from "effect";
import { Dialer } from "../../actors/ports/mod.ts";
import { type SentInvite, sendInvite } from "../../actors/sip/mod.ts";
import { e164, msFromNtp, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import {
  cutSip,
  dialogOfCaller,
  emptySipRemainder,
  inviteOf,
  printSip,
  requestIn,
  SIP_BYTES_MAX,
  type SipMessage,
  type SipResponse,
  withHeader,
} from "../../codecs/sip/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import { memoryLayer, type Ports, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { authorityOf, type Domain, twoDomains } from "./domains.ts";

const BOB = e164("+49305550001");

type Program = Effect.Effect<void, unknown, Ports | Scope.Scope>;
const inMemory = (name: string, program: Program) =>
  test(`memory: ${name}`, () =>
    runVirtual(program.pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 23, delayMs: [1, 9] })))));
const both = (name: string, program: Program) => {
  inMemory(name, program);
  test(`sockets: ${name}`, () =>
    Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(nodeLayer({ seed: 23 })))));
};

/** Where something must come, over sockets, on a machine that may be busy: it ends the wait. */
const LONG_MS = 30_000;

/** At nord's door, as acme. */
const knock = (acme: Domain, nord: Domain, more: Partial<SentInvite>) =>
  sendInvite({
    host: nord.border.outside.host,
    port: nord.border.outside.port,
    credentials: acme.credentials,
    called: BOB,
    domain: nord.name,
    from: acme.name,
    waitMs: 300,
    ...more,
  });
const silence = { type: "silence" } as const;

// ViPR overview §4, §5.1
both(
  "no ticket, garbage, a forged one, another's, for another number: silence, and each is counted",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const issue = (number: string, grantedTo: string) =>
      nord.issuer.issue({ number: e164(number), grantedTo, vservice: vserviceId(1n) });
    const good = yield* issue(BOB, acme.name);
    const forged = `${good.slice(0, -4)}AAA=`;
    const attempts: ReadonlyArray<readonly [string, Partial<SentInvite>]> = [
      ["missing", {}],
      ["malformed", { ticket: "bm90IGEgdGlja2V0" }],
      ["badIntegrity", { ticket: forged }],
      ["wrongDomain", { ticket: yield* issue(BOB, "sakura.example") }],
      ["wrongNumber", { ticket: yield* issue(e164("+49305550002"), acme.name) }],
      [
        "unknownEpoch",
        { ticket: yield* acme.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) }) },
      ],
    ];
    yield* nord.issuer.raise({ epoch: 9, password: "not told to the border element" });
    const fates = yield* Effect.forEach(attempts.slice(0, 5), ([, more]) => knock(acme, nord, more), {
      concurrency: 5,
    });
    same(fates, [silence, silence, silence, silence, silence]);
    same(yield* knock(acme, nord, { ticket: yield* issue(BOB, acme.name) }), silence);
    // Epoch 1 is acme's too, under another key.
    same(yield* knock(acme, nord, attempts[5]![1]), silence);
    const refused = () => Object.values(nord.border.counters().refused).reduce((sum, count) => sum + count, 0);
    for (let ms = 0; refused() < 7 && ms < LONG_MS; ms += 10) yield* Effect.sleep(10);
    same(nord.border.counters().refused, {
      missing: 1,
      malformed: 1,
      badIntegrity: 2,
      wrongDomain: 1,
      wrongNumber: 1,
      unknownEpoch: 1,
    });
    same([nord.border.counters().admitted, nord.agent.answered()], [0, 0]);
    same(yield* knock(acme, nord, { ticket: good, waitMs: LONG_MS }), { type: "answered", status: 200 });
    same(nord.border.counters().admitted, 1);
  }),
);

const HOUR_MS = 3_600_000;

inMemory(
  "a ticket that expired is refused, and one that is not yet valid, beyond a minute either way",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains({}, { ticketLifetimeMs: HOUR_MS });
    const ticket = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    const read = readTicket(ticket);
    ok(read.ok);
    // A ticket is as old as the first of its quarter of a lifetime. DECISIONS.md D-243.
    const endMs = msFromNtp(read.ticket.validity.notAfter);
    yield* Effect.sleep(endMs - (yield* Clock.currentTimeMillis) + 59_000);
    same((yield* knock(acme, nord, { ticket })).type, "answered");
    yield* Effect.sleep(2_000);
    same(yield* knock(acme, nord, { ticket }), silence);
    same(nord.border.counters().refused, { expired: 1 });
  }),
);

inMemory(
  "a ticket is good for sixty days where nobody says otherwise",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const read = readTicket(yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) }));
    ok(read.ok);
    const { notBefore, notAfter } = read.ticket.validity;
    same(msFromNtp(notAfter) - msFromNtp(notBefore), 60 * 24 * HOUR_MS);
  }),
);

both(
  "a stolen ticket does not serve a thief: the domain is the certificate's, not the From's",
  Effect.gen(function* () {
    const { acme, nord, issue } = yield* twoDomains();
    const ticket = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    const thief = yield* issue("thief.example");
    same(yield* knock(acme, nord, { ticket, credentials: thief }), silence);
    same(nord.border.counters().refused, { wrongDomain: 1 });
  }),
);

// ViPR overview §6.3
both(
  "a certificate of an authority that we do not trust gets no further than TLS",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const elsewhere = yield* authorityOf;
    const ticket = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    const forged = { ...(yield* elsewhere(acme.name)), roots: acme.credentials.roots };
    same((yield* knock(acme, nord, { ticket, credentials: forged, waitMs: LONG_MS })).type, "closed");
    same(nord.border.counters().refused, {});
  }),
);

/** A raw TLS stream to nord's door, as acme. */
const rawly = (acme: Domain, nord: Domain, bytes: Uint8Array, waitMs = 300) =>
  Effect.gen(function* () {
    const dialer = yield* Dialer;
    const { host, port } = nord.border.outside;
    const stream = yield* dialer.dial({ host, port, tls: acme.credentials });
    yield* stream.write(bytes);
    const answers: Array<SipMessage> = [];
    let remainder = emptySipRemainder;
    while (true) {
      const chunk = yield* Effect.timeoutOption(stream.read, waitMs);
      if (Option.isNone(chunk)) return { answers, closed: false };
      const cut = cutSip(remainder, chunk.value, SIP_BYTES_MAX);
      answers.push(...cut.messages);
      remainder = cut.rest;
    }
  }).pipe(
    Effect.catchTag("StreamClosed", () => Effect.succeed({ answers: [] as Array<SipMessage>, closed: true })),
    Effect.scoped,
  );
const inviteWith = (ticket: string | undefined) =>
  inviteOf({
    host: "nord.example",
    called: BOB,
    calling: e164("+14085550001"),
    domain: "acme.example",
    by: { transport: "TLS", host: "acme.example", port: 5061 },
    branch: "z9hG4bKx",
    tag: "a",
    callId: "c",
    route: undefined,
    ticket,
    body: utf8("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"),
  });

// ViPR overview §5.1
inMemory(
  "media in the clear is refused, and the caller with a good ticket is told so",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    const ticket = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    const clear = inviteWith(ticket);
    const told = yield* rawly(acme, nord, printSip(clear));
    same(
      told.answers.map((message) => message.type === "response" && message.status),
      [488],
    );
    const spent = yield* rawly(acme, nord, printSip(withHeader(clear, "Max-Forwards", "0")));
    same(
      spent.answers.map((message) => message.type === "response" && message.status),
      [483],
    );
    same((yield* rawly(acme, nord, printSip(inviteWith(undefined)))).answers, []);
    same(nord.border.counters().refused, { notSecured: 1, tooManyHops: 1, missing: 1 });
  }),
);

inMemory(
  "only the domain of a call may speak within it; other requests from outside get no answer",
  Effect.gen(function* () {
    const { acme, nord, issue } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    const dialog = {
      callId: "c",
      local: "<sip:+14085550001@acme.example>;tag=a",
      remote: "<sip:+49305550001@nord.example>;tag=b",
      target: `sip:${nord.agent.listening.host}:${nord.agent.listening.port}`,
      routes: [],
      invited: 1,
    };
    const by = { transport: "TLS", host: "acme.example", port: 5061 } as const;
    const bye = requestIn(dialog, "BYE", by, "z9hG4bKy");
    same(yield* rawly(acme, nord, printSip(bye)), { answers: [], closed: false });
    const options = withHeader({ ...bye, method: "OPTIONS" }, "CSeq", "7 OPTIONS");
    const first = withHeader(options, "To", "<sip:+49305550001@nord.example>");
    same(yield* rawly(acme, nord, printSip(first)), { answers: [], closed: false });
    same(nord.border.counters().refused, { unknownDialog: 1, notAnInvite: 1 });

    // A call under way, and a thief who knows all of its identifiers.
    const secured = yield* nord.issuer.issue({ number: BOB, grantedTo: acme.name, vservice: vserviceId(1n) });
    const thief = { ...acme, credentials: yield* issue("thief.example") };
    const { crypto } = { crypto: `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(40)}\r\n` };
    const clear = inviteWith(secured);
    const body = utf8(new TextDecoder().decode(clear.body).replace("RTP/AVP 8\r\n", `RTP/SAVP 8\r\n${crypto}`));
    const asking = { ...clear, body };
    const asked = yield* rawly(acme, nord, printSip(asking), 100);
    const answered = asked.answers.find((message) => message.type === "response" && message.status === 200)!;
    const within = requestIn(dialogOfCaller(asking, answered as SipResponse)!, "BYE", by, "z9hG4bKz");
    same(yield* rawly(thief, nord, printSip(within)), { answers: [], closed: false });
    same(nord.agent.underWay(), 1);
    const ended = yield* rawly(acme, nord, printSip(within));
    same(
      ended.answers.map((message) => message.type === "response" && message.status),
      [200],
    );
    yield* Effect.sleep(5);
    same(nord.agent.underWay(), 0);
  }),
);

both(
  "garbage on any port closes that stream and changes nothing else",
  Effect.gen(function* () {
    const { acme, nord } = yield* twoDomains();
    yield* nord.teach(acme, BOB);
    const dialer = yield* Dialer;
    const garbage = [
      Uint8Array.from({ length: 300 }, (_, i) => (i * 97 + 3) % 256),
      utf8("GET / HTTP/1.1\r\nHost: nord.example\r\n\r\n"),
      utf8(`INVITE sip:x@y SIP/2.0\r\nVia: ${"x".repeat(70_000)}`),
      utf8("INVITE sip:x@y SIP/2.0\r\nContent-Length: 99999999\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK\r\n\r\n"),
    ];
    for (const bytes of garbage) {
      same((yield* rawly(acme, nord, bytes, 2_000)).closed, true);
      for (const { host, port } of [nord.border.inside[0]!, nord.agent.listening]) {
        const closed = Effect.gen(function* () {
          const stream = yield* dialer.dial({ host, port });
          yield* Effect.ignore(stream.write(bytes));
          return yield* Effect.forever(stream.read);
        });
        const why = yield* Effect.timeoutOption(Effect.flip(Effect.scoped(closed)), 2_000);
        ok(Option.isSome(why) && why.value._tag === "StreamClosed");
      }
    }
    same((yield* acme.agent.placeCall({ calling: undefined, called: BOB, talkMs: 50 })).via, "sip");
  }),
);

inMemory(
  "from inside: what is no call and has no route is told so",
  Effect.gen(function* () {
    const { acme } = yield* twoDomains();
    const dialer = yield* Dialer;
    const statusOf = (message: SipMessage) =>
      Effect.scoped(
        Effect.gen(function* () {
          const stream = yield* dialer.dial(acme.border.inside[0]!);
          yield* stream.write(printSip(message));
          const [first] = cutSip(emptySipRemainder, yield* stream.read, SIP_BYTES_MAX).messages;
          return first?.type === "response" ? first.status : undefined;
        }),
      );
    const invite = inviteWith(undefined);
    same(yield* statusOf(invite), 404);
    same(yield* statusOf(withHeader({ ...invite, method: "REGISTER" }, "CSeq", "1 REGISTER")), 405);
    same(yield* statusOf(withHeader(invite, "To", "<sip:b@nord.example>;tag=z")), 481);
    const route = "<sip:x@nord.example;transport=tls;lr>";
    same(yield* statusOf(withHeader(invite, "Route", route)), 488); // media in the clear does not leave either
  }),
);
