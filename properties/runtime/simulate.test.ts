/** The parts of the simulation: its time, its ideal rings, its flags. The overlays themselves: properties/simulation. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { isBetween } from "../../machines/reload/mod.ts";
import { chanceOf } from "../../runtime/memory/chance.ts";
import { makeAgenda, START_MS } from "../../runtime/simulate/agenda.ts";
import { drawIds, idealLinks, ownerIndex } from "../../runtime/simulate/ideal.ts";
import { readSimulateOptions } from "../../runtime/simulate/options.ts";
import { runs, test } from "../kit/harness.ts";

test("agenda: tasks in order of their time, of one time in the order they were put down, also from within a task", () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { maxLength: 60 }), (pairs) => {
      const agenda = makeAgenda();
      const done: Array<readonly [atMs: number, order: number]> = [];
      let order = 0;
      const put = (ms: number, then: () => void) => {
        const mine = order++;
        const due = agenda.nowMs + ms;
        agenda.after(ms, () => {
          assert.equal(agenda.nowMs, due);
          done.push([due, mine]);
          then();
        });
      };
      for (const [first, second] of pairs) put(first, () => put(second, () => {}));
      while (agenda.next(START_MS + 1_000));
      assert.equal(done.length, 2 * pairs.length);
      assert.deepEqual(
        done,
        done.toSorted(([a, m], [b, n]) => a - b || m - n),
      );
      assert.equal(agenda.nowMs, START_MS + 1_000);
    }),
    { numRuns: runs },
  ));

const rings = fc.record({
  seed: fc.nat(1_000_000),
  count: fc.integer({ min: 2, max: 60 }),
  neighbours: fc.integer({ min: 1, max: 5 }),
  fingers: fc.constantFrom(4, 16, 128),
  searched: fc.boolean(),
});

test("ideal rings: links are symmetric, and nobody has one with itself", () =>
  fc.assert(
    fc.property(rings, ({ seed, count, ...tables }) => {
      const ids = drawIds(chanceOf(seed), count);
      const links = ids.map((_, at) => idealLinks(ids, at, tables));
      for (const [at, others] of links.entries()) {
        assert.ok(!others.has(at));
        for (const other of others) assert.ok(links[other]!.has(at), `${at} and ${other}`);
      }
    }),
    { numRuns: runs },
  ));

test("ideal rings: a finger is the first peer at or after n+2^(128-i), RFC 6940 §10.5", () =>
  fc.assert(
    fc.property(rings, fc.nat(), ({ seed, count, ...tables }, any) => {
      const ids = drawIds(chanceOf(seed), count);
      const at = any % count;
      const links = idealLinks(ids, at, tables);
      for (let i = 1; i <= tables.fingers; i++) {
        const place = (ids[at]! + (1n << BigInt(128 - i))) % (1n << 128n);
        const finger = ids.findIndex((id, j) => isBetween(ids.at(j - 1)!, place, id));
        assert.equal(ownerIndex(ids, place), finger);
        assert.ok(finger === at || links.has(finger), `entry ${i}`);
      }
    }),
    { numRuns: runs },
  ));

test("simulate: flags that make no sense are refused with what would", () => {
  const why = (flags: string) => {
    try {
      readSimulateOptions(flags.split(" "));
      return "run";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(why("overlay"), "run");
  assert.match(why("federatoin"), /no order "federatoin", but overlay, federation; did you mean federation/);
  assert.match(why("federation --kill 0.1"), /--kill is no option of federation; it belongs to overlay/);
  assert.match(why("overlay more"), /nothing to do with "more"/);
  assert.match(why("overlay --nodes 1"), /--nodes wants a whole number from 2/);
  assert.match(why("overlay --nodes 1e3"), /--nodes/);
  assert.match(why("overlay --nodes 1000000"), /50000/);
  assert.equal(why("overlay --nodes 1000000 --routing-only"), "run");
  assert.match(why("overlay --kill 2"), /--kill wants a part/);
  assert.match(why("overlay --kill 0.99"), /too few/);
  assert.match(why("overlay --delay 100..10"), /--delay wants MIN..MAX/);
  assert.match(why("overlay --fingers 15"), /from 16 to 128/);
  assert.match(why("overlay --fingers 20 --full-fingers"), /contradict/);
  assert.match(why("overlay --routing-only --churn 0.1"), /--churn needs machines/);
  assert.match(why("overlay --partition --kill 0.5"), /--partition/);
  assert.match(why("overlay --seed -1"), /seed/);
  assert.match(why("overlay --what"), /what/);
});

test("simulate: a part and a range are read as they are written", () => {
  const read = readSimulateOptions("overlay --nodes 64 --churn .25 --delay 5..7 --full-fingers --json".split(" "));
  const { nodes, churn, delayMinMs, delayMaxMs, fingers, searched, json, values, spanS } = read;
  assert.deepEqual([nodes, churn, delayMinMs, delayMaxMs, fingers, searched, json], [64, 0.25, 5, 7, 128, true, true]);
  assert.deepEqual([values, spanS], [64, 60]);
});
