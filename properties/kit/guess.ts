/**
 * Events of a machine about which nothing is known but their types: which fields its guards and actions look at is found by
 * sending events that take notes, and what may stand there is taken from the machine's own text. DECISIONS.md D-262.
 */
import fc from "fast-check";
import { Chance } from "./chance.ts";
import type { Walkable } from "./walks.ts";

type Event = { readonly type: string };

const STEPS = 300;
const LITERALS_MAX = 40;
const FIELDS_MAX = 12;

export const guessedEvents = <I, S>(
  definition: unknown,
  types: ReadonlyArray<string>,
  machine: Walkable<I, Event, S>,
  input?: I,
): (() => fc.Arbitrary<Event>) => {
  const named = types.map((type) => type.replaceAll("*", "any"));
  if (named.length === 0) return () => fc.constant({ type: "nothing" });
  const values = fc.oneof(
    fc.constantFrom<unknown>(...literalsOf(definition), 0, 1, -1, true, false, "", undefined),
    fc.nat(10),
  );
  const fields = fieldsOf(named, machine, input);
  const events = named.map((type) =>
    fc
      .record(Object.fromEntries([...(fields.get(type) ?? [])].map((field) => [field, values])))
      .map((given) => ({ ...given, type })),
  );
  return () => fc.oneof(...events);
};

/** One of the inputs that somebody has given. */
export const anInputOf = <I>(inputs: fc.Arbitrary<I> | undefined): I | undefined =>
  inputs === undefined ? undefined : fc.sample(inputs, { numRuns: 1, seed: 1 })[0];

/** Undefined where a machine starts without an input; else what it looks at, as small numbers. */
export const guessedInputs = (start: (input: any) => unknown): fc.Arbitrary<any> => {
  try {
    start(undefined);
    return fc.constant(undefined);
  } catch {
    const fields = new Set<string>();
    const get = (_: object, field: string | symbol) => {
      if (typeof field === "string") fields.add(field);
      return 1;
    };
    const input = new Proxy({}, { get });
    start(input);
    return fc.record(Object.fromEntries([...fields].map((field) => [field, fc.integer({ min: 1, max: 10_000 })])));
  }
};

/** What is looked at of each type of event, in some walks by chance. */
const fieldsOf = <I, S>(
  types: ReadonlyArray<string>,
  machine: Walkable<I, Event, S>,
  input: I | undefined,
): ReadonlyMap<string, ReadonlySet<string>> => {
  const fields = new Map(types.map((type) => [type, new Set<string>()]));
  const chance = new Chance(1);
  const start = () => {
    try {
      return { state: machine.start(input as I) };
    } catch {
      return undefined;
    }
  };
  let now = start();
  for (let i = 0; i < STEPS && now !== undefined; i++) {
    const type = chance.of(types);
    const seen = fields.get(type)!;
    const value = chance.of<unknown>([undefined, 0, 1, "a", true]);
    const event = new Proxy({ type } as Event, {
      get: (_, field) => {
        if (field === "type") return type;
        if (typeof field === "string" && field !== "toJSON" && seen.size < FIELDS_MAX) seen.add(field);
        return value;
      },
    });
    try {
      const state = machine.step(now.state, event);
      now = machine.isDone(state) || chance.below(20) === 0 ? start() : { state };
    } catch {
      now = start(); // it looked at what such an event has not
    }
  }
  return fields;
};

/** Numbers and texts that stand in a definition, and in the functions within it. */
const literalsOf = (definition: unknown): ReadonlyArray<unknown> => {
  const found = new Set<unknown>();
  const seen = new Set<unknown>();
  const look = (value: unknown): void => {
    if (found.size >= LITERALS_MAX || seen.has(value)) return;
    if (typeof value === "function") {
      seen.add(value);
      for (const [, text, number] of String(value).matchAll(/["']([^"'\n]{1,30})["']|\b(\d{1,9}(?:\.\d+)?)\b/g))
        found.add(text ?? Number(number));
    }
    if (typeof value !== "object" || value === null) return;
    seen.add(value);
    for (const one of Object.values(value)) look(one);
  };
  look(definition);
  return [...found].flatMap((one) => (typeof one === "number" ? [one, one + 1, one - 1] : [one]));
};
