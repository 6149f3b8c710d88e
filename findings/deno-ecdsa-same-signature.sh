#!/bin/bash
# Deno 2.9.5, node:crypto and WebCrypto: the same key signs the same text with the same ECDSA signature each time.
# Expected, as on Node 24 and Bun 1.4: each signature has a number drawn for it (FIPS 186-4 §6.3), so that five are five.
# Seen: one signature on Deno, by sign() and by subtle.sign(), as RFC 6979 makes them; it verifies everywhere.
# What depends on it: a test that signs twice and expects two values, and whoever knows a message again by its signature alone.
# Needs npm. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24.21.0 deno@2.9.5 bun@1.4.5 >/dev/null

cat >sign.mjs <<'JS'
import { generateKeyPairSync, sign, verify } from "node:crypto";
const text = new TextEncoder().encode("the same text");
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const made = Array.from({ length: 5 }, () => sign("sha256", text, privateKey));
const { subtle } = globalThis.crypto;
const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
const web = [];
for (let i = 0; i < 5; i++) web.push(await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, text));
const different = (all) => new Set(all.map((one) => Buffer.from(one).toString("hex"))).size;
const good = made.every((one) => verify("sha256", text, publicKey, one)) ? "good" : "bad";
console.log(`sign ${different(made)}, ${good}; subtle ${different(web)}`);
JS
bin=node_modules/.bin
{
  echo "Node: $("$bin/node" sign.mjs)"
  echo "Deno: $("$bin/deno" run -A sign.mjs)"
  echo "Bun: $("$bin/bun" sign.mjs)"
} | tee seen
cat >expected <<'TEXT'
Node: sign 5, good; subtle 5
Deno: sign 1, good; subtle 1
Bun: sign 5, good; subtle 5
TEXT
cmp -s seen expected || { echo "changed"; exit 1; }
