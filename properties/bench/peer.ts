/**
 * A new TLS connection to another company, of a hundred: opened, its chain judged and its domain proved as a border element
 * does it, beside the platform's bare TLS, which looks at chain and name itself. The companies' servers are another process;
 * what counts is the processor time of this one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import tls from "node:tls";
import { Effect } from "effect";
import { type Credentials, Dialer, Keys } from "../../actors/ports/mod.ts";
import { domainsOf } from "../../machines/sip/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { type Contest, cpuMs } from "./kit.ts";

const DOMAINS = 100;
const HOST = "127.0.0.1";
const domainOf = (i: number): string => `company-${i}.example`;

interface World {
  readonly own: Credentials;
  readonly ports: ReadonlyArray<number>;
}
const folder = mkdtempSync(join(tmpdir(), "vipr-peer-"));
let servers: ChildProcess | undefined;
process.once("exit", () => {
  servers?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const credentials = Effect.gen(function* () {
  const authority = yield* makeAuthority({ name: "peer bench", nowMs: Date.now() });
  const peers: Array<Credentials> = [];
  for (let i = 0; i < DOMAINS; i++) peers.push(yield* credentialsUnder(domainOf(i), authority));
  return { root: authority.root, peers, own: yield* credentialsUnder("own.example", authority) };
}).pipe(Effect.provide(nodeLayer()));

const pemsOf = ({ key, certificates }: Credentials) => ({
  key: pemOf(key),
  cert: certificates.map(pemCertificate).join(""),
});

const open = async (): Promise<World> => {
  const { root, peers, own } = await Effect.runPromise(credentials);
  writeFileSync(join(folder, "peers.json"), JSON.stringify({ root: pemCertificate(root), peers: peers.map(pemsOf) }));
  const script = new URL("./peer/servers.ts", import.meta.url).pathname;
  const words = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
  servers = spawn(process.execPath, [...words, script, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const ports = await new Promise<ReadonlyArray<number>>((resolve) =>
    servers!.stdout!.once("data", (bytes) => resolve(JSON.parse(String(bytes)))),
  );
  return { own, ports };
};
let opened: Promise<World> | undefined;
const world = (): Promise<World> => {
  opened ??= open();
  return opened;
};

/** Connections a second of our own processor time, one to each company after the other. */
const rateTo = async (connect: (port: number, domain: string) => Promise<unknown>): Promise<number> => {
  const { ports } = await world();
  const from = cpuMs();
  for (const [i, port] of ports.entries()) await connect(port, domainOf(i));
  return (1_000 * DOMAINS) / (cpuMs() - from);
};

const ours = async (): Promise<number> => {
  const { own } = await world();
  const { dial, inspect } = await Effect.runPromise(
    Effect.provide(
      Effect.gen(function* () {
        return { dial: (yield* Dialer).dial, inspect: (yield* Keys).inspect };
      }),
      nodeLayer(),
    ),
  );
  return rateTo((port, domain) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const stream = yield* dial({ host: HOST, port, tls: own });
          const proved = domainsOf(yield* inspect(stream.peer.certificates[0]!));
          if (!proved.includes(domain)) throw new Error(`${domain} is not proved`);
        }),
      ),
    ),
  );
};

const bare = async (): Promise<number> => {
  const { own } = await world();
  const secureContext = tls.createSecureContext({ ...pemsOf(own), ca: own.roots.map(pemCertificate) });
  return rateTo(
    (port, servername) =>
      new Promise((resolve, reject) => {
        const socket = tls.connect({ host: HOST, port, servername, secureContext });
        socket.once("error", reject);
        socket.once("secureConnect", () => {
          socket.destroy();
          resolve(undefined);
        });
      }),
  );
};

export const contests: ReadonlyArray<Contest> = [
  {
    name: "peer: a new TLS connection, 100 domains",
    unit: "1/cpu-s",
    peerName: "bare node:tls",
    ours,
    peer: bare,
    rounds: 7,
    aim: 0.8,
  },
];
