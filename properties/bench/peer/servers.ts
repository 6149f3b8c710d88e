/**
 * The other companies of the bench `peer`, in one process: a TLS server each, which asks for a certificate.
 *
 *   node properties/bench/peer/servers.ts FOLDER      FOLDER/peers.json: the root, and a key and a certificate each; PEM
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import tls from "node:tls";

const { root, peers } = JSON.parse(readFileSync(join(process.argv[2]!, "peers.json"), "utf8")) as {
  readonly root: string;
  readonly peers: ReadonlyArray<{ readonly key: string; readonly cert: string }>;
};
const listening = peers.map(
  (own) =>
    new Promise<number>((resolve) => {
      const server = tls.createServer({ ...own, ca: root, requestCert: true, rejectUnauthorized: true }, (socket) => {
        socket.on("error", () => {});
        socket.resume();
      });
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    }),
);
console.log(JSON.stringify(await Promise.all(listening)));
