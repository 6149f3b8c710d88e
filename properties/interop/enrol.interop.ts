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
import { signKind } from "../../actors/reload/mod.ts";
import { CONFIGURATION_PATH, ENROLMENT_PATH } from "../../codecs/enrol/mod.ts";
import {
  readDocument,
  readOverlay,
  viprOverlay,
  viprRegistrationKind,
  writeOverlay,
} from "../../codecs/overlay/mod.ts";
import { nodeIdFrom, SecurityBlock, SignerIdentity } from "../../codecs/reload/mod.ts";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import type { OwnAuthority } from "../../runtime/authority.ts";
import { readAuthority } from "../../runtime/authority-file.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { HOST, OVERLAY, openEnrolment, PASSWORD } from "../enrol/federation.ts";
import type { InteropCheck } from "./run.ts";

const run = promisify(execFile);

/** A server of ours, a folder of its own, and curl that trusts its root and finds the overlay's name at its address. */
const withServer = (
  body: (at: {
    readonly folder: string;
    readonly authority: OwnAuthority;
    readonly openssl: (...given: ReadonlyArray<string>) => Promise<string>;
    readonly curl: (path: string, ...given: ReadonlyArray<string>) => Promise<string>;
  }) => Promise<void>,
  options: Parameters<typeof openEnrolment>[0] = {},
): Promise<void> =>
  Effect.gen(function* () {
    const { at, authority, web } = yield* openEnrolment(options);
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
    yield* Effect.promise(() => body({ folder, authority, openssl, curl }));
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))), Effect.runPromise);

const request = [
  ...["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "key.pem"],
  ...["-subj", "/", "-outform", "DER", "-out", "csr.der"],
];

const rsaRequest = [
  ...["req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", "key.pem"],
  ...["-subj", "/", "-outform", "DER", "-out", "csr.der"],
];
const xmllint = (schema: string, file: string) =>
  run("xmllint", ["--noout", "--nonet", "--relaxng", `properties/vectors/${schema}`, file]).then(
    () => "valid",
    () => "not valid",
  );

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
  {
    name: "enrolment: an RSA key, certified by an RSA authority below its root; openssl verifies the chain",
    needs: ["curl", "openssl"],
    run: () =>
      withServer(
        async ({ folder, authority, openssl, curl }) => {
          await openssl(...rsaRequest);
          same(await curl(ENROLMENT_PATH, ...form("alice", PASSWORD)), "200 application/pkix-cert");
          await openssl("x509", "-inform", "DER", "-in", "answer", "-out", "node.pem");
          writeFileSync(join(folder, "issuing.pem"), pemCertificate(authority.intermediates[0]!));
          const verify = ["verify", "-x509_strict", "-CAfile", "root.pem"];
          same(await openssl(...verify, "-untrusted", "issuing.pem", "node.pem"), "node.pem: OK\n");
          await openssl(...verify, "node.pem").then(
            () => ok(false, "verified without the intermediate"),
            () => undefined,
          );
          // What the document lists is enough for a node, which gets one bare certificate, §11.3.
          const read = readOverlay(await curl(CONFIGURATION_PATH), OVERLAY);
          ok(read.ok && read.value.rootCertificates.length === 2);
        },
        { algorithm: "rsa", isBelow: true },
      ),
  },
  {
    name: "enrolment: our requests, ECDSA and RSA, are what openssl req -verify takes them for",
    needs: ["openssl"],
    run: () =>
      withServer(async ({ folder, openssl }) => {
        const requests = Effect.gen(function* () {
          const keys = yield* Keys;
          const both = [yield* keys.generate, yield* keys.generateRsa];
          return yield* Effect.forEach(both, keys.certificateRequest);
        });
        for (const csr of await Effect.runPromise(Effect.provide(requests, nodeLayer()))) {
          writeFileSync(join(folder, "ours.der"), csr);
          const shown = await openssl("req", "-inform", "DER", "-in", "ours.der", "-verify", "-noout", "-subject");
          ok(/^subject=\s*$/m.test(shown), shown);
        }
      }),
  },
  {
    name: "enrolment: the document, bare, signed, and with signed Kinds, is valid by RFC 6940's schema and by ours",
    needs: ["xmllint"],
    run: () =>
      withServer(
        async ({ folder, authority, curl }) => {
          const served = await curl(CONFIGURATION_PATH);
          const kinds = [
            await Effect.runPromise(Effect.provide(signKind(viprRegistrationKind, authority.credentials), nodeLayer())),
          ];
          const full = viprOverlay({
            name: OVERLAY,
            sequence: 7,
            expirationMs: 4_000_000_000_000,
            selfSigned: "sha256",
            sharedSecret: "a & b",
            bootstrapNodes: [{ host: "2001:db8::1", port: 6084 }],
            configurationSigners: [nodeIdFrom(1n)],
            kindSigners: [nodeIdFrom(2n)],
            badNodes: [nodeIdFrom(3n)],
            numberHash: "scrypt",
            kinds,
          });
          const file = join(folder, "document.xml");
          const judged = async (text: string) => {
            writeFileSync(file, text);
            return [await xmllint("reload-config.rng", file), await xmllint("vipr-config.rng", file)];
          };
          for (const text of [
            served,
            writeOverlay(full),
            readFileSync("properties/vectors/rfc6940-overlay.xml", "utf8"),
          ])
            same(await judged(text), ["valid", "valid"]);
          const wrong = (from: string, to: string) => judged(writeOverlay(full).replace(from, () => to));
          same(await wrong(">scrypt<", ">md5<"), ["valid", "not valid"]);
          same(await wrong("<vipr:quota>10000<", "<vipr:quota>many<"), ["valid", "not valid"]);
          same(await wrong("<no-ice>true<", "<no-ice>perhaps<"), ["not valid", "not valid"]);
          same(await wrong("<no-ice>", "<unheard-of/><no-ice>"), ["not valid", "not valid"]);
        },
        { isSigned: true },
      ),
  },
  {
    name: "enrolment: openssl finds the document's signature right over the bytes of its configuration element",
    needs: ["curl", "openssl"],
    run: async () => {
      for (const algorithm of ["ecdsa", "rsa"] as const)
        await withServer(
          async ({ folder, openssl, curl }) => {
            const text = await curl(CONFIGURATION_PATH);
            const read = readDocument(text, OVERLAY);
            ok(read.ok);
            const block = decode(SecurityBlock, read.value.signatures[0]!);
            ok(block.ok);
            const { identity, value } = block.value.signature;
            const element = text.slice(text.indexOf("<configuration"), text.indexOf("</configuration>") + 16);
            writeFileSync(join(folder, "signed"), concat(utf8(element), encode(SignerIdentity, identity)));
            writeFileSync(join(folder, "signature"), value);
            await openssl("x509", "-in", "root.pem", "-noout", "-pubkey", "-out", "public.pem");
            const verify = ["dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "signed"];
            same(await openssl(...verify), "Verified OK\n");
          },
          { isSigned: true, algorithm },
        );
    },
  },
  {
    name: "enrolment: an authority made by openssl is read from its file, and issues what openssl verifies",
    needs: ["openssl"],
    run: () =>
      withServer(async ({ folder, openssl }) => {
        for (const kind of [["rsa:3072"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]]) {
          const usage = ["-addext", "keyUsage=critical,keyCertSign"];
          const subject = [
            "-subj",
            "/CN=made by openssl",
            "-days",
            "30",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            ...usage,
          ];
          await openssl("req", "-x509", "-nodes", "-newkey", ...kind, ...subject);
          const both = readFileSync(join(folder, "ca.key"), "utf8") + readFileSync(join(folder, "ca.pem"), "utf8");
          const file = join(folder, "authority.pem");
          rmSync(file, { force: true });
          writeFileSync(file, both, { mode: 0o600 });
          await openssl(...request);
          const csr = new Uint8Array(readFileSync(join(folder, "csr.der")));
          const nowMs = Date.now();
          const names = { uris: ["reload://00@a/"], dnsNames: [], emails: ["a@b.example"] };
          const times = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 60_000 };
          const issued = Effect.flatMap(readAuthority(file), (ours) => ours.issue({ csr, ...names, ...times }));
          writeFileSync(join(folder, "node.pem"), pemCertificate(await Effect.runPromise(issued)));
          same(await openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "node.pem"), "node.pem: OK\n");
        }
      }),
  },
];
