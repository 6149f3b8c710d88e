/** Authorities: what they certify and what not, with which keys, under whom, and how they are kept. RFC 6940 §11.3. */
import { ok, deepStrictEqual as same } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { makeAuthority, type OwnAuthority } from "../../runtime/authority.ts";
import { authorityOfPem, pemOfAuthority, readAuthority, writeAuthority } from "../../runtime/authority-file.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { lawsOn } from "../kit/law.ts";

const law = lawsOn(
  "authority",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);

/** Requests by openssl req, with keys that are too short or of another kind. */
const weakRequests = [
  // RSA of 1024 bits
  [
    "MIIBPzCBqQIBADAAMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDWOKPdtg3ymiKWXD/Mxr5W6cxhiIwhE5vvQ+minRNRuP+S+tLlFDCxsF",
    "V3YN0YW3UqX+Xfm5oRuru2gqsR36m4b2yMv3BBAr86PZds6Ynk7CDvFov9qYR6N0CjGbjZsoxh/qK3DdCZ1D/a+p4O0VUJ0i1l0JzbThcRmhTB",
    "wfQ+owIDAQABoAAwDQYJKoZIhvcNAQELBQADgYEAK1xFzka5uDYL4xNjLjSGq6k+J5O4iTUrgcZvmqbsrqoz3nUPyiV4qwbwbHNLuXcy1RsdM5",
    "p2cn3LyRyISBwOtUzoiJP34LWrBn7DJYYQqLhbVRLuV1vaPZrmlqgWQX61ewcn5WcbN72n8hG1nNrN08S4c5ihgWcYeiJStcT8GO0=",
  ].join(""),
  // P-384
  [
    "MIH2MH8CAQAwADB2MBAGByqGSM49AgEGBSuBBAAiA2IABNGT9F9/bPQILnX0IG1L+MGrkFnZYyOHjPhvqpIfLWBcepHO3LN1hvMfBcSulxKxGT",
    "X8J8RxrlX0MSpRXZF0UkGYsB6f0sBIb2OuLtOudQvvu8z/d5douQSzNACczk2nfaAAMAoGCCqGSM49BAMCA2cAMGQCMCPRGRq1FlvxXtuFthem",
    "BqPosgqSZyYAj++m5yFkaHq90rLUE6A1tThrTFf6/hF87wIwRYqyUWJHUciXLxlx+GdW0eVWa7hhiATRaUpV4jMTY35XdMmJpUO6+SguIWOMak",
    "Kd",
  ].join(""),
  // Ed25519
  [
    "MH8wMwIBADAAMCowBQYDK2VwAyEAAHi6e9JDc6YrnfWmFnEj7U/2XBuFUmrQCbxWOaJLygqgADAFBgMrZXADQQDMiJukaV7mVuQSVHzA37iDdb",
    "Iya3P3QlSBAv5M/9bqgVNT6upnoV02TsdaujOK25r7tc9bHUqzVEdMxRYqU58J",
  ].join(""),
].map((base64) => new Uint8Array(Buffer.from(base64, "base64")));

/** A certificate for a fresh key of ours. */
const certify = Effect.fnUntraced(function* (authority: OwnAuthority, algorithm: "ecdsa" | "rsa" = "ecdsa") {
  const keys = yield* Keys;
  const nowMs = yield* Clock.currentTimeMillis;
  const key = algorithm === "rsa" ? yield* keys.generateRsa : yield* keys.generate;
  const csr = yield* keys.certificateRequest(key);
  const names = { uris: [], dnsNames: ["a.example"], emails: [] };
  return yield* authority.issue({ csr, ...names, notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 60_000 });
});
const isGood = Effect.fnUntraced(function* (
  certificate: Uint8Array,
  more: ReadonlyArray<Uint8Array>,
  root: Uint8Array,
) {
  const nowMs = yield* Clock.currentTimeMillis;
  return yield* Effect.isSuccess((yield* Keys).verifyChain([certificate, ...more], [root], nowMs));
});

law(
  "ECDSA and RSA, as authority and as node, at the root and below it: every pair makes a chain",
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    for (const [above, below] of [
      ["ecdsa", "rsa"],
      ["rsa", "ecdsa"],
    ] as const) {
      const root = yield* makeAuthority({ name: "root", nowMs, algorithm: above });
      const under = yield* makeAuthority({ name: "issuing", nowMs, algorithm: below, under: root });
      same([under.root, under.intermediates.length, root.intermediates], [root.root, 1, []]);
      for (const node of ["ecdsa", "rsa"] as const) {
        ok(yield* isGood(yield* certify(root, node), [], root.root));
        const leaf = yield* certify(under, node);
        ok(yield* isGood(leaf, under.intermediates, root.root));
        ok(!(yield* isGood(leaf, [], root.root)));
      }
    }
  }),
);

law(
  "a key that nodes cannot use is not certified",
  Effect.gen(function* () {
    const authority = yield* makeAuthority({ name: "root", nowMs: yield* Clock.currentTimeMillis });
    const names = { uris: [], dnsNames: [], emails: [], notBeforeMs: 0, notAfterMs: 1 };
    for (const csr of [new Uint8Array(), Uint8Array.of(0x30, 0), ...weakRequests])
      same((yield* Effect.flip(authority.issue({ csr, ...names })))._tag, "CertificateError");
  }),
);

const longRequests = JSON.parse(readFileSync(new URL("../vectors/requests.json", import.meta.url), "utf8")) as {
  readonly rsa4096: string;
  readonly rsa4104: string;
};
const requestOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

law(
  "RSA of 4096 bits is certified and believed, one of 4104 is refused, as nodes on Deno could not believe it",
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const authority = yield* makeAuthority({ name: "root", nowMs });
    const names = {
      uris: [],
      dnsNames: ["a.example"],
      emails: [],
      notBeforeMs: nowMs - 1_000,
      notAfterMs: nowMs + 60_000,
    };
    const issued = yield* authority.issue({ csr: requestOf(longRequests.rsa4096), ...names });
    ok(yield* isGood(issued, [], authority.root));
    const refused = yield* Effect.flip(authority.issue({ csr: requestOf(longRequests.rsa4104), ...names }));
    same([refused.reason, refused.why], ["key", "bad_CSR: RSA of 4104 bits"]);
  }),
);

law(
  "a request with bytes behind it is refused, wherever they are, and so is one byte less",
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const keys = yield* Keys;
    const authority = yield* makeAuthority({ name: "root", nowMs });
    const csr = yield* keys.certificateRequest(yield* keys.generate);
    const names = {
      uris: [],
      dnsNames: ["a.example"],
      emails: [],
      notBeforeMs: nowMs - 1_000,
      notAfterMs: nowMs + 60_000,
    };
    ok(yield* isGood(yield* authority.issue({ csr, ...names }), [], authority.root));
    // The outer length counts the two bytes in, or does not.
    const inside = Uint8Array.from([...csr, 0, 0]);
    inside[inside[1] === 0x81 ? 2 : 1]! += 2;
    for (const wrong of [Uint8Array.from([...csr, 0, 0]), inside, csr.subarray(0, -1)])
      same((yield* Effect.flip(authority.issue({ csr: wrong, ...names }))).reason, "badRequest");
  }),
);

law(
  "an authority is kept in a file for its owner alone, and comes back as it was",
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const folder = mkdtempSync(join(tmpdir(), "vipr-authority-"));
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })));
    const root = yield* makeAuthority({ name: "root", nowMs, algorithm: "rsa" });
    const under = yield* makeAuthority({ name: "issuing", nowMs, under: root });
    for (const [i, authority] of [root, under].entries()) {
      const file = join(folder, `authority-${i}.pem`);
      yield* writeAuthority(file, authority);
      same(statSync(file).mode & 0o777, 0o600);
      const again = yield* readAuthority(file);
      same([again.root, again.intermediates], [authority.root, authority.intermediates]);
      ok(yield* isGood(yield* certify(again), again.intermediates, root.root));
      same((yield* Effect.flip(writeAuthority(file, authority))).why, "EEXIST");
      chmodSync(file, 0o644);
      ok((yield* Effect.flip(readAuthority(file))).why.includes("others may read it"));
    }
    same((yield* Effect.flip(readAuthority(join(folder, "none.pem")))).why, "ENOENT");
    const bad = join(folder, "bad.pem");
    writeFileSync(bad, "rubbish", { mode: 0o600 });
    ok((yield* Effect.flip(readAuthority(bad))).why.includes("no private key"));
  }),
);

law(
  "a file with another's certificate, a broken chain, a node's certificate or none is refused",
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const [one, two] = [yield* makeAuthority({ name: "one", nowMs }), yield* makeAuthority({ name: "two", nowMs })];
    const under = yield* makeAuthority({ name: "issuing", nowMs, under: one });
    const key = (authority: OwnAuthority) => pemOfAuthority(authority).split("-----BEGIN CERTIFICATE")[0]!;
    const certificates = (authority: OwnAuthority) => pemOfAuthority(authority).slice(key(authority).length);
    const why = (pem: string) => {
      const read = authorityOfPem(pem);
      return "why" in read ? read.why : "read";
    };
    same(why(pemOfAuthority(under)), "read");
    same(why(key(one)), "no certificate");
    same(why(key(one) + certificates(two)), "the first certificate is not of this key");
    const [own] = certificates(under).split(/(?<=-----END CERTIFICATE-----\n)/);
    ok(why(key(under) + own! + certificates(two)).startsWith("certificate 0"));
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    ok(why(privateKey.export({ type: "pkcs8", format: "pem" }) + certificates(one)).startsWith("no private key"));
  }),
);
