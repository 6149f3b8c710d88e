/** The table of chains judged by somebody else: `openssl verify`, with policies, for a TLS client. RFC 5280 §6. */
import { deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pemCertificate } from "../../runtime/certificates.ts";
import { chainOf, type Row, rows } from "../x509/chains.ts";
import type { InteropCheck } from "./run.ts";

/** What OpenSSL 3.0 takes and we refuse, and why. There is none that it refuses and we take. */
const STRICTER: ReadonlyMap<string, string> = new Map([
  ["URI excluded by its host", "takes what stands before the @ for the host's"],
  ["URI excluded, not critical", "takes what stands before the @ for the host's"],
  ["URI with an address under a URI constraint", "§4.2.1.10: rejects no address"],
  ["DNS wildcard that holds an excluded name", "compares the asterisk as a letter"],
  ["constraints of an authority two above", "takes what stands before the @ for the host's"],
  ["constraints of the root", "takes what stands before the @ for the host's"],
  ["policies mapped", "maps them"],
  ["four authorities below the root", "has no such limit"],
  ["leaf that is an authority", "an authority may be a client"],
  ["leaf without subject, its names not critical", "§4.1.2.6 is asked by -x509_strict alone"],
  ["leaf of P-384", "ours, for RELOAD's signatures"],
  ["RSA without its parameters", "takes it, as RFC 4055 §5 allows"],
  ["an unknown extension twice in the sub-CA", "§4.1, §4.2: DER and the drawn form are not held to"],
  ["version 1 with extensions", "§4.1, §4.2: DER and the drawn form are not held to"],
  ["version 2 with extensions", "§4.1, §4.2: DER and the drawn form are not held to"],
  ["version 4", "§4.1, §4.2: DER and the drawn form are not held to"],
  ["a unique identifier", "§4.1.2.8: to be taken; ours, as Deno's TLS refuses it"],
  ["bytes behind the certificate", "§4.1, §4.2: DER and the drawn form are not held to"],
  ["a default that is written (critical FALSE)", "§4.1, §4.2: DER and the drawn form are not held to"],
  ["an empty list of names", "§4.1, §4.2: DER and the drawn form are not held to"],
  ["a name with a NUL", "§4.1, §4.2: DER and the drawn form are not held to"],
]);

const isTaken = (folder: string, row: Row): boolean => {
  const { root, shown } = chainOf(row, Date.now());
  const [leaf, ...issuers] = shown;
  writeFileSync(join(folder, "root.pem"), pemCertificate(root));
  writeFileSync(join(folder, "issuers.pem"), issuers.map(pemCertificate).join(""));
  writeFileSync(join(folder, "leaf.pem"), pemCertificate(leaf!));
  const untrusted = issuers.length === 0 ? [] : ["-untrusted", "issuers.pem"];
  const rules = ["-purpose", "sslclient", "-policy_check", "-auth_level", "2"];
  const given = ["verify", "-CAfile", "root.pem", ...untrusted, ...rules, "leaf.pem"];
  return spawnSync("openssl", given, { cwd: folder }).status === 0;
};

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "x509: openssl verify judges the table as we do, but for the rows that are named",
    needs: ["openssl"],
    run: async () => {
      const folder = mkdtempSync(join(tmpdir(), "vipr-x509-"));
      try {
        const different = rows.filter((row) => isTaken(folder, row) !== (row.verdict === "good"));
        const names = (of: ReadonlyArray<Row>) => of.map(({ name }) => name);
        same(names(different.filter(({ verdict }) => verdict === "good")), []);
        same(names(different), [...STRICTER.keys()]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  },
];
