/** The table of chains, judged: each fault by its reason, alone and in pairs, and what a hostile chain may cost. RFC 5280 §6.1. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { CertificateError } from "../../actors/ports/mod.ts";
import { CERTIFICATE_BYTES_MAX, type Certificate, readCertificate } from "../../codecs/x509/mod.ts";
import { PATHS_MAX, SIGNATURES_MAX, validatePath } from "../../machines/x509/mod.ts";
import { judgeChain } from "../../runtime/chains.ts";
import { runs, test } from "../kit/harness.ts";
import { ext, general, nameOf, type ToWrite, writeCertificate } from "../kit/x509.ts";
import { type Changes, chainOf, faults, holders, type Row, rows } from "./chains.ts";

const NOW_MS = Date.now();
const verdictOf = (row: Row): string => {
  const { root, shown } = chainOf(row, NOW_MS);
  const judged = judgeChain(shown, [root], NOW_MS);
  return judged instanceof CertificateError ? judged.reason : "good";
};

test("the table has at least 60 chains, and no row twice", () => {
  ok(rows.length >= 60);
  same(new Set(rows.map(({ name }) => name)).size, rows.length);
});

// RFC 6940 §13.3; docs/protocol/overlay.md
test("RFC 5280 §6.1: each chain of the table is taken, or refused for its reason", () => {
  same(
    rows.map((row) => `${row.name}: ${verdictOf(row)}`),
    rows.map((row) => `${row.name}: ${row.verdict}`),
  );
});

/** Both faults in one chain; undefined where they change the same thing. */
const bothOf = (a: Row, b: Row): Row | undefined => {
  const disjoint = (x: Changes = {}, y: Changes = {}) => !Object.keys(x).some((key) => key in y);
  const issuers = Array.from({ length: Math.max(a.issuers?.length ?? 1, b.issuers?.length ?? 1) }, (_, i) => i);
  const fits =
    disjoint(a.root, b.root) &&
    disjoint(a.leaf, b.leaf) &&
    issuers.every((i) => disjoint(a.issuers?.[i], b.issuers?.[i]));
  if (!fits) return undefined;
  return {
    name: `${a.name}; ${b.name}`,
    verdict: a.verdict,
    root: { ...a.root, ...b.root },
    issuers: issuers.map((i) => ({ ...a.issuers?.[i], ...b.issuers?.[i] })),
    leaf: { ...a.leaf, ...b.leaf },
  };
};

/** Some 2,400 pairs take Deno ten seconds to sign: the quick check looks at some of them. */
const STRIDE = runs < 100 ? 7 : 1;

test("two faults in one chain are refused for one of them", () => {
  let pairs = 0;
  for (const [i, a] of faults.entries())
    for (const b of faults.slice(i + 1)) {
      const both = bothOf(a, b);
      if (both === undefined) continue;
      pairs += 1;
      if (pairs % STRIDE !== 0) continue;
      const verdict = verdictOf(both);
      ok([a.verdict, b.verdict].includes(verdict as never), `${both.name}: ${verdict}`);
    }
  ok(pairs > 500, `${pairs} pairs`);
});

test("RFC 5280 §4.1.2.5: the validity includes both its ends, and nothing beyond", () => {
  const { root, shown } = chainOf({ name: "", verdict: "good" }, NOW_MS);
  const read = readCertificate(shown[0]!);
  ok(read.ok);
  const { notBeforeMs, notAfterMs } = read.value;
  const at = (ms: number) => {
    const judged = judgeChain(shown, [root], ms);
    return judged instanceof CertificateError ? judged.reason : "good";
  };
  same([notBeforeMs - 1, notBeforeMs, notAfterMs, notAfterMs + 1].map(at), ["notYetValid", "good", "good", "expired"]);
});

test("a certificate with one byte changed, removed or added is refused, and nothing throws", () => {
  const { root, shown } = chainOf({ name: "", verdict: "good" }, NOW_MS);
  const [leaf, issuer] = shown as [Uint8Array, Uint8Array];
  fc.assert(
    fc.property(
      fc.nat(leaf.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom("change", "remove", "insert", "cut"),
      (at, by, how) => {
        const changed =
          how === "change"
            ? leaf.with(at, leaf[at]! ^ by)
            : how === "cut"
              ? leaf.slice(0, at)
              : Uint8Array.from([
                  ...leaf.subarray(0, at),
                  ...(how === "insert" ? [by] : []),
                  ...leaf.subarray(how === "remove" ? at + 1 : at),
                ]);
        ok(judgeChain([changed, issuer], [root], NOW_MS) instanceof CertificateError);
      },
    ),
    { numRuns: runs * 10 },
  );
});

test("any bytes are a certificate or a reason", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const read = readCertificate(bytes);
      ok(!read.ok && read.error.why !== "");
    }),
    { numRuns: runs },
  );
  const large = readCertificate(new Uint8Array(CERTIFICATE_BYTES_MAX + 1));
  same([large.ok, !large.ok && large.error.reason], [false, "tooLarge"]);
});

const written = (what: Partial<ToWrite>, by = holders.issuing): Certificate => {
  const read = readCertificate(
    writeCertificate(
      {
        issuer: nameOf("same"),
        subject: nameOf("same"),
        keyInfo: holders.issuing.keyInfo,
        notBeforeMs: NOW_MS - 3_600_000,
        notAfterMs: NOW_MS + 3_600_000,
        extensions: [ext.ca()],
        ...what,
      },
      by,
    ),
  );
  ok(read.ok);
  return read.value;
};

test("hostile chains: signatures and paths are bounded, whatever names and keys are shown", () => {
  const leaf = written({ subject: nameOf("leaf"), extensions: [ext.noCa()] });
  /** All of one name, each below each other: the number of paths would be 96 to the power of the path's length. */
  const shown = Array.from({ length: 96 }, () => written({}));
  const anchors = Array.from({ length: 40 }, () => written({}));
  let asked = 0;
  const search = validatePath({ leaf, shown, anchors, atMs: NOW_MS, use: "member" });
  let step = search.next();
  while (!step.done) {
    asked += 1;
    step = search.next(false);
  }
  ok("reason" in step.value);
  ok(asked > 0 && asked <= SIGNATURES_MAX && asked <= PATHS_MAX * 4, `${asked}`);
});

test("hostile chains: a path that fails a rule costs no signature", () => {
  const leaf = written({ subject: nameOf("leaf"), extensions: [ext.noCa(), ext.unknown(true)] });
  const step = validatePath({ leaf, shown: [], anchors: [written({})], atMs: NOW_MS, use: "member" }).next(true);
  same(step, {
    done: true,
    value: { reason: "criticalExtension", why: "certificate has a critical extension that is not known here" },
  });
});

test("hostile chains: comparisons of names are bounded", () => {
  const subtrees = Array.from({ length: 250 }, (_, i) => general.dns(`${i}.example`));
  const names = Array.from({ length: 500 }, (_, i) => general.dns(`${i}.other`));
  const anchor = written({ extensions: [ext.ca(), ext.constraints([], subtrees)] });
  const leaf = written({ subject: nameOf("leaf"), extensions: [ext.noCa(), ext.names(names)] });
  const step = validatePath({ leaf, shown: [], anchors: [anchor], atMs: NOW_MS, use: "member" }).next(true);
  same(step.done && "reason" in step.value && step.value.reason, "tooCostly");
});
