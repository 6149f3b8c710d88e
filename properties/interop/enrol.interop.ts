/**
 * Enrolment with nothing of ours on the client's side: openssl makes key and request, curl posts them, openssl checks
 * what comes back. That curl goes through shows that the server's certificate fits the overlay's name. RFC 6940 §11.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Effect, Layer, Logger } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { CONFIGURATION_PATH, ENROLMENT_PATH } from "../../codecs/enrol/mod.ts";
import { readOverlay } from "../../codecs/reload/mod.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { HOST, OVERLAY, openEnrolment, PASSWORD } from "../enrol/federation.ts";
import type { InteropCheck } from "./run.ts";

const run = promisify(execFile);

/** A server of ours, a folder of its own, and curl that trusts its root and finds the overlay's name at its address. */
const withServer = (
  body: (at: {
    readonly folder: string;
    readonly openssl: (...given: ReadonlyArray<string>) => Promise<string>;
    readonly curl: (path: string, ...given: ReadonlyArray<string>) => Promise<string>;
  }) => Promise<void>,
): Promise<void> =>
  Effect.gen(function* () {
    const { at, authority, web } = yield* openEnrolment();
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-enrol-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
    );
    writeFileSync(join(folder, "web.pem"), pemCertificate(web.root));
    writeFileSync(join(folder, "root.pem"), pemCertificate(authority.root));
    const openssl = async (...given: ReadonlyArray<string>) => (await run("openssl", given, { cwd: folder })).stdout;
    const curl = async (path: string, ...given: ReadonlyArray<string>) => {
      const common = ["-sS", "--noproxy", "*", "--cacert", "web.pem", "--resolve", `${OVERLAY}:${at.port}:${HOST}`];
      return (await run("curl", [...common, ...given, `https://${OVERLAY}:${at.port}${path}`], { cwd: folder })).stdout;
    };
    yield* Effect.promise(() => body({ folder, openssl, curl }));
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))), Effect.runPromise);

const request = [
  ...["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "key.pem"],
  ...["-subj", "/", "-outform", "DER", "-out", "csr.der"],
];

const form = (user: string, password: string, ...more: ReadonlyArray<string>) => [
  ...["-H", "Accept: application/pkix-cert", "-w", "%{http_code} %{content_type}", "-o", "answer"],
  ...["-F", "csr=@csr.der;type=application/pkcs10", "-F", `username=${user}`, "-F", `password=${password}`],
  ...more,
];

const enrolling: InteropCheck = {
  name: "enrolment: openssl's request, posted by curl, comes back as a certificate that openssl verifies",
  needs: ["curl", "openssl"],
  run: () =>
    withServer(async ({ folder, openssl, curl }) => {
      await openssl(...request);
      same(await curl(ENROLMENT_PATH, ...form("alice", PASSWORD, "-F", "nodeids=2")), "200 application/pkix-cert");
      await openssl("x509", "-inform", "DER", "-in", "answer", "-out", "node.pem");
      same(await openssl("verify", "-x509_strict", "-CAfile", "root.pem", "node.pem"), "node.pem: OK\n");
      const shown = await openssl("x509", "-in", "node.pem", "-noout", "-subject", "-ext", "subjectAltName");
      ok(/^subject=\s*$/m.test(shown), shown);
      ok(shown.includes(`email:alice@${OVERLAY}`), shown);
      const uris = [...shown.matchAll(/URI:reload:\/\/0110([0-9a-f]{32})@vipr\.example\//g)].map((match) => match[1]);
      same([uris.length, new Set(uris).size, shown.match(/DNS:|IP Address:/g)], [2, 2, null]);
      const facts = await Effect.runPromise(
        Effect.provide(
          Effect.flatMap(Keys, (keys) => keys.inspect(readFileSync(join(folder, "answer")))),
          nodeLayer(),
        ),
      );
      same(
        facts.nodeIds,
        uris.map((hex) => BigInt(`0x${hex}`)),
      );
      same(
        await openssl("x509", "-in", "node.pem", "-noout", "-pubkey"),
        await openssl("pkey", "-in", "key.pem", "-pubout"),
      );
    }),
};

export const checks: ReadonlyArray<InteropCheck> = [
  enrolling,
  {
    name: "enrolment: curl is told no with the RFC's words",
    needs: ["curl", "openssl"],
    run: () =>
      withServer(async ({ folder, openssl, curl }) => {
        const answer = () => readFileSync(join(folder, "answer"), "utf8");
        await openssl(...request);
        same(await curl(ENROLMENT_PATH, ...form("alice", "wrong")), "403 text/plain");
        same(answer(), "failed_authentication");
        same(await curl(ENROLMENT_PATH, ...form("alice", PASSWORD, "-F", "nodeids=99")), "403 text/plain");
        same(answer(), "Node-IDs_not_available");
        const csr = new Uint8Array(readFileSync(join(folder, "csr.der")));
        writeFileSync(join(folder, "csr.der"), csr.with(csr.length - 3, csr.at(-3)! ^ 1));
        same(await curl(ENROLMENT_PATH, ...form("alice", PASSWORD)), "403 text/plain");
        same(answer(), "bad_CSR");
        writeFileSync(join(folder, "csr.der"), new Uint8Array(3_000_000));
        same(await curl(ENROLMENT_PATH, ...form("alice", PASSWORD)), "413 text/plain");
      }),
  },
  {
    name: "enrolment: curl fetches the overlay's document",
    needs: ["curl"],
    run: () =>
      withServer(async ({ curl }) => {
        const read = readOverlay(await curl(CONFIGURATION_PATH), OVERLAY);
        ok(read.ok && read.value.enrollmentServers.length === 1);
      }),
  },
];
