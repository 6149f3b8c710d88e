/**
 * A peer that means ill, and a network that does: every place to cut a stream, a bit changed in every byte, messages in
 * every other order, and anything at all at any moment. Neither machine throws, goes on for ever, or holds more than it says.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { concat, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { TlsAlert, TlsHandshake } from "../../codecs/tls/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { tlsClient, tlsServer } from "../../machines/tls/mod.ts";
import { type WriteProtection, writeRecords } from "../../machines/tls/record.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";
import { runs, test } from "../kit/harness.ts";
import { allHeard, clientInput, duel, power, rightCredential, type Side, serverInput } from "./duel.ts";

const both = { client: [utf8("from the client")], server: [utf8("from the server")] };
const otherThan = (side: Side): Side => (side === "client" ? "server" : "client");
const whole = duel({ says: both, closes: "server" });
const streamOf = { client: concat(...whole.client.sent), server: concat(...whole.server.sent) };

test("every place to cut either stream in two gives the same handshake, data and end", () => {
  const size = Math.max(streamOf.client.length, streamOf.server.length);
  let cuts = 0;
  for (let at = 1; at < size; at++) {
    const seen = { client: 0, server: 0 };
    const carry = (from: Side, bytes: Uint8Array) => {
      const place = at - seen[from];
      seen[from] += bytes.length;
      if (place <= 0 || place >= bytes.length) return [bytes];
      cuts += 1;
      return [bytes.subarray(0, place), bytes.subarray(place)];
    };
    const found = duel({ says: both, closes: "server", carry });
    for (const side of ["client", "server"] as const) {
      same([found[side].facts, found[side].outcome], [whole[side].facts, whole[side].outcome]);
      ok(Buffer.from(concat(...found[side].sent)).equals(streamOf[side]));
      same(allHeard(found[side]), allHeard(whole[side]));
    }
  }
  const flights = whole.client.sent.length + whole.server.sent.length;
  same(cuts, streamOf.client.length + streamOf.server.length - flights); // each place but the flights' ends, once
});

/** What comes of one bit changed on its way from a side: nothing that was not sent is heard, and no order is feigned. */
const flipped = (side: Side, bit: number): "alert" | "waits" | "unseen" => {
  let seen = 0;
  const carry = (from: Side, bytes: Uint8Array) => {
    const place = (bit >> 3) - seen;
    if (from === side) seen += bytes.length;
    if (from !== side || place < 0 || place >= bytes.length) return [bytes];
    const changed = bytes.slice();
    changed[place]! ^= 1 << (bit & 7);
    return [changed];
  };
  const found = duel({ says: both, closes: side, carry });
  const { outcome, heard } = found[otherThan(side)];
  const said = hexOf(concat(...heard));
  ok(said === "" || said === hexOf(both[side][0]!), `bit ${bit} of the ${side}'s became data`);
  if (outcome === undefined) return "waits"; // a length made longer: a network would end it as lost, or time
  return outcome.type === "closed" ? "unseen" : "alert";
};

test("a bit changed in any byte, either way, ends in an alert or in waiting", () => {
  // At VIPR_RUNS of 1000 and more, each of the eight bits.
  const bits = runs >= 1_000 ? [0, 1, 2, 3, 4, 5, 6, 7] : [0];
  const shift = fc.sample(fc.nat(7), 1)[0]!;
  const counts = { alert: 0, waits: 0, unseen: 0 };
  for (const side of ["client", "server"] as const) {
    const { sent } = duel({ says: both, closes: side })[side];
    const size = concat(...sent).length;
    for (let byte = 0; byte < size; byte++)
      for (const bit of bits) {
        const end = flipped(side, 8 * byte + ((bit + shift + byte) & 7));
        // A ClientHello's record may name any version 3.x: RFC 5246 appendix E.1.
        if (end === "unseen") same([side, byte], ["client", 2]);
        counts[end] += 1;
      }
  }
  ok(counts.unseen <= bits.length && counts.waits < counts.alert / 20, JSON.stringify(counts));
});

type Step = ReturnType<typeof tlsServer.step> | ReturnType<typeof tlsClient.step>;
const machines = { client: tlsClient, server: tlsServer };
/** Answers what a machine asks of its host, until it only waits for the peer. */
const settle = (side: Side, step: Step): Step => {
  let now = step;
  const asked = [...step.actions];
  for (let action = asked.shift(); action !== undefined; action = asked.shift()) {
    if (machines[side].isDone(now.snapshot as never)) break;
    const event =
      action.type === "power"
        ? { type: "powered", id: action.id, value: power(action.base, action.exponent, action.group) }
        : action.type === "lookUp"
          ? { type: "found", credential: rightCredential }
          : undefined;
    if (event === undefined) continue;
    const next: Step = machines[side].step(now.snapshot as never, event as never);
    asked.push(...next.actions);
    now = { snapshot: next.snapshot, actions: [...now.actions, ...next.actions] } as Step;
  }
  return now;
};
const begin = (side: Side): Step =>
  settle(side, side === "client" ? tlsClient.start(clientInput) : tlsServer.start(serverInput));
const hear = (side: Side, { snapshot }: Step, bytes: Uint8Array): Step =>
  settle(side, machines[side].step(snapshot as never, { type: "received", bytes } as never));

const inRecord = (type: number, fragment: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(type, 3, 3, fragment.length >> 8, fragment.length & 255), fragment);

/** Each message that a side sends in an honest handshake, in a record of its own: as many as there are. */
const messagesOf = (side: Side): ReadonlyArray<Uint8Array> => {
  const records: Array<Uint8Array> = [];
  const stream = concat(...whole[side].sent);
  for (let at = 0; at < stream.length; ) {
    const size = 5 + ((stream[at + 3]! << 8) | stream[at + 4]!);
    const isClear = records.every((record) => record[0] === 22);
    const fragment = stream.subarray(at + 5, at + size);
    if (stream[at] === 22 && isClear)
      for (let start = 0; start < fragment.length; ) {
        const length = 4 + ((fragment[start + 2]! << 8) | fragment[start + 3]!);
        records.push(inRecord(22, fragment.subarray(start, start + length)));
        start += length;
      }
    else records.push(stream.subarray(at, at + size));
    at += size;
  }
  return records.slice(0, side === "client" ? 4 : 5); // up to Finished
};

test("messages in any order but the honest one end in an alert at the first that is out of turn", () => {
  for (const side of ["client", "server"] as const) {
    const messages = messagesOf(otherThan(side));
    let tried = 0;
    const walk = (step: Step, honest: number): void => {
      if (honest === messages.length) ok(step.actions.some(({ type }) => type === "secured"));
      if (honest === messages.length) return;
      for (const [i, message] of messages.entries()) {
        const next = hear(side, step, message);
        tried += 1;
        if (i === honest) walk(next, honest + 1);
        else {
          const last = next.actions.at(-1);
          ok(last?.type === "ended" && last.outcome.type === "refused", `${side}: ${i} instead of ${honest}`);
          const isSealed = i === messages.length - 1; // Finished is sealed: in the clear it is no message at all
          if (!isSealed && honest < messages.length - 1) same(last.outcome.alert, "unexpectedMessage");
          ok(!next.actions.some(({ type }) => type === "secured" || type === "data"));
        }
      }
    };
    walk(begin(side), 0);
    same(tried, messages.length ** 2);
  }
});

test("warnings may come between, up to a limit; a close or a fatal alert ends it anywhere", () => {
  const alert = (level: "warning" | "fatal", description: "userCanceled" | "closeNotify" | "internalError") =>
    inRecord(21, encode(TlsAlert, { level, description }));
  for (const side of ["client", "server"] as const) {
    const messages = messagesOf(otherThan(side)).slice(0, -2); // what follows is sealed
    let step = begin(side);
    for (const message of messages) {
      for (const [record, described] of [
        [alert("warning", "closeNotify"), "closeNotify"],
        [alert("fatal", "internalError"), "internalError"],
      ] as const)
        same(hear(side, step, record).actions.at(-1), {
          type: "ended",
          outcome: { type: "alerted", alert: described },
        });
      step = hear(side, hear(side, step, alert("warning", "userCanceled")), message);
      ok(!machines[side].isDone(step.snapshot as never));
    }
    const flood = hear(side, begin(side), concat(...Array(17).fill(alert("warning", "userCanceled"))));
    const last = flood.actions.at(-1);
    ok(last?.type === "ended" && last.outcome.type === "refused" && last.outcome.alert === "unexpectedMessage");
  }
});

/** A host gives a machine pieces of at most so many bytes. */
const PIECE_BYTES_MAX = 65_536;
/** What one machine holds at most: what waits for its turn, one piece that a rest of it keeps, a record, two messages. */
const HELD_BYTES_MAX = 65_536 + PIECE_BYTES_MAX + 18_437 + 2 * 16_384;
/** Of all bytes that a context keeps alive, the views' whole buffers included. */
const heldBytes = (context: unknown): number => {
  const buffers = new Set<ArrayBufferLike>();
  let others = 0;
  const walk = (value: unknown): void => {
    if (value instanceof Uint8Array) buffers.add(value.buffer);
    else if (typeof value === "bigint") others += value.toString(16).length / 2;
    else if (typeof value === "string") others += value.length;
    else if (typeof value === "object" && value !== null) for (const part of Object.values(value)) walk(part);
  };
  walk(context);
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, others);
};

const records = fc.oneof(
  { weight: 6, arbitrary: arbitraryOf(TlsHandshake).map((message) => inRecord(22, encode(TlsHandshake, message))) },
  { weight: 2, arbitrary: arbitraryOf(TlsAlert).map((alert) => inRecord(21, encode(TlsAlert, alert))) },
  { weight: 1, arbitrary: fc.constant(inRecord(20, Uint8Array.of(1))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 20, max: 23 }), fc.uint8Array({ maxLength: 300 }))
      .map(([type, fragment]) => inRecord(type, fragment)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  // The beginning of a message that never ends, in records as large as may be; and a header that promises much.
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 16_384 }).map((size) => {
      const fragment = new Uint8Array(size);
      fragment.set(Uint8Array.of(1, 0, 0x3f, 0xfc).subarray(0, size));
      return inRecord(22, fragment);
    }),
  },
  { weight: 1, arbitrary: fc.constant(Uint8Array.of(22, 3, 3, 0x40, 0)) },
);
/** Honest messages to come as far as they carry, then what a fuzzer makes of it. */
const attacks = (side: Side) => {
  const honest = messagesOf(otherThan(side));
  return fc.record({
    prefix: fc.nat(honest.length),
    rest: fc.array(fc.oneof({ weight: 3, arbitrary: records }, { weight: 1, arbitrary: fc.constantFrom(...honest) }), {
      maxLength: 12,
    }),
    at: fc.array(fc.nat(PIECE_BYTES_MAX), { maxLength: 4 }),
    /** Whether the host answers at once, or the powers never come. */
    isQuick: fc.boolean(),
  });
};

for (const side of ["client", "server"] as const)
  test(`whatever a ${otherThan(side)} says, the ${side} neither throws nor holds more than ${HELD_BYTES_MAX} bytes`, () => {
    const honest = messagesOf(otherThan(side));
    fc.assert(
      fc.property(attacks(side), ({ prefix, rest, at, isQuick }) => {
        let step = begin(side);
        for (const message of honest.slice(0, prefix)) step = hear(side, step, message);
        const bytes = concat(...rest);
        const points = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        for (const [i, point] of points.slice(1).entries()) {
          const piece = bytes.slice(points[i]!, point);
          if (machines[side].isDone(step.snapshot as never) || piece.length > PIECE_BYTES_MAX) break;
          step = isQuick
            ? hear(side, step, piece)
            : machines[side].step(step.snapshot as never, { type: "received", bytes: piece } as never);
          ok(heldBytes(step.snapshot.context) <= HELD_BYTES_MAX, `${heldBytes(step.snapshot.context)} bytes`);
          // A ClientHello has four orders (lookUp, two powers, send), an end has three: beyond them at most one a record.
          ok(step.actions.length <= 7 + piece.length / 5);
          if (prefix < honest.length) ok(!step.actions.some(({ type }) => type === "data"));
        }
      }),
      { numRuns: 3 * runs },
    );
  });

test("a flood at any moment, even one that nobody has time for, is cut off where it is said", () => {
  for (const side of ["client", "server"] as const) {
    let most = 0;
    const honest = messagesOf(otherThan(side));
    for (let prefix = 0; prefix <= honest.length; prefix++)
      for (const size of [100, 5_000, PIECE_BYTES_MAX]) {
        let step = begin(side);
        for (const message of honest.slice(0, prefix)) step = hear(side, step, message);
        const flood = concat(...honest.slice(prefix), inRecord(22, new Uint8Array(16_384).fill(1)));
        const stream = concat(...Array(20).fill(flood));
        let taken = 0;
        for (; taken < stream.length && !machines[side].isDone(step.snapshot as never); taken += size) {
          const bytes = stream.slice(taken, taken + size);
          step = machines[side].step(step.snapshot as never, { type: "received", bytes } as never); // no power comes
          most = Math.max(most, heldBytes(step.snapshot.context));
        }
        ok(taken < stream.length, `${prefix} messages in, the ${side} took it all`);
      }
    ok(most > 65_000 && most <= HELD_BYTES_MAX, `${most} bytes`);
  }
});

/** A peer with the right keys may be hostile, too. */
test("an open session holds one record and one message, whatever comes under the right keys", () => {
  let client = begin("client");
  let server = begin("server");
  for (const message of messagesOf("client")) server = hear("server", server, message);
  for (const message of messagesOf("server")) client = hear("client", client, message);
  same([client.snapshot.value, server.snapshot.value], ["open", "open"]);
  const write = (client.snapshot.context as { readonly write: WriteProtection }).write;
  const begun = writeRecords(write, "handshake", concat(Uint8Array.of(1, 0, 0x3f, 0xfc), new Uint8Array(16_000)));
  const step = hear("server", server, begun.bytes);
  same([step.snapshot.value, step.actions], ["open", []]);
  const more = writeRecords(begun.write, "applicationData", new Uint8Array(16_384)).bytes.subarray(0, 16_000);
  const held = heldBytes(hear("server", step, more.slice()).snapshot.context);
  ok(held > 32_000 && held < 70_000, `${held} bytes`); // it is counted, and it is limited
});
