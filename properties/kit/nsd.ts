/** nsd on loopback, with zones of a test's own; it ends with the scope. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import { freePort } from "./ports.ts";

const HOST = "127.0.0.1";
const UP_MS_MAX = 10_000;
const LOOK_MS = 20;

const configOf = (folder: string, port: number, zones: ReadonlyArray<string>): string => `server:
  ip-address: ${HOST}@${port}
  username: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: ""
  zonelistfile: "${folder}/zone.list"
  xfrdir: "${folder}"
  logfile: "${folder}/log"
  server-count: 1
remote-control:
  control-enable: no
${zones.map((name) => `zone:\n  name: ${name}\n  zonefile: ${name}.zone\n`).join("")}`;

/** `zones`: records by the zone's name, without its SOA; a time to live stands in them where it matters. Gives its address. */
export const startNsd = Effect.fn("test.nsd")(function* (zones: Readonly<Record<string, string>>) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-nsd-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
  );
  const port = yield* Effect.promise(freePort);
  for (const [name, records] of Object.entries(zones))
    writeFileSync(
      join(folder, `${name}.zone`),
      `$ORIGIN ${name}.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 30\n@ IN NS ns\nns IN A ${HOST}\n${records}\n`,
    );
  writeFileSync(join(folder, "nsd.conf"), configOf(folder, port, Object.keys(zones)));
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn("/usr/sbin/nsd", ["-d", "-c", join(folder, "nsd.conf")], { stdio: "ignore" });
      child.on("error", () => {});
      return child;
    }),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null) return resume(Effect.void);
        child.once("exit", () => resume(Effect.void));
        child.kill("SIGTERM");
      }),
  );
  const said = () => {
    try {
      return readFileSync(join(folder, "log"), "utf8");
    } catch {
      return "";
    }
  };
  for (let ms = 0; !said().includes("nsd started"); ms += LOOK_MS) {
    if (ms > UP_MS_MAX) throw new Error(`nsd does not start: ${said()}`);
    yield* Effect.sleep(LOOK_MS);
  }
  return `${HOST}:${port}`;
});
