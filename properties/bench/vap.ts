/**
 * Call records uploaded over VAP a second of processor time: sealed both ways, 48 on their way at once, answered by the
 * product's own `serveVap` over a real socket of this machine; beside a socket that sends each message back in a write of its own.
 *
 *   peer process: 48 sealed UploadVCR --> socket --> serveVap (or echo), in this process --> answers, counted by their bytes
 *
 * The client is a process of its own that has its messages ready, so that what is counted here is the server. The two TLS rows
 * are the same over TLS. In the last row each record is on the disk, in SQLite, before it is acknowledged, by the product's own
 * store and handler; beside bare inserts of rows as large, 48 in one transaction and one flush. Both wait for the disk: their
 * clock is the wall's.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { Deferred, Effect, Layer, Logger, Scope } from "effect";
import { type Credentials, Keys } from "../../actors/ports/mod.ts";
import { serveVap, type VapHandlers } from "../../actors/vap/mod.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { nodeIdFrom, unixMs } from "../../codecs/shared/mod.ts";
import { callStore, insertCall } from "../../machines/validation/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { nodeLayer, openSqlite } from "../../runtime/node.ts";
import { type Contest, cpuMs, PeerMissing, runtimeName, wallMs } from "./kit.ts";

const ROUND_MS = 1_000;
const CLIENT = fileURLToPath(new URL("./vap-client.ts", import.meta.url));

/** Uploads in flight for a round; how many a second, by that clock. */
const rateAt = (port: number, over: "tcp" | "tls", isEcho: boolean, clock: () => number = cpuMs): Promise<number> =>
  new Promise((resolve, reject) => {
    const runner = runtimeName === "deno" ? ["run", "--allow-all", CLIENT] : [CLIENT];
    const client = spawn(process.execPath, [...runner, String(port), over, isEcho ? "echo" : "vap", String(ROUND_MS)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    let fromMs = 0;
    client.stdout.on("data", (bytes: Uint8Array) => {
      text += new TextDecoder().decode(bytes);
      if (fromMs === 0 && text.includes("go\n")) fromMs = clock(); // its last upload of the warm-up is answered
      const [, count] = /answered (\d+)\n/.exec(text) ?? [];
      if (count === undefined) return;
      resolve((1_000 * Number(count)) / (clock() - fromMs));
    });
    client.on("exit", (code) => code !== 0 && reject(new Error(`the client ended with ${code}`)));
  });

const credentials = Effect.gen(function* () {
  const keys = yield* Keys;
  const root = yield* makeAuthority({ name: "bench", nowMs: Date.now() });
  const key = yield* keys.generate;
  const certificate = yield* root.issue({
    csr: yield* keys.certificateRequest(key),
    uris: [],
    dnsNames: ["localhost"],
    emails: [],
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 3_600_000,
  });
  return { key, certificates: [certificate], roots: [root.root] } satisfies Credentials;
});

const serving = (identity: Credentials | undefined, uploadVcr: VapHandlers["uploadVcr"] = () => Effect.void) =>
  Effect.map(
    serveVap(
      { host: "127.0.0.1", port: 0, users: { ann: "secret" }, ...(identity === undefined ? {} : { tls: identity }) },
      {
        publishVService: () => Effect.succeed({ quotaLimit: 1, quotaCurrent: 1, dhtLifetimeS: 3_600 }),
        withdrawVService: () => Effect.void,
        publishNumber: () => Effect.void,
        uploadVcr,
      },
    ),
    ({ port }) => port,
  );

/** Each record in the call store and on the disk, as the product stores it. */
const storing = (folder: string) =>
  Effect.gen(function* () {
    const store = yield* openSqlite({ file: join(folder, "ours.sqlite") });
    const calls = callStore([nodeIdFrom(5n)]);
    const records = yield* openRecords(store, calls);
    return yield* serving(undefined, (vcr) =>
      Effect.suspend(() => records.received(insertCall(calls, vcr, unixMs(Date.now())))),
    );
  });

const BATCH = 48;
const ROW_BYTES = { key: 24, value: 56 };
/** Rows as ours are, 48 a transaction, flushed at each commit. */
const bareInserts = async (folder: string): Promise<() => number> => {
  const { DatabaseSync } = await import("node:sqlite").catch(() => {
    throw new PeerMissing("this runtime has no node:sqlite");
  });
  const db = new DatabaseSync(join(folder, "bare.sqlite"));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
  const insert = db.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?)");
  let next = 0;
  return () => {
    const from = wallMs();
    const first = next;
    while (wallMs() - from < ROUND_MS) {
      db.exec("BEGIN");
      for (let i = 0; i < BATCH; i++) {
        const key = new Uint8Array(ROW_BYTES.key);
        new DataView(key.buffer).setUint32(4, next++);
        insert.run(key, new Uint8Array(ROW_BYTES.value));
      }
      db.exec("COMMIT");
    }
    return (1_000 * (next - first)) / (wallMs() - from);
  };
};

/** Each chunk is cut by the length that all messages have, and each message is written back alone. */
const echoing = (secure: tls.TlsOptions | undefined): Promise<number> =>
  new Promise((resolve) => {
    const echo = (socket: net.Socket) => {
      let held: Buffer = Buffer.alloc(0);
      socket.on("error", () => {});
      socket.setNoDelay(true);
      socket.on("data", (chunk: Buffer) => {
        const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        let at = 0;
        while (bytes.length - at >= 20) {
          const size = 20 + bytes.readUInt16BE(at + 2);
          if (bytes.length - at < size) break;
          socket.write(bytes.subarray(at, at + size));
          at += size;
        }
        held = bytes.subarray(at);
      });
    };
    const server = secure === undefined ? net.createServer(echo) : tls.createServer(secure, echo);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port));
    server.unref();
  });

const secureOf = ({ key, certificates }: Credentials): tls.TlsOptions => ({
  key: pemOf(key),
  cert: certificates.map(pemCertificate).join(""),
  minVersion: "TLSv1.2",
});

export const contests = async (): Promise<ReadonlyArray<Contest>> => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const ready = Deferred.makeUnsafe<
    Readonly<Record<"tcp" | "tls" | "disk", number>> & { readonly identity: Credentials }
  >();
  const world = Layer.merge(nodeLayer(), Logger.layer([]));
  const scope = Effect.runSync(Scope.make());
  Effect.runFork(
    Effect.gen(function* () {
      const identity = yield* credentials;
      const ports = {
        ...{ tcp: yield* serving(undefined), tls: yield* serving(identity), identity },
        disk: yield* storing(folder),
      };
      yield* Deferred.succeed(ready, ports);
      return yield* Effect.never;
    }).pipe(Scope.provide(scope), Effect.provide(world)),
  );
  const ports = await Effect.runPromise(Deferred.await(ready));
  const echo = { tcp: await echoing(undefined), tls: await echoing(secureOf(ports.identity)) };
  const row = (over: "tcp" | "tls", aim: number): Contest => ({
    name: `vap: UploadVCR sealed both ways, 48 at once, ${over.toUpperCase()}`,
    unit: "1/s",
    peerName: "echo",
    rounds: 5,
    aim,
    ours: () => rateAt(ports[over], over, false),
    peer: () => rateAt(echo[over], over, true),
  });
  let bare: (() => number) | undefined;
  const onDisk: Contest = {
    name: "vap: UploadVCR on disk, 48 at once, SQLite",
    unit: "1/s",
    peerName: "bare inserts, one flush for 48",
    rounds: 5,
    aim: 0.15,
    ours: () => rateAt(ports.disk, "tcp", false, wallMs),
    peer: async () => {
      bare ??= await bareInserts(folder);
      return bare();
    },
  };
  return [row("tcp", 0.35), row("tls", 0.12), onDisk];
};
