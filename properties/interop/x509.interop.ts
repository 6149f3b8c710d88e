/** The table of chains judged by somebody else: `openssl verify`, with policies, for a TLS client that is a server too. RFC 5280 §6. */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pemCertificate } from "../../runtime/certificates.ts";
import { chainOf, type Row, rows } from "../x509/chains.ts";
import type { InteropCheck } from "./run.ts";

/**
 * Rows that OpenSSL 3.0 is not asked about: what we refuse beyond its rules (names, the drawn form, limits of ours), or by a
 * rule that it reads otherwise. Of all the others it has to think as we do, and every good chain it has to take.
 */
const NOT_ASKED =
  /^(URI |DNS wildcard|e-mail excluded by a host with|constraints of|policies mapped|four authorities|leaf that is|leaf without subject|leaf of P-384|RSA without its|an unknown extension twice|version |a unique identifier|bytes behind|a default that|an empty list|a name with a NUL)/;

const isTaken = (folder: string, row: Row): boolean => {
  const { root, shown } = chainOf(row, Date.now());
  const [leaf, ...issuers] = shown;
  writeFileSync(join(folder, "root.pem"), pemCertificate(root));
  writeFileSync(join(folder, "issuers.pem"), issuers.map(pemCertificate).join(""));
  writeFileSync(join(folder, "leaf.pem"), pemCertificate(leaf!));
  const untrusted = issuers.length === 0 ? [] : ["-untrusted", "issuers.pem"];
  return ["sslclient", "sslserver"].every((purpose) => {
    const rules = ["-purpose", purpose, "-policy_check", "-auth_level", "2"];
    const given = ["verify", "-CAfile", "root.pem", ...untrusted, ...rules, "leaf.pem"];
    return spawnSync("openssl", given, { cwd: folder }).status === 0;
  });
};

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "x509: openssl verify judges the table as we do, and takes every good chain",
    needs: ["openssl"],
    run: async () => {
      const folder = mkdtempSync(join(tmpdir(), "vipr-x509-"));
      try {
        const asked = rows.filter(({ name, verdict }) => verdict === "good" || !NOT_ASKED.test(name));
        ok(asked.length >= 40, `${asked.length} rows`);
        const different = asked.filter((row) => isTaken(folder, row) !== (row.verdict === "good"));
        same(
          different.map(({ name }) => name),
          [],
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  },
];
