/** Whose certificates count: those that name nodes of this overlay and nothing else, none of them bad, in their time. RFC 6940 §11.3, §14.15. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { reloadUri } from "../../codecs/enrol/mod.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import { identityOf } from "../../codecs/reload/mod.ts";
import { cachedSigner, makeTrust, memberFacts, signerFrom } from "../../machines/node/trust.ts";
import { runs, test } from "../kit/harness.ts";
import { nodeIds } from "../kit/node-ids.ts";

const [OURS, OTHER] = ["ring.example", "other.example"];
const ids = nodeIds(1n, 2n, 3n);
const named = fc.record({ nodeId: fc.constantFrom(...ids), overlay: fc.constantFrom(OURS!, OTHER!) });
/** From 10 to 20 it is valid. */
const factsOf = (names: ReadonlyArray<{ readonly nodeId: (typeof ids)[number]; readonly overlay: string }>) => ({
  nodeIds: [...new Set(names.map(({ nodeId }) => nodeId))],
  uris: names.map(reloadUri),
  emails: [],
  notBeforeMs: 10,
  notAfterMs: 20,
  issuers: [],
});
const overlay = (badNodes: ReadonlyArray<(typeof ids)[number]>) => viprOverlay({ name: OURS!, sequence: 1, badNodes });

test("trust: a certificate counts where each of its Node-IDs is named in this overlay, none is bad, and its time has come", () =>
  fc.assert(
    fc.property(
      fc.array(named, { minLength: 1, maxLength: 5 }),
      fc.subarray([...ids]),
      fc.integer({ min: 8, max: 22 }),
      (names, bad, nowMs) => {
        const facts = factsOf(names);
        const isNamed = (id: (typeof ids)[number]) => names.some((one) => one.nodeId === id && one.overlay === OURS);
        const isGood = facts.nodeIds.every((id) => isNamed(id) && !bad.includes(id)) && nowMs >= 10 && nowMs <= 20;
        same(memberFacts(facts, overlay(bad), nowMs), isGood ? facts : undefined);
      },
    ),
    { numRuns: runs },
  ));

test("trust: a signer that is cached counts no longer than its certificate, and not when its node is a bad one", () =>
  fc.assert(
    fc.property(fc.constantFrom(...ids), fc.subarray([...ids]), fc.integer({ min: 8, max: 22 }), (id, bad, nowMs) => {
      const trust = makeTrust();
      const certificate = Uint8Array.of(1, 2, 3);
      const identity = identityOf(certificate);
      const signer = signerFrom(trust, identity, certificate, factsOf([{ nodeId: id, overlay: OURS! }]));
      same(signer?.nodeId, id);
      const isGood = nowMs >= 10 && nowMs <= 20 && !bad.includes(id);
      same(cachedSigner(trust, identity, overlay(bad), nowMs), { signer: isGood ? signer : undefined });
    }),
    { numRuns: runs },
  ));
