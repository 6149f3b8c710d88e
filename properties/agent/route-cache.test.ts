/** The route cache held against a model: every Notify that ever came, searched anew for each question. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { type E164, e164, ntpFromMs, unixMs } from "../../codecs/shared/mod.ts";
import { writeTicket } from "../../codecs/ticket/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import {
  dropExpired,
  type LearnedRoute,
  learnRoute,
  readRoute,
  routeCache,
  routeTo,
  URIS_MAX,
} from "../../machines/agent/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { grant, number } from "../ticket/arbitrary.ts";

const route: fc.Arbitrary<LearnedRoute> = fc
  .record(
    {
      number: fc.constantFrom(e164("+14085550001"), e164("+14085550002"), e164("+14085550003")),
      uris: fc.constant(["sip:x@nord.example"]),
      ticket: fc.uuid(),
      issuedMs: fc.nat(50),
      grantingDomain: fc.constantFrom("nord.example", "sued.example"),
    },
    { noNullPrototype: true },
  )
  .chain((of) => fc.nat(50).map((ms) => ({ ...of, expiresMs: of.issuedMs + ms })));
const script = fc.array(fc.tuple(route, fc.nat(10), fc.boolean()), { maxLength: 40 });

/** Arrivals in order; the newest is in force, as long as no older ticket of its own domain displaces it. */
type Arrival = { readonly route: LearnedRoute; readonly atMs: number };
const modelRoute = (arrivals: ReadonlyArray<Arrival>, number: string, nowMs: number): LearnedRoute | undefined => {
  let current: LearnedRoute | undefined;
  for (const { route, atMs } of arrivals) {
    if (route.number !== number || route.expiresMs <= atMs) continue;
    const isCurrentValid = current !== undefined && current.expiresMs > atMs;
    const isOlder = route.grantingDomain === current?.grantingDomain && route.issuedMs < current.issuedMs;
    if (!isCurrentValid || !isOlder) current = route;
  }
  return current !== undefined && current.expiresMs > nowMs ? current : undefined;
};

test("route cache: as a map with expiry, whenever it is cleaned", () =>
  fc.assert(
    fc.property(script, fc.nat(60), (events, laterMs) => {
      const cache = routeCache();
      const arrivals: Array<Arrival> = [];
      let nowMs = 0;
      for (const [route, afterMs, isCleaned] of events) {
        nowMs += afterMs;
        if (isCleaned) dropExpired(cache, nowMs);
        learnRoute(cache, route, nowMs);
        arrivals.push({ route, atMs: nowMs });
      }
      for (const number of new Set(events.map(([{ number }]) => number)))
        for (const ms of [nowMs, nowMs + laterMs]) same(routeTo(cache, number, ms), modelRoute(arrivals, number, ms));
    }),
    { numRuns: runs },
  ));

test("route cache: never more than its limit, and the route learned longest ago goes", () =>
  fc.assert(
    fc.property(fc.array(number, { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (numbers, max) => {
      const cache = routeCache(max);
      const last: Array<string> = [];
      for (const number of numbers) {
        const of = { uris: ["sip:x@y.example"], ticket: "", expiresMs: 9, issuedMs: 0, grantingDomain: "y.example" };
        const { removed } = learnRoute(cache, { number, ...of }, 0);
        const at = last.indexOf(number);
        if (at >= 0) last.splice(at, 1);
        same(removed, last.length < max ? [] : last.splice(0, 1));
        last.push(number);
      }
      same([...cache.routes.keys()], last);
    }),
    { numRuns: runs },
  ));

const infoOf = (ticket: string, number: E164, sipUris = ["sip:a@nord.example"]): ValInfo => ({
  number,
  ticket,
  routes: [{ sipUris }],
});
const sealed = (covered: Uint8Array) => new Uint8Array(32).fill(covered.length & 0xff);

test("route cache: number and times are the ticket's own", () =>
  fc.assert(
    fc.property(grant, fc.tuple(fc.nat(1.9e12), fc.nat(1.8e11)), number, (given, [fromMs, lastsMs], other) => {
      const validity = { notBefore: ntpFromMs(unixMs(fromMs)), notAfter: ntpFromMs(unixMs(fromMs + lastsMs)) };
      const ticket = writeTicket({ ...given, validity }, sealed);
      const number = e164(given.number);
      const read = readRoute(infoOf(ticket, number));
      const { grantingDomain } = given;
      const times = { issuedMs: fromMs, expiresMs: fromMs + lastsMs };
      const route = { number, uris: ["sip:a@nord.example"], ticket, grantingDomain, ...times };
      same(read, { ok: true, route });
      same(readRoute(infoOf(ticket, number, [])), { ok: false, reason: "noUri" });
      if (other !== number) same(readRoute(infoOf(ticket, other)), { ok: false, reason: "otherNumber" });
      same(readRoute(infoOf(`${ticket}!`, number)), { ok: false, reason: "badTicket" });
      const many = Array.from({ length: URIS_MAX + 1 }, (_, i) => `sip:${i}@nord.example`);
      const cut = readRoute(infoOf(ticket, number, many));
      same(cut.ok && cut.route.uris, many.slice(0, URIS_MAX));
    }),
    { numRuns: runs },
  ));
