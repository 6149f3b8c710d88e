/**
 * MAC-then-encrypt, which only `legacy` allows: what a forger sees of a record that does not open, in time and in answer,
 * does not tell whether its padding was right. RFC 5246 §6.2.3.2.
 */
import { deepStrictEqual as same } from "node:assert";
import { cbc } from "@noble/ciphers/aes.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { concat } from "../../codecs/shared/mod.ts";
import { noInbound, received, takeUnit } from "../../machines/tls/inbound.ts";
import { type Protection, unprotect } from "../../machines/tls/record.ts";
import { test } from "../kit/harness.ts";
import { compareRanks, inTurns } from "../kit/statistics.ts";
import { timingLaw } from "../kit/timing.ts";

const read: Protection = {
  macKey: new Uint8Array(20).fill(1),
  key: new Uint8Array(16).fill(2),
  encryptThenMac: false,
  sequence: 7,
};
const IV = new Uint8Array(16).fill(3);
const SIZE = 320; // of the plaintext: a content of up to 299 bytes, in 5 or 6 blocks of the hash, or in 1 with much padding

type Forgery = "padding wrong" | "no padding" | "much padding";
const FORGERIES: ReadonlyArray<Forgery> = ["padding wrong", "no padding", "much padding"];
const forged = (forgery: Forgery): Uint8Array => {
  const plain = new Uint8Array(SIZE).fill(0x55);
  if (forgery === "padding wrong") plain[SIZE - 1] = 0x20;
  if (forgery === "no padding") plain[SIZE - 1] = 0;
  if (forgery === "much padding") plain.fill(255, SIZE - 256);
  return concat(IV, cbc(read.key, IV, { disablePadding: true }).encrypt(plain));
};
const fragments = Object.fromEntries(FORGERIES.map((forgery) => [forgery, forged(forgery)]));

/** As many do it: the hash of what the padding leaves, and nothing when the padding is wrong. */
const naive = (fragment: Uint8Array): Uint8Array | undefined => {
  const plain = cbc(read.key, fragment.subarray(0, 16), { disablePadding: true }).decrypt(fragment.subarray(16));
  const padding = plain[SIZE - 1]!;
  if (plain.subarray(SIZE - 1 - padding).some((byte) => byte !== padding)) return undefined;
  hmac(sha1, read.macKey, plain.subarray(0, SIZE - 1 - padding - 20));
  return undefined;
};

const ROUNDS = 1_500;
const BATCH = 4;
/**
 * The chance that one kind takes longer than the other may differ so much from one half. A hundredth of the 8 to 12 us that
 * a record takes, which is what is left (0.1 us, on Bun), shows as 0.03 to 0.08 here.
 */
const LARGER_OFF_MAX = 0.12;

const furthest = (open: (fragment: Uint8Array) => unknown): number => {
  const times = inTurns(FORGERIES, ROUNDS, (forgery) => {
    const fragment = fragments[forgery]!;
    const before = performance.now();
    for (let i = 0; i < BATCH; i++) open(fragment);
    return performance.now() - before;
  });
  const offs = FORGERIES.flatMap((one, i) =>
    FORGERIES.slice(i + 1).map((other) => Math.abs(compareRanks(times[one], times[other]).larger - 0.5)),
  );
  return Math.max(...offs);
};

/** The least of three: what depends on the record is in each of them, disturbances by other programs are not. */
const leastOf = (open: (fragment: Uint8Array) => unknown): number => {
  furthest(open); // until all is compiled
  return Math.min(furthest(open), furthest(open), furthest(open));
};

timingLaw("RFC 5246 §6.2.3.2: a record's time does not tell good padding from bad; a naive reader's would", () => {
  const ours = leastOf((fragment) => unprotect(read, "applicationData", fragment));
  const control = leastOf(naive);
  return {
    holds: ours < LARGER_OFF_MAX,
    isClear: control > 2.5 * LARGER_OFF_MAX,
    figures: `off by ${ours}, the naive one by ${control}`,
  };
});

test("RFC 5246 §7.2.2: nor does the answer", () => {
  const answers = FORGERIES.map((forgery) => {
    const fragment = fragments[forgery]!;
    const record = concat(Uint8Array.of(23, 3, 3, fragment.length >> 8, fragment.length & 255), fragment);
    return takeUnit(received({ ...noInbound("server"), isLax: false, read }, record)).refusal;
  });
  const [answer] = answers;
  same(answer?.alert, "badRecordMac");
  same(answers, [answer, answer, answer]);
});
