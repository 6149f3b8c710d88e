#!/bin/bash
# Deno 2.9.5, node:tls: a good server chain is refused when an authority in it has a name constraint on URIs (RFC 5280 §4.2.1.10).
# Expected: the leaf has one URI, within the permitted subtree, and the chain is good: openssl verify says so, Node and Bun connect.
# Seen: Deno ends the handshake with an error about the certificate; without the constraint it connects.
# What depends on it: an overlay whose authorities are constrained cannot leave the judgement of chains to the platform's TLS.
# Needs npm and openssl. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24.21.0 deno@2.9.5 bun@1.4.5 >/dev/null

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }
signed() { # name, issuer, extensions
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  printf '%b\n' "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
key root
openssl req -x509 -new -key root.key -subj "/CN=root" -days 30 -addext "basicConstraints=critical,CA:TRUE" -out root.pem
signed plain root "basicConstraints=critical,CA:TRUE"
signed constrained root "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;URI:ring.example"
names="subjectAltName=DNS:localhost,URI:https://ring.example/"
signed leaf-plain plain "$names"
signed leaf-constrained constrained "$names"
openssl verify -CAfile root.pem -untrusted constrained.pem leaf-constrained.pem

cat >connect.mjs <<'JS'
import { readFileSync } from "node:fs";
import tls from "node:tls";
const file = (name) => readFileSync(name, "utf8");
const issuer = process.argv[2];
const server = tls.createServer({ key: file(`leaf-${issuer}.key`), cert: file(`leaf-${issuer}.pem`) + file(`${issuer}.pem`) });
server.on("tlsClientError", () => {});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", ca: file("root.pem") });
  socket.on("secureConnect", () => end(socket.authorized ? "connected" : "not authorized"));
  socket.on("error", () => end("refused"));
});
const end = (what) => {
  console.log(what);
  process.exit(0);
};
JS
bin=node_modules/.bin
for issuer in plain constrained; do
  echo "$issuer: Node $("$bin/node" connect.mjs $issuer), Deno $("$bin/deno" run -A connect.mjs $issuer 2>/dev/null), Bun $("$bin/bun" connect.mjs $issuer)"
done | tee seen
cat >expected <<'TEXT'
plain: Node connected, Deno connected, Bun connected
constrained: Node connected, Deno refused, Bun connected
TEXT
cmp -s seen expected || { echo "changed"; exit 1; }
