/** Rows that a store gives back: what was written is read, and bytes that no version of this program wrote are told apart. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { decodeEnrolled, encodeEnrolled } from "../../codecs/enrol/mod.ts";
import { decodeOwnEntry, decodeRegistration, encodeOwnEntry, encodeRegistration } from "../../codecs/reload/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import {
  decodePublished,
  decodeUse,
  encodePublished,
  encodeUse,
  ownerKey,
  publishedKey,
} from "../../codecs/vap/mod.ts";
import { decodeCount, encodeCount } from "../../codecs/vipr/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { anyNodeId } from "../kit/node-ids.ts";
import { document } from "../vap/values.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`rows: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const bytes = fc.uint8Array({ maxLength: 80 });
const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
const vservice = u64.map(vserviceId);
const ms = fc.nat(Number.MAX_SAFE_INTEGER);

law(
  "the use of a VService",
  fc.property(vservice, ms, (id, usedMs) => same(decodeUse(ownerKey(id), encodeUse(usedMs)), [id, usedMs])),
);
law(
  "a publication, and that there is none any more",
  fc.property(vservice, u64, u64, fc.boolean(), (id, instance, member, isPublished) => {
    const published = isPublished ? document : undefined;
    const read = decodePublished(publishedKey({ vservice: id, instance, member }), encodePublished(published));
    same(read, { vservice: id, instance, member, document: published });
  }),
);
law(
  "how many logs there are",
  fc.property(fc.nat(), (count) => same(decodeCount(encodeCount(count)), count)),
);
law(
  "a user's Node-IDs",
  fc.property(fc.array(anyNodeId(), { maxLength: 20 }), (nodeIds) =>
    same(decodeEnrolled(encodeEnrolled(nodeIds)), { ok: true, value: { nodeIds } }),
  ),
);
law(
  "what this node has stored elsewhere, and under which Node-ID",
  fc.property(bytes, fc.nat(), fc.string({ maxLength: 40 }), u64, u64, fc.boolean(), anyNodeId(), (...given) => {
    const [resource, kind, place, storageTime, endMs, exists, contact] = given;
    const entry = { resource, kind, place, storageTime, endMs, exists };
    same(decodeOwnEntry(encodeOwnEntry(entry)), { ok: true, value: entry });
    same(decodeRegistration(encodeRegistration(contact)), { ok: true, value: contact });
  }),
);
law(
  "any bytes give a value or none, and a row with a byte less is none",
  fc.property(
    bytes,
    bytes,
    vservice,
    ms,
    fc.array(anyNodeId(), { maxLength: 3 }),
    (key, value, id, usedMs, nodeIds) => {
      for (const [a, b] of [
        [key, value],
        [ownerKey(id), value],
        [key, encodeUse(usedMs)],
      ] as const) {
        const [use, published] = [decodeUse(a, b), decodePublished(a, b)];
        same([use === undefined || use.length === 2, published === undefined || "document" in published], [true, true]);
      }
      for (const read of [decodeEnrolled, decodeOwnEntry, decodeRegistration]) same(typeof read(value).ok, "boolean");
      same(decodeCount(value) >= 0, true);
      same(decodeUse(ownerKey(id), encodeUse(usedMs).slice(0, -1)), undefined);
      same(decodeUse(ownerKey(id).slice(1), encodeUse(usedMs)), undefined);
      same(
        decodePublished(publishedKey({ vservice: id, instance: 1n, member: 1n }).slice(1), encodePublished(document)),
        undefined,
      );
      same(decodeEnrolled(encodeEnrolled(nodeIds).slice(0, -1)).ok, false);
    },
  ),
);
