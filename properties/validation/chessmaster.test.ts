/**
 * The grand chessmaster: he claims the number, and every byte between the two honest servers is his to hold back, change,
 * reorder and replay. Through the originating server's own queue and ledger, over memory's network.
 *
 *   originator --(all streams)--> master --(as he likes)--> the number's owner
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import { type ByteStreamShape, Dialer, Listener } from "../../actors/ports/mod.ts";
import { servePvp } from "../../actors/validation/mod.ts";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { hexOf, nodeIdFrom, nodeIdText, unixMs, utf8, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/validation/mod.ts";
import {
  type ClaimVerdict,
  callStore,
  failCall,
  insertCall,
  isLocked,
  type PvpClaim,
  tryableFor,
} from "../../machines/validation/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS, sentCall } from "./arbitrary.ts";

const HOST = "vipr.test";
const [OWNER, MASTER] = [nodeIdFrom(2n), nodeIdFrom(3n)];
const TICKET = "dGhlIG93bmVyJ3MgdGlja2V0";
const sent: Vcr = { ...sentCall, vservice: vserviceId(1n) };

/** What he makes of piece number i in one direction; he may give back several, or none. */
type Hand = (bytes: Uint8Array, piece: number) => ReadonlyArray<Uint8Array>;
interface Strategy {
  /** To the owner and back. */
  readonly out: Hand;
  readonly back: Hand;
  /** Whether the owner's claim is led through him as well: the network is his. */
  readonly onOwner: boolean;
  /** He sends the originator's own words back and asks nobody. */
  readonly isMirror?: boolean;
}
const asIs: Hand = (bytes) => [bytes];

/** One text for another of its length, wherever it occurs. */
const rewritten =
  (from: string, to: string): Hand =>
  (bytes) => [Uint8Array.from(Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll(from, to), "latin1"))];
const toOwnersName = rewritten(nodeIdText(MASTER), nodeIdText(OWNER));
const swapped = (first: number): Hand => {
  let held: Uint8Array | undefined;
  return (bytes, piece) => {
    if (piece === first) {
      held = bytes;
      return [];
    }
    const later = held === undefined ? [] : [held];
    held = undefined;
    return [bytes, ...later];
  };
};
const twice =
  (which: number): Hand =>
  (bytes, piece) =>
    piece === which ? [bytes, bytes] : [bytes];
const dropped =
  (which: number): Hand =>
  (bytes, piece) =>
    piece === which ? [] : [bytes];

/** What one evening brought: whom the originator told, what the owner granted, and every byte that passed the master. */
const play = (strategyOf: () => Strategy, claimants: ReadonlyArray<PvpClaim>, replay?: ReadonlyArray<Uint8Array>) =>
  Effect.gen(function* () {
    const store = callStore([OWNER]);
    const call = insertCall(store, { ...sent, direction: "received", vservice: vserviceId(7n) }, unixMs(HOUR_MS));
    const granted: Array<string> = [];
    const owner = yield* servePvp(
      { host: HOST, port: 0, nodeIds: [OWNER] },
      {
        candidates: (name) => Effect.sync(() => tryableFor(store, name)),
        failed: ({ id }, method) => Effect.sync(() => void failCall(store, id, method)),
        grant: ({ number, domain }) =>
          Effect.sync(() => {
            granted.push(domain);
            return {
              type: "granted",
              valInfo: { number, ticket: TICKET, routes: [{ sipUris: ["sip:x@b.example:5061"] }] },
            };
          }),
      },
    );
    const { listen } = yield* Listener;
    const { dial } = yield* Dialer;
    const [seen, toOwner]: [Array<Uint8Array>, Array<Uint8Array>] = [[], []];
    const pump = (from: ByteStreamShape, to: ByteStreamShape, hand: Hand, record: Array<Uint8Array>) =>
      Effect.gen(function* () {
        for (let piece = 0; ; piece++) {
          const heard = yield* from.read;
          seen.push(heard);
          for (const bytes of hand(heard, piece)) {
            record.push(bytes);
            yield* to.write(bytes);
          }
        }
      });
    const master = yield* listen({ host: HOST, port: 0 }, (near) =>
      Effect.scoped(
        Effect.gen(function* () {
          const { out, back, isMirror } = strategyOf();
          if (isMirror === true) return yield* pump(near, near, asIs, toOwner);
          const far = yield* dial({ host: owner.host, port: owner.port });
          yield* Effect.race(pump(near, far, out, toOwner), pump(far, near, back, []));
        }),
      ).pipe(Effect.ignore),
    );
    const learned: Array<ValInfo> = [];
    const verdicts: Array<ClaimVerdict> = [];
    const originating = yield* openOriginating(
      {
        nodeId: nodeIdFrom(1n),
        waitBetweenMs: [0, 0],
        requiredBits: 1,
        roundMs: 10_000,
        isPrivate: () => false,
        domainOf: () => "a.example",
        learned: (_, info) => Effect.sync(() => void learned.push(info)),
        watch: (event) => Effect.sync(() => void (event.type === "attempted" && verdicts.push(event.attempt))),
      },
      {
        lookUp: () => Effect.succeed(claimants),
        resolve: (nodeId) => {
          const { host, port } = nodeId === MASTER || strategyOf().onOwner ? master : owner;
          return Effect.succeed({ host, port });
        },
      },
      yield* Effect.orDie(openRecords(undefined, store)),
    );
    yield* originating.take(sent);
    yield* Effect.sleep(200_000);
    // What he recorded, once more, to the owner's own address.
    if (replay !== undefined) {
      const far = yield* dial({ host: owner.host, port: owner.port });
      for (const bytes of replay) yield* Effect.ignore(far.write(bytes));
      yield* Effect.sleep(60_000);
    }
    same([originating.pending(), yield* originating.underWay], [0, 0]);
    return { learned, granted, seen, toOwner, verdicts, isLocked: isLocked(failCall(store, call.id, "A")!, "A") };
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.mergeAll(memoryLayer({ seed: 9, delayMs: [1, 20] }), arithmeticLayer, Logger.layer([]))),
  );

const asMaster = [{ nodeId: MASTER, vservice: vserviceId(7n) }];
const strategies: Readonly<Record<string, () => Strategy>> = {
  "relays every byte": () => ({ out: asIs, back: asIs, onOwner: false }),
  "puts the owner's Node-ID for his own": () => ({ out: toOwnersName, back: asIs, onOwner: false }),
  "puts the owner's Node-ID, and his own on the way back": () => ({
    out: toOwnersName,
    back: rewritten(nodeIdText(OWNER), nodeIdText(MASTER)),
    onOwner: false,
  }),
  "says B for A": () => ({ out: rewritten("vipr1;A;", "vipr1;B;"), back: asIs, onOwner: false }),
  "sends the second piece before the first": () => ({ out: swapped(0), back: swapped(0), onOwner: false }),
  "sends the third piece before the second": () => ({ out: swapped(1), back: asIs, onOwner: false }),
  "says everything twice": () => ({ out: twice(1), back: twice(0), onOwner: false }),
  "leaves out the last word": () => ({ out: dropped(1), back: dropped(1), onOwner: false }),
  "sends the originator's own words back": () => ({ out: asIs, back: asIs, onOwner: false, isMirror: true }),
};

for (const [what, strategy] of Object.entries(strategies))
  test(`chessmaster: who claims the number and ${what} gets no ticket and no route`, async () => {
    const { learned, granted, verdicts, seen } = await runVirtual(play(strategy, asMaster));
    same([learned, granted], [[], []]);
    same(
      verdicts.map(({ verdict }) => verdict === "validated" || verdict === "declined"),
      [false],
    );
    ok(seen.length > 0, "the originator came to him");
  });

test("chessmaster: beside the owner, whose claim leads through him too, he sees no ticket and the owner's route is learned", async () => {
  const both = [...asMaster, { nodeId: OWNER, vservice: vserviceId(7n) }];
  const { learned, granted, seen, verdicts } = await runVirtual(
    play(() => ({ out: asIs, back: asIs, onOwner: true }), both),
  );
  same(granted, ["a.example"]);
  same(
    learned.map(({ ticket }) => ticket),
    [TICKET],
  );
  same(
    verdicts.filter(({ verdict }) => verdict === "validated").map(({ nodeId }) => nodeId),
    [OWNER],
  );
  const passed = Buffer.concat(seen).toString("latin1");
  for (const secret of [TICKET, "b.example", "a.example", "start=", hexOf(utf8(TICKET))])
    ok(!passed.includes(secret), `${secret} passed in the clear`);
});

test("chessmaster: a whole exchange that the owner took, recorded and replayed, brings nothing the second time", async () => {
  const owners = [{ nodeId: OWNER, vservice: vserviceId(7n) }];
  const first = await runVirtual(play(() => ({ out: asIs, back: asIs, onOwner: true }), owners));
  same(first.granted.length, 1);
  const again = await runVirtual(play(() => ({ out: asIs, back: asIs, onOwner: true }), owners, first.toOwner));
  same([again.granted.length, again.learned.length], [1, 1]); // the honest one's; the replay's is not there
});
