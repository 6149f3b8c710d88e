/** The enrolling node's machine: its laws, and what it tries again and what not. RFC 6940 §11.2, §11.3. */

import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { enrolmentTokens } from "../../codecs/enrol/mod.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { type EnrolClientAction, type EnrolClientEvent, enrolClient } from "../../machines/enrol/mod.ts";
import { test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";

const [ONE, TWO] = ["https://one.example/enroll", "https://two.example:8443/in"];
const INPUT = {
  overlay: "vipr.example",
  nodeIds: 1,
  attemptsMax: 3,
  retryBetweenMs: [500, 2_000],
  deadlineMs: 60_000,
} as const;
const DOCUMENT = viprOverlay({
  name: "vipr.example",
  sequence: 1,
  enrollmentServers: [ONE!, "http://plain.example/enroll", TWO!],
  rootCertificates: [Uint8Array.of(9)],
});

const event: fc.Arbitrary<EnrolClientEvent> = fc.constantFrom<EnrolClientEvent>(
  { type: "documentRead", document: DOCUMENT },
  { type: "documentRead", document: DOCUMENT },
  { type: "documentRead", document: { ...DOCUMENT, name: "other.example" } },
  { type: "documentBad", why: "as the test wants it" },
  { type: "unreachable", why: "as the test wants it" },
  { type: "requestMade", csr: Uint8Array.of(1) },
  { type: "certified", certificate: Uint8Array.of(2) },
  { type: "refused", token: "bad_CSR" },
  { type: "answeredBadly", why: "as the test wants it" },
  { type: "good", nodeIds: [nodeIdFrom(5n)] },
  { type: "good", nodeIds: [] },
  { type: "bad", why: "as the test wants it" },
  { type: "timerFired", timer: "retry" },
);
const document: EnrolClientEvent = { type: "documentRead", document: DOCUMENT };
const requested: ReadonlyArray<EnrolClientEvent> = [document, { type: "requestMade", csr: Uint8Array.of(1) }];
/** Nobody answers, each time that it is tried. */
const tries: ReadonlyArray<EnrolClientEvent> = Array.from(
  { length: INPUT.attemptsMax },
  (): ReadonlyArray<EnrolClientEvent> => [
    { type: "unreachable", why: "as the test wants it" },
    { type: "timerFired", timer: "retry" },
  ],
).flat();
machineLaws(
  enrolClient,
  { inputs: fc.constant({ ...INPUT }), events: () => event },
  {
    plays: [
      { input: { ...INPUT }, events: tries },
      { input: { ...INPUT }, events: [...requested, ...tries] },
    ],
  },
);

const play = (events: ReadonlyArray<EnrolClientEvent>) => {
  let { snapshot, actions } = enrolClient.start(INPUT);
  const all: Array<EnrolClientAction> = [...actions];
  for (const event of events) {
    ({ snapshot, actions } = enrolClient.step(snapshot, event));
    all.push(...actions);
  }
  const outcome = all.flatMap((order) => (order.type === "report" ? [order.outcome] : []));
  const posts = all.flatMap((order) => (order.type === "post" ? [order.url] : []));
  return { all, outcome, posts };
};
const READ: EnrolClientEvent = { type: "documentRead", document: DOCUMENT };
const MADE: EnrolClientEvent = { type: "requestMade", csr: Uint8Array.of(1) };
const LOST: EnrolClientEvent = { type: "unreachable", why: "refused" };
const RETRY: EnrolClientEvent = { type: "timerFired", timer: "retry" };

// RFC 6940 §11.3
test("enrolClient: document, request, certificate, check, in that order", () => {
  const { all, outcome } = play([
    READ,
    MADE,
    { type: "certified", certificate: Uint8Array.of(2) },
    { type: "good", nodeIds: [nodeIdFrom(5n)] },
  ]);
  same(
    all.map(({ type }) => type),
    ["startTimer", "fetchDocument", "makeRequest", "post", "check", "stopTimer", "report"],
  );
  same(all[4], { type: "check", certificate: Uint8Array.of(2), roots: [Uint8Array.of(9)] });
  same(outcome, [{ type: "enrolled", certificate: Uint8Array.of(2), nodeIds: [5n], document: DOCUMENT }]);
});

test("enrolClient: an unreachable server is tried again, the next one of the document, a few times and no more", () => {
  const { posts, outcome } = play([READ, MADE, LOST, RETRY, LOST, RETRY, LOST, RETRY, LOST]);
  same(posts, [ONE, TWO, ONE]);
  same(outcome, [{ type: "failed", reason: "unreachable", why: "refused" }]);
  const { all } = play([LOST, RETRY, LOST, RETRY, LOST, RETRY]);
  same(all.filter(({ type }) => type === "fetchDocument").length, 3);
});

// RFC 6940 §11.3
test("enrolClient: what no repetition changes is not repeated", () => {
  for (const token of [...enrolmentTokens, "unknown"] as const)
    same(play([READ, MADE, { type: "refused", token }, RETRY]).outcome, [{ type: "refused", token }]);
  for (const last of [
    { type: "answeredBadly", why: "status 400" },
    { type: "certified", certificate: Uint8Array.of(2) },
  ] as const) {
    const { posts, outcome } = play([READ, MADE, last, { type: "bad", why: "no chain" }, RETRY]);
    same([posts.length, outcome[0]?.type], [1, "failed"]);
  }
});

test("enrolClient: a certificate with fewer Node-IDs than asked for is not enough", () => {
  const { outcome } = play([
    READ,
    MADE,
    { type: "certified", certificate: Uint8Array.of(2) },
    { type: "good", nodeIds: [] },
  ]);
  same(outcome, [{ type: "failed", reason: "tooFewNodeIds", why: "fewer Node-IDs than asked for" }]);
});

// RFC 6940 §11.1, §11.2; docs/protocol/enrolment.md
test("enrolClient: a document of another overlay, or one that names no https server, is discarded (§11.2)", () => {
  for (const changed of [{ name: "other.example" }, { enrollmentServers: [] }, { enrollmentServers: ["http://a/"] }])
    same(
      play([{ type: "documentRead", document: { ...DOCUMENT, ...changed } }]).outcome.map(({ type }) => type),
      ["failed"],
    );
});
