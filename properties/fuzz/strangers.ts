/** Machines and codecs as others write them, with faults planted in them: what `vipr fuzz` is to find, and what to let pass. */
import fc from "fast-check";
import { assign, createMachine, fromPromise } from "xstate";

/**
 * A search box. What is typed is asked for, and an answer is shown; two answers may pass each other on their way, and the one that
 * comes last is shown, whatever it is an answer to.
 */
const searchBox = (takesAny: boolean) =>
  createMachine({
    id: "search",
    types: {} as {
      context: { readonly asked: string; readonly shown: string };
      events: { type: "typed"; text: string } | { type: "answered"; to: string } | { type: "left" };
    },
    context: { asked: "", shown: "" },
    initial: "open",
    states: {
      open: {
        on: {
          typed: { actions: assign({ asked: ({ event }) => event.text, shown: "" }) },
          answered: {
            guard: ({ context, event }) => (takesAny ? context.asked !== "" : context.asked === event.to),
            actions: assign({ shown: ({ event }) => event.to }),
          },
          left: "closed",
        },
      },
      closed: { on: { typed: "open" } },
    },
  });
const texts = fc.constantFrom("a", "ab", "abc");
const about = (machine: object) => ({
  machine,
  events: fc.oneof(
    fc.record({ type: fc.constant("typed"), text: texts }),
    fc.record({ type: fc.constant("answered"), to: texts }),
    fc.constant({ type: "left" }),
  ),
  invariants: {
    "what is shown is what was asked for": ({ context: { asked, shown } }: any) => shown === "" || shown === asked,
  },
});
export const racing = about(searchBox(true));
export const sound = about(searchBox(false));

/** Nothing is said of it: which events it takes, and what it looks at in them, is for the fuzzer to find out. */
export const till = createMachine({
  id: "till",
  types: {} as { context: { sum: number }; events: { type: "add"; price: number } | { type: "pay"; code: string } },
  context: { sum: 0 },
  initial: "open",
  states: {
    open: {
      on: {
        add: { actions: assign({ sum: ({ context, event }) => context.sum + event.price }) },
        pay: { guard: ({ context, event }) => context.sum > 0 && event.code === "4711", target: "paid" },
      },
    },
    paid: { after: { 1000: "thanked" } },
    thanked: {
      // A context that is changed and not replaced: every snapshot before it is changed with it.
      on: { add: { actions: ({ context }: { context: any }) => void context.sum++ } },
      entry: assign(({ context }) => {
        (context as { sum: number }).sum = 0;
        return {};
      }),
    },
  },
});

/** It asks an actor, and takes for granted what comes back. */
export const asking = createMachine(
  {
    id: "asking",
    types: {} as { context: { size: number } },
    context: { size: 0 },
    initial: "waiting",
    states: {
      waiting: {
        invoke: {
          id: "ask",
          src: "ask",
          onDone: { target: "done", actions: assign({ size: ({ event }) => (event.output as string).length }) },
          onError: "failed",
        },
      },
      failed: {},
      done: { type: "final" },
    },
  },
  { actors: { ask: fromPromise(async () => "never run") } },
);

const HEADER_BYTES = 4;
/** Type, length, value, as STUN's attributes; the length is believed. */
export const believing = {
  decode: (bytes: Uint8Array) => {
    if (bytes.length < HEADER_BYTES) throw new Error("too short");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const length = view.getUint16(2);
    return { type: view.getUint16(0), value: Array.from({ length }, (_, i) => view.getUint8(HEADER_BYTES + i)) };
  },
  encode: ({ type, value }: { readonly type: number; readonly value: ReadonlyArray<number> }) =>
    Uint8Array.of(type >> 8, type, value.length >> 8, value.length, ...value),
  values: fc.record({ type: fc.nat(0xffff), value: fc.array(fc.nat(255), { maxLength: 20 }) }),
};

/** It never comes back from some bytes. */
export const stubborn = (bytes: Uint8Array): Uint8Array => {
  while (bytes.length > 100 && bytes[0] === 7);
  return bytes;
};

/** Held in a hand: it is neither. */
export const neither = { hello: 1 };
