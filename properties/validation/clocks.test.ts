/** Clocks: two honest servers, one call, every offset on a grid; from the user name to the index to the password. */
import { ok } from "node:assert";
import { e164, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { parseUserName, printUserName } from "../../codecs/validation/mod.ts";
import {
  callFacts,
  callStore,
  candidatesFor,
  insertCall,
  instantWithin,
  originatorPassword,
  removeCall,
  ROUND_MS as T,
  terminatorPassword,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS } from "./arbitrary.ts";

const claim = { originator: nodeIdFrom(1n), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
const callAt = (startMs: number, stopMs: number): Vcr => ({
  direction: "received",
  calling: e164("+33123456789"),
  called: e164("+14085555432"),
  startMs: unixMs(HOUR_MS + startMs),
  stopMs: unixMs(HOUR_MS + stopMs),
  vservice: vserviceId(7n),
});
const METHODS = ["A", "B", "C"] as const;

/** Whether the terminating server finds its own record of the call and derives the originator's password. */
const agrees = (method: (typeof METHODS)[number], sent: Vcr, got: Vcr): boolean => {
  const known = callFacts(sent);
  const said = printUserName(userNameFor(method, known, claim, instantWithin(known, 0.999), T));
  const store = callStore([nodeIdFrom(2n)]);
  const { id } = insertCall(store, got, unixMs(HOUR_MS));
  const name = parseUserName(said);
  if (!name.ok) throw new Error(name.error.why);
  const [candidate] = candidatesFor(store, name.value);
  removeCall(store, id);
  return (
    candidate !== undefined && terminatorPassword(name.value, candidate, T) === originatorPassword(name.value, known, T)
  );
};

/** Each place within the minute that the rounding by T and by C's minutes can tell apart, and its edges. */
const places = Array.from({ length: 24 }, (_, i) => [2_500 * i, 2_500 * i - 1]).flat();
const BELOW_MS = T / 4 - 1;
const near = [-BELOW_MS, -T / 8, 0, T / 8, BELOW_MS];

test("clocks: servers whose clocks differ by less than T/4 at each event agree, by every method, wherever the call lies", () => {
  for (const at of places)
    for (const startSkew of near)
      for (const stopSkew of near) {
        // The stop lies elsewhere in its minute than the start.
        const sent = callAt(at, 2 * at + 100_000);
        const got = callAt(at + startSkew, 2 * at + 100_000 + stopSkew);
        for (const method of METHODS)
          ok(agrees(method, sent, got), `${method} at ${at} ms, ${startSkew} and ${stopSkew} ms apart`);
      }
});

test("clocks: beyond 3T/4 at either event they never agree, by no method", () => {
  const BEYOND_MS = (3 * T) / 4 + 1;
  const far = [BEYOND_MS, T, 1.5 * T, 2 * T, 6 * T].flatMap((ms) => [ms, -ms]);
  for (const at of places)
    for (const skew of far)
      for (const isAtStart of [true, false]) {
        const sent = callAt(at, 2 * at + 100_000);
        const got = isAtStart ? callAt(at + skew, 2 * at + 100_000) : callAt(at, 2 * at + 100_000 + skew);
        for (const method of METHODS)
          ok(
            !agrees(method, sent, got),
            `${method} at ${at} ms, ${skew} ms apart at the ${isAtStart ? "start" : "stop"}`,
          );
      }
});

test("clocks: a lie about the time is a call of another time, and fails as one", () => {
  const sent = callAt(13_000, 150_000);
  for (const lieMs of [-86_400_000, -3_600_000, -60_000, 60_000, 3_600_000, 86_400_000]) {
    const lied = {
      ...sent,
      startMs: unixMs(sent.startMs + lieMs),
      stopMs: unixMs(sent.stopMs + lieMs),
    };
    for (const method of METHODS) {
      ok(!agrees(method, sent, lied));
      ok(!agrees(method, lied, sent));
    }
  }
});
