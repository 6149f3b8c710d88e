#!/bin/bash
# Node 24.21.0 (node --test --test-isolation=none) and Deno 2.9.5 (node:test): a test file that throws at its top level, after it
# has registered a test, does not fail the run.
# Expected: exit code 1, as Node says with a process for each file, and Bun.
# Seen: Node says "pass 2, fail 0" and 0, and on Deno a file that imports both says "1 passed" and 0: what stands behind is gone.
# What depends on it: a runner that shares a process among files (properties/kit/runners.ts looks at each by itself).
# Needs npm. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24.21.0 deno@2.9.5 bun@1.4.5 >/dev/null

printf 'import { test } from "node:test";\ntest("one", () => {});\nthrow new Error("at the top");\n' >a.test.mjs
printf 'import { test } from "node:test";\ntest("two", () => {});\n' >b.test.mjs
printf 'import "./a.test.mjs";\nimport "./b.test.mjs";\n' >both.test.mjs

export PATH="$folder/node_modules/.bin:$PATH" NO_COLOR=1
codeOf() { local code=0; timeout 60 "$@" >said 2>&1 || code=$?; echo $code; }
apart=$(codeOf node --test a.test.mjs b.test.mjs)
node=$(codeOf node --test --test-isolation=none --test-reporter=spec a.test.mjs b.test.mjs)
passed=$(grep -c "^ℹ pass 2$" said || true)
bun=$(codeOf bun test ./a.test.mjs ./b.test.mjs)
deno=$(codeOf deno test -A both.test.mjs)
one=$(grep -c "1 passed" said || true)
echo "Node, a process for each file: $apart; in one: $node; Bun: $bun; Deno: $deno"
[ "$apart $node $passed" = "1 0 1" ]
[ "$bun" = 1 ]
[ "$deno $one" = "0 1" ]
