/** The drawing of a ring: every node stands where its identifier is, whatever the ring. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { REPORT_VERSION, type RingReport, type SeenNode } from "../../actors/admin/form.ts";
import { ringDrawing, ringText } from "../../runtime/cli/ring-text.ts";
import { runs, test } from "../kit/harness.ts";

const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const nodeId = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((id) => id.toString(16).padStart(32, "0"));
const seen: fc.Arbitrary<SeenNode> = fc.record({
  nodeId,
  distance: part,
  place: part,
  address: fc.constantFrom("192.0.2.1:6084", null),
});
const nodes = fc.array(seen, { maxLength: 30 });
const count = fc.nat(1_000_000);
const report: fc.Arbitrary<RingReport> = fc.record({
  version: fc.constant(REPORT_VERSION),
  overlay: fc.constant("vipr.example"),
  configurationSequence: fc.nat(65_534),
  nodeId,
  place: part,
  address: fc.constant("192.0.2.7:6084"),
  state: fc.constantFrom("joining", "settled", "leaving"),
  upSeconds: count,
  certificateExpires: fc.constant("2027-01-02T03:04:05.000Z"),
  share: part,
  nodesSeen: count,
  nodesEstimated: count,
  successors: nodes,
  predecessors: nodes,
  fingers: nodes,
  links: nodes,
  lookUps: fc.constant([]),
  stored: fc.record({ resources: count, primaries: count, replicas: count }),
  quota: fc.record({
    limit: count,
    used: count,
    byNode: fc.array(fc.record({ nodeId, primaries: count, replicas: count }), { maxLength: 40 }),
  }),
  counters: fc.dictionary(fc.constantFrom("forwarded", "delivered"), count),
  refusals: fc.dictionary(fc.constantFrom("quota", "rate"), count),
});

const COLUMNS_MAX = 80;

test("whatever the ring, the drawing fits a terminal, shows this node, and the tables name every neighbour that fits", () => {
  fc.assert(
    fc.property(report, (given) => {
      const drawing = ringDrawing(given);
      same([...drawing].filter((mark) => mark === "@").length, 1);
      ok(drawing.split("\n").every((line) => line.length <= COLUMNS_MAX));
      const text = ringText(given);
      ok(text.includes(given.nodeId) && text.includes(given.overlay));
      for (const { nodeId } of given.successors.slice(0, 24)) ok(text.includes(nodeId));
    }),
    { numRuns: runs },
  );
});

test("four nodes at the quarters stand above, right, below and left", () => {
  const at = (place: number, first: string): SeenNode => ({
    nodeId: first.repeat(32),
    distance: 0,
    place,
    address: null,
  });
  const [sample] = fc.sample(report, 1);
  const quarters = { place: 0, nodeId: "a".repeat(32), share: 0.25, predecessors: [], fingers: [] };
  const lines = ringDrawing({
    ...sample!,
    ...quarters,
    nodesSeen: 4,
    nodesEstimated: 4,
    successors: [at(0.25, "b"), at(0.5, "c"), at(0.75, "d")],
  }).split("\n");
  const rowOf = (mark: RegExp) => lines.findIndex((line) => mark.test(line));
  const middle = (lines.length - 1) / 2;
  same([rowOf(/@/), rowOf(/o *bbbb/), rowOf(/dddd *o/)], [1, middle, middle]);
  const column = lines[1]!.indexOf("@");
  same(lines[lines.length - 2]![column], "o");
  // The last quarter before this node is its share.
  ok(lines.slice(1, middle).every((line) => !line.slice(column + 1).includes("=")));
  ok(lines.slice(2, middle).every((line) => line.slice(0, column).includes("=")));
});
