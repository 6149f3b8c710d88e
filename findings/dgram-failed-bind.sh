#!/bin/bash
# Node 24.21.0, node:dgram: a socket whose bind() failed keeps its file descriptor until it is closed.
# Expected: after "error" with EADDRINUSE nothing is left of a socket that was never bound, as on Deno and Bun.
# Seen: 32 failed binds leave 32 descriptors, which no table of the system shows with a port; socket.close() in the handler
# of "error" gives them back.
# What depends on it: whoever draws ports at random and tries the next where one is taken runs out of descriptors in a day.
# Needs npm and Linux. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24.21.0 deno@2.9.5 bun@1.4.5 >/dev/null

cat >bind.mjs <<'JS'
import dgram from "node:dgram";
import { readdirSync } from "node:fs";
import process from "node:process";
const descriptors = () => readdirSync("/proc/self/fd").length;
const taken = dgram.createSocket("udp4");
await new Promise((resolve) => taken.bind(0, "127.0.0.1", resolve));
const { port } = taken.address();
const tryIt = (closes) =>
  new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    socket.once("error", () => {
      if (closes) socket.close();
      resolve();
    });
    socket.bind(port, "127.0.0.1");
  });
for (const closes of [false, true]) {
  const before = descriptors();
  for (let i = 0; i < 32; i++) await tryIt(closes);
  await new Promise((resolve) => setTimeout(resolve, 200));
  console.log(closes ? "closed" : "left", descriptors() - before >= 32 ? "kept" : "freed");
}
process.exit(0);
JS

export PATH="$folder/node_modules/.bin:$PATH"
node=$(timeout 20 node bind.mjs | paste -sd' ')
deno=$(timeout 20 deno run -A bind.mjs | paste -sd' ')
bun=$(timeout 20 bun bind.mjs | paste -sd' ')
echo "Node: $node"
echo "Deno: $deno"
echo "Bun:  $bun"
[ "$node" = "left kept closed freed" ]
[ "$deno" = "left freed closed freed" ]
[ "$bun" = "left freed closed freed" ]
