/** Generators that attack: what they make of a description, and what their counter-examples shrink to. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { decode, encode, enumeration, lengthOf, list, struct, text, tlv, u8, u16 } from "../../codecs/wire/mod.ts";
import { boundariesOf } from "../kit/arbitrary.ts";
import { attacksOf } from "../kit/attacks.ts";
import { test } from "../kit/harness.ts";
import { isExact } from "../kit/weight.ts";
import { Stun } from "./shapes.ts";

const Note = struct("Note", "", {
  kind: enumeration(u8, { hello: 1, bye: 2 }),
  length: lengthOf("items", u16),
  items: list(tlv("Item", "", {}, { subject: [1, text(40)], urgency: [2, u8] })),
});
const SAMPLE = { numRuns: 2_000, seed: 7 };

test("attacks: every kind of damage is done, and gives values and errors of both kinds", () => {
  const attacks = fc.sample(attacksOf(Note), SAMPLE);
  const kinds = new Set(attacks.flatMap(({ damages }) => damages.map((one) => one.split(" ")[0]!.replace(":", ""))));
  same([...kinds].sort(), ["code", "cut", "double", "exchange", "extra", "flip", "length"]);
  const ends = new Map<string, number>();
  for (const { bytes } of attacks) {
    const read = decode(Note, bytes);
    const end = read.ok ? "read" : read.error._tag;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  for (const end of ["read", "Truncated", "Malformed"])
    ok(ends.get(end)! > SAMPLE.numRuns / 20, JSON.stringify([...ends]));
});

test("attacks: an item that stands twice is counted twice", () => {
  const once = attacksOf(Note, fc.constant({ kind: "bye", items: [{ type: "urgency", value: 7 }] } as const));
  const doubled = fc
    .sample(once, SAMPLE)
    .filter(({ damages }) => `${damages}` === "double Note.items: item 0 stands twice");
  ok(doubled.length > 0);
  for (const { value, bytes } of doubled)
    same(decode(Note, bytes), { ok: true, value: { kind: "bye", items: [value.items[0], value.items[0]] } });
});

test("attacks: a counter-example shrinks to one damage of the smallest message", () => {
  const trusting = fc.property(attacksOf(Note), ({ damages }) => !damages.some((one) => one.endsWith(": the most")));
  const found = fc.check(trusting, { ...SAMPLE, numRuns: 10_000 }).counterexample![0];
  same(found.damages, ["length Note.length: the most"]);
  same(found.value, { kind: "hello", items: [] });
  same([...found.bytes], [1, 0xff, 0xff]);
});

test("boundaries: the least and the greatest of integers and lengths are reached", () => {
  const values = fc.sample(boundariesOf(Note), SAMPLE).flatMap(({ items }) => items);
  const urgencies = new Set(values.flatMap((one) => (one.type === "urgency" ? [one.value] : [])));
  for (const limit of [0, 1, 127, 128, 254, 255]) ok(urgencies.has(limit), `${limit}`);
  const subjects = new Set(
    values.flatMap((one) => (one.type === "subject" ? [encode(text(40), one.value).length] : [])),
  );
  for (const size of [0, 1, 39, 40]) ok(subjects.has(size), `${size}`);
});

test("exactness: what a message leaves unread is known", () => {
  same([isExact(Note.node), isExact(Stun.node)], [true, false]); // STUN pads its attributes
});
