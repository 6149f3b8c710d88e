/** Certificates of the company's programs as `vipr doctor` sees them: whether they can be read, and how long they last. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import type { ViprConfig } from "../config/mod.ts";
import { validityOf, warnMs } from "../metrics/certificates.ts";
import { type Finding, fault, good, unknown, warning } from "./doctor-finding.ts";
import { derOfPem } from "./pem.ts";
import type { ProgramState } from "./program-state.ts";

const DAY_MS = 86_400_000;

interface Certificate {
  readonly check: string;
  readonly file: string | undefined;
  /** All of the file, as of roots: the first that ends counts. */
  readonly renewal: string;
}

export const certificateFindings = (
  { agent, border, server }: ViprConfig,
  states: ReadonlyArray<ProgramState>,
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.sync(() => {
    const data = states.find(({ program }) => program === "server")?.data;
    const renewed =
      server.passwordFile === undefined ? "name server.password-file, which renews it" : "it is renewed by itself";
    const named: ReadonlyArray<Certificate> = [
      { check: "certificate node", file: data && join(data, "node.pem"), renewal: renewed },
      {
        check: "certificate root",
        file: data && join(data, "root.pem"),
        renewal: "a new root: docs/deploy/upgrade.md",
      },
      { check: "border.certificate-file", file: border.certificateFile, renewal: "a new file, then SIGHUP" },
      { check: "border.ca-file", file: border.caFile, renewal: "the other companies' new roots, then SIGHUP" },
      { check: "agent.certificate-file", file: agent.certificateFile, renewal: "a new file, then a restart" },
    ];
    const nowMs = Date.now();
    return named.flatMap((one) => (one.file === undefined ? [] : [lookAt(one, one.file, nowMs)]));
  });

const lookAt = ({ check, renewal }: Certificate, file: string, nowMs: number): Finding => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" && file.endsWith("node.pem")) return unknown(check, "has not enrolled yet");
    if (code === "ENOENT" && file.endsWith("root.pem")) return unknown(check, "has not enrolled yet");
    return fault(check, "usage", `${file} cannot be read: ${code ?? String(error)}`, "the file, and who may read it");
  }
  const known = derOfPem(text, "CERTIFICATE").flatMap((certificate) => validityOf(certificate) ?? []);
  const [first] = known.sort((a, b) => a.notAfterMs - b.notAfterMs);
  if (first === undefined) return fault(check, "damaged", `${file} holds no certificate`, renewal);
  const leftMs = first.notAfterMs - nowMs;
  const days = Math.floor(leftMs / DAY_MS);
  if (days < 0)
    return fault(check, "clock", `ended ${-days} days ago (${file})`, `${renewal}; or this machine's clock is wrong`);
  const what = `${days} days left`;
  return leftMs < warnMs(first) ? warning(check, what, renewal) : good(check, what);
};
