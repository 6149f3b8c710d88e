#!/bin/bash
# Node 24.21.0, node:tls: a server that asks for client certificates does not show the issuers that a client sent.
# Expected: getPeerCertificate(true) in `secureConnection` leads from the leaf to the intermediate that the client sent with it.
# Seen: the leaf alone, without issuerCertificate; Deno 2.9.5 and Bun 1.4.5 show two certificates for the same connection.
# What depends on it: servers that judge a client's chain themselves have to take it while the handshake runs.
# Needs npm and openssl. Works in a temporary folder, and fails when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24.21.0 deno@2.9.5 bun@1.4.5 >/dev/null

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }
signed() { # name, subject, issuer, extensions
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
  printf '%s\n' "$4" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
key root
openssl req -x509 -new -key root.key -subj "/CN=root" -days 30 -addext "basicConstraints=critical,CA:TRUE" -out root.pem
signed middle middle root "basicConstraints=critical,CA:TRUE"
signed client client middle "subjectAltName=DNS:client.example"
signed server localhost root "subjectAltName=DNS:localhost"
cat client.pem middle.pem >chain.pem

cat >server.mjs <<'JS'
import { readFileSync } from "node:fs";
import tls from "node:tls";
const file = (name) => readFileSync(name);
const server = tls.createServer(
  { key: file("server.key"), cert: file("server.pem"), ca: file("root.pem"), requestCert: true, rejectUnauthorized: true },
  (socket) => {
    const subjects = [];
    for (let one = socket.getPeerCertificate(true); one?.subject !== undefined; one = one.issuerCertificate) {
      if (subjects.includes(one.subject.CN)) break;
      subjects.push(one.subject.CN);
    }
    console.log(subjects.join(" "));
    process.exit(0);
  },
);
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  tls.connect({ port, host: "127.0.0.1", servername: "localhost", key: file("client.key"), cert: file("chain.pem"), ca: file("root.pem") });
});
JS
bin=node_modules/.bin
seen_node=$("$bin/node" server.mjs)
seen_deno=$("$bin/deno" run -A server.mjs 2>/dev/null)
seen_bun=$("$bin/bun" server.mjs)
echo "Node: $seen_node"
echo "Deno: $seen_deno"
echo "Bun:  $seen_bun"
[ "$seen_node" = "client" ] || { echo "changed: Node shows issuers now"; exit 1; }
case "$seen_deno" in "client middle"*) ;; *) echo "changed: Deno"; exit 1 ;; esac
case "$seen_bun" in "client middle"*) ;; *) echo "changed: Bun"; exit 1 ;; esac
