/**
 * Issuer and checker together: what is issued is admitted as issued and in no other way.
 * docs/protocol/ticket.md#the-check.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { openTicketChecker, openTicketIssuer } from "../../actors/ticket/mod.ts";
import { type E164, e164, hexOf, msFromNtp, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import {
  checkTicket as checkWith,
  EPOCHS_MAX,
  type EpochKey,
  type EpochSeal,
  GRANTS_OF_LIFETIME,
  grantTicket,
  keptSeal,
  mintTicket,
  type Presented,
  sealOf,
  type TicketIssuerInput,
  type TicketQuestion,
  type TicketVerdict,
  VALIDITY_SLACK_MS,
  withEpoch,
  withoutEpoch,
} from "../../machines/ticket/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { anyNodeId } from "../kit/node-ids.ts";
import { domain, number } from "./arbitrary.ts";

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
/** Before and after February 2036, too, when NTP's seconds begin anew. */
const atMs = fc.oneof(
  fc.integer({ min: 1_300_000_000_000, max: 1_900_000_000_000 }),
  fc.integer({ min: 2_076_000_000_000, max: 2_096_000_000_000 }),
);
const sealed = ({ epoch, key }: EpochKey): EpochSeal => ({ epoch, seal: keptSeal(key) });
const epochKey = record<EpochKey>({ epoch: fc.integer({ min: 1, max: 255 }), key: bytes(32) });
const inputs = record<TicketIssuerInput>({
  grantingNode: anyNodeId(),
  grantingDomain: domain,
  lifetimeMs: fc.integer({ min: 0, max: 10_000_000_000 }),
});
const question = record<TicketQuestion>({
  number,
  grantedTo: domain,
  vservice: fc.bigInt(0n, 2n ** 64n - 1n).map(vserviceId),
  random: bytes(32),
  atMs,
});

const checkTicket = (epochs: ReadonlyArray<EpochKey>, shown: Presented) => checkWith(epochs.map(sealed), shown);

const issued = (input: TicketIssuerInput, epoch: EpochKey, asked: TicketQuestion): string => {
  const minted = mintTicket(input, epoch, asked);
  ok(minted.type === "granted");
  return minted.ticket;
};
const issue = fc.tuple(inputs, epochKey, question);

const law = (what: string, property: fc.IProperty<any>) =>
  test(`ticket: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));
law(
  "no ticket is issued for what is no E.164 number or no domain name",
  fc.property(issue, ([input, epoch, asked]) => {
    const refusal = (changes: Partial<TicketQuestion>) => mintTicket(input, epoch, { ...asked, ...changes });
    same(refusal({ number: "112" as E164 }), { type: "refused", why: "badNumber" });
    same(refusal({ grantedTo: "Not A Domain" }), { type: "refused", why: "badDomain" });
  }),
);
const why = (verdict: TicketVerdict) => (verdict.type === "refuse" ? verdict.why : "admit");

// ViPR overview §4
law(
  "what is issued is admitted for its number and its domain while it lasts, and for no other",
  fc.property(issue, number, domain, fc.nat(), ([input, epoch, asked], otherNumber, otherDomain, laterMs) => {
    const good: Presented = {
      ticket: issued(input, epoch, asked),
      number: asked.number,
      domains: ["else.where", asked.grantedTo],
      atMs: asked.atMs + (laterMs % (input.lifetimeMs + 1)),
    };
    const check = (changes: Partial<Presented>, epochs = [epoch]) => why(checkTicket(epochs, { ...good, ...changes }));
    same(check({}), "admit");
    same(check({ ticket: undefined }), "missing");
    same(check({ ticket: "" }), "malformed");
    same(check({}, []), "unknownEpoch");
    same(check({}, [{ ...epoch, key: epoch.key.map((byte) => byte ^ 1) }]), "badIntegrity");
    const ends = asked.atMs + input.lifetimeMs;
    same(check({ atMs: ends + VALIDITY_SLACK_MS }), "admit");
    same(check({ atMs: ends + VALIDITY_SLACK_MS + 1 }), "expired");
    same(check({ atMs: asked.atMs - VALIDITY_SLACK_MS }), "admit");
    same(check({ atMs: asked.atMs - VALIDITY_SLACK_MS - 1 }), "notYetValid");
    same(check({ number: e164(otherNumber) }), otherNumber === asked.number ? "admit" : "wrongNumber");
    same(check({ number: undefined }), "wrongNumber");
    same(check({ domains: [otherDomain] }), otherDomain === asked.grantedTo ? "admit" : "wrongDomain");
    same(check({ domains: [] }), "wrongDomain");
  }),
);
law(
  "the first reason that fails is the one named",
  fc.property(issue, ([input, epoch, asked]) => {
    const wrong: Presented = {
      ticket: issued(input, epoch, asked),
      number: undefined,
      domains: [],
      atMs: asked.atMs + input.lifetimeMs + 2 * VALIDITY_SLACK_MS,
    };
    const bad = { ...epoch, key: new Uint8Array(32).fill(1) };
    same(why(checkTicket([], wrong)), "unknownEpoch");
    same(why(checkTicket([bad], wrong)), "badIntegrity");
    same(why(checkTicket([epoch], wrong)), "expired");
    same(why(checkTicket([epoch], { ...wrong, atMs: asked.atMs })), "wrongNumber");
    same(why(checkTicket([epoch], { ...wrong, atMs: asked.atMs, number: asked.number })), "wrongDomain");
  }),
);
law(
  "a ticket's id is a random UUID, and no two tickets are alike",
  fc.property(issue, bytes(32), ([input, epoch, asked], other) => {
    const read = readTicket(issued(input, epoch, asked));
    ok(read.ok);
    same([read.ticket.id[6]! >> 4, read.ticket.id[8]! >> 6], [4, 2]);
    // All 32 bytes are in it, and none of them twice: the salt tells nothing of the id.
    same(read.ticket.salt, asked.random.slice(16));
    const versionless = (id: Uint8Array) => [...id].filter((_, i) => i !== 6 && i !== 8);
    same(versionless(read.ticket.id), versionless(asked.random.slice(0, 16)));
    const alike = issued(input, epoch, asked) === issued(input, epoch, { ...asked, random: other });
    same(alike, Buffer.compare(other.subarray(16), asked.random.subarray(16)) === 0 && alike);
  }),
);
law(
  "what is granted twice in a quarter of the lifetime is one ticket, good for three quarters at least; of anything else another",
  fc.property(issue, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), ([input, epoch, asked], part) => {
    const quarterMs = Math.max(1, Math.floor(input.lifetimeMs / GRANTS_OF_LIFETIME));
    const fromMs = Math.floor(asked.atMs / quarterMs) * quarterMs;
    const granted = (of: Partial<TicketQuestion> = {}, by: EpochKey = epoch) => {
      const minted = grantTicket(input, by, { ...asked, ...of });
      ok(minted.type === "granted");
      return minted.ticket;
    };
    const first = granted();
    same(granted({ atMs: fromMs + Math.floor(part * quarterMs) }), first);
    const read = readTicket(first);
    ok(read.ok);
    ok(msFromNtp(read.ticket.validity.notBefore) <= asked.atMs);
    ok(msFromNtp(read.ticket.validity.notAfter) - asked.atMs >= input.lifetimeMs - quarterMs);
    const shown = { ticket: first, number: asked.number, domains: [asked.grantedTo], atMs: asked.atMs };
    same(why(checkTicket([epoch], shown)), "admit");
    same(why(checkTicket([], shown)), "unknownEpoch"); // its epoch is voided
    const others = [
      granted({ atMs: fromMs + quarterMs }),
      granted({ grantedTo: asked.grantedTo === "other.example" ? "another.example" : "other.example" }),
      granted({ number: e164(asked.number === "+15555550" ? "+15555551" : "+15555550") }),
      granted({ vservice: vserviceId(asked.vservice ^ 1n) }),
      granted({}, { ...epoch, key: epoch.key.map((byte) => byte ^ 1) }),
      granted({}, { ...epoch, epoch: (epoch.epoch % 255) + 1 }),
    ];
    same(new Set([first, ...others]).size, others.length + 1);
    // No two of them have the id or the salt in common; the last is of the same key, which no two epochs have.
    const saltsAndIds = [first, ...others.slice(0, -1)].flatMap((text) => {
      const one = readTicket(text);
      ok(one.ok);
      return [hexOf(one.ticket.id), hexOf(one.ticket.salt)];
    });
    same(new Set(saltsAndIds).size, saltsAndIds.length);
  }),
);
law(
  "a key made ready seals as HMAC-SHA-256 does, time after time",
  fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.uint8Array({ maxLength: 300 })), (key, all) => {
    const seal = keptSeal(key);
    for (const covered of all) same(seal(covered), sealOf(key, covered));
  }),
);
law(
  "no more epochs are kept than may be, the newest of them",
  fc.property(fc.array(epochKey, { maxLength: 30 }), (all) => {
    const kept = all.map(sealed).reduce(withEpoch, [] as ReadonlyArray<EpochSeal>);
    ok(kept.length <= EPOCHS_MAX);
    same(new Set(kept.map(({ epoch }) => epoch)).size, kept.length);
    if (all.length === 0) return;
    const last = all.at(-1)!;
    same(kept.at(-1)!.epoch, last.epoch);
    same(kept.at(-1)!.seal(last.key), keptSeal(last.key)(last.key));
    same(
      withoutEpoch(kept, last.epoch).map(({ epoch }) => epoch),
      kept.slice(0, -1).map(({ epoch }) => epoch),
    );
  }),
);

// ViPR overview §6.3
test("ticket: issuer and border element agree by epoch and password alone, and on nothing less", () =>
  runVirtual(
    Effect.gen(function* () {
      const secret = { epoch: 4, password: "a password that both sides know" };
      const issuer = yield* openTicketIssuer({ grantingNode: nodeIdFrom(1n), grantingDomain: "nord.example", secret });
      const ticket = yield* issuer.issue({
        number: e164("+49305550001"),
        grantedTo: "acme.example",
        vservice: vserviceId(2n),
      });
      const shown = { ticket, number: e164("+49305550001"), domains: ["acme.example"] };
      const verdictWith = (secrets: Parameters<typeof openTicketChecker>[0]) =>
        Effect.flatMap(openTicketChecker(secrets), (checker) => Effect.map(checker.check(shown), why));
      same(yield* verdictWith([{ epoch: 3, password: "old" }, secret]), "admit");
      same(yield* verdictWith([{ ...secret, password: "another" }]), "badIntegrity");
      same(yield* verdictWith([{ ...secret, epoch: 5 }]), "unknownEpoch");
      const refused = yield* Effect.flip(
        issuer.issue({ number: e164("+1"), grantedTo: "Acme.example", vservice: vserviceId(2n) }),
      );
      same([refused._tag, refused.why], ["TicketRefused", "badDomain"]);
    }).pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 1 }))),
  ));
