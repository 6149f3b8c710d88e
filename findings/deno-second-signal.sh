#!/bin/bash
# Deno 2.9.5, node:child_process: a child that was sent one signal by kill() and lives on cannot be sent another by it.
# Expected: kill("SIGTERM") after kill("SIGHUP") returns true and reaches the child, as on Node and Bun.
# Seen: the second kill() returns false and sends nothing; process.kill(child.pid, "SIGTERM") reaches the child.
# What depends on it: a supervisor that asks a program to read its files again could not end it afterwards.
# Needs npm. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24.21.0 deno@2.9.5 bun@1.4.5 >/dev/null

cat >child.mjs <<'JS'
import process from "node:process";
process.on("SIGHUP", () => console.log("again"));
process.on("SIGTERM", () => process.exit(0));
setInterval(() => {}, 1000);
console.log("up");
JS
cat >parent.mjs <<'JS'
import { spawn } from "node:child_process";
import process from "node:process";
const words = "Deno" in globalThis ? ["run", "-A", "child.mjs"] : ["child.mjs"];
const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
child.stdout.on("data", (bytes) => {
  if (String(bytes).includes("up")) console.log("first", child.kill("SIGHUP"));
  if (String(bytes).includes("again")) {
    const second = child.kill("SIGTERM");
    console.log("second", second);
    if (!second) process.kill(child.pid, "SIGTERM");
  }
});
child.on("close", () => console.log("ended"));
JS

export PATH="$folder/node_modules/.bin:$PATH"
node=$(timeout 20 node parent.mjs | paste -sd' ')
bun=$(timeout 20 bun parent.mjs | paste -sd' ')
deno=$(timeout 20 deno run -A parent.mjs | paste -sd' ')
echo "Node: $node"
echo "Bun:  $bun"
echo "Deno: $deno"
[ "$node" = "first true second true ended" ]
[ "$bun" = "$node" ]
[ "$deno" = "first true second false ended" ]
