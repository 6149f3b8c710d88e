/**
 * The proxies of the bench `agent`, each before a called side of its own, in processes of their own: started once, measured by
 * their own processor time.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { PeerMissing } from "../kit.ts";
import { cpuOf } from "../process-time.ts";

export const HOST = "127.0.0.1";
const HERE = new URL("./", import.meta.url).pathname;
const START_MS = 2_500;
/** A run of sipp that does not end by itself ends then, and counts for nothing. */
const SIPP_S_MAX = 30;

export interface Started {
  readonly port: number;
  /** Where the caller is: the proxy takes calls from there. */
  readonly caller: number;
  readonly called: number;
  readonly pids: () => ReadonlyArray<number>;
}

const children: Array<ChildProcess> = [];
const folders: Array<string> = [];
process.once("exit", () => {
  for (const child of children) child.kill("SIGTERM"); // killed outright, Kamailio would leave its own processes behind
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
let nextPort = 21_000 + (process.pid % 2_000) * 10;

export const isThere = (command: string): boolean => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const start = (command: string, words: ReadonlyArray<string>): ChildProcess => {
  const child = spawn(command, words, { stdio: "ignore" });
  children.push(child);
  return child;
};
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The called side, and a proxy before it. */
const started = async (proxy: (at: Omit<Started, "pids">, folder: string) => ChildProcess): Promise<Started> => {
  if (!isThere("sipp")) throw new Error("sipp is not installed");
  const at = { port: nextPort++, caller: nextPort++, called: nextPort++ };
  const folder = mkdtempSync(join(tmpdir(), "vipr-bench-"));
  folders.push(folder);
  start("sipp", ["-sf", join(HERE, "uas.xml"), "-i", HOST, "-p", String(at.called), "-nostdin"]);
  const child = proxy(at, folder);
  await wait(START_MS);
  return { ...at, pids: () => [child.pid!, ...childrenOf(child.pid!)] };
};
const once = (make: () => Promise<Started>): (() => Promise<Started>) => {
  let made: Promise<Started> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

const script = (name: string, { port, caller, called }: Omit<Started, "pids">, ...more: ReadonlyArray<string>) =>
  start(process.execPath, [join(HERE, name), String(port), String(caller), String(called), ...more]);

/** Ours. It writes each record to SQLite. */
export const ours = once(() => started((at, folder) => script("proxy.ts", at, folder)));

export const kamailio = once(() => {
  if (!isThere("kamailio")) throw new PeerMissing("not installed");
  return started(({ port, called }, folder) => {
    const file = join(folder, "kamailio.cfg");
    const text = readFileSync(join(HERE, "kamailio.cfg"), "utf8");
    writeFileSync(file, text.replaceAll("@PORT@", String(port)).replaceAll("@TO@", String(called)));
    return start("kamailio", ["-f", file, "-x", "fm", "-X", "fm", "-m", "512", "-M", "32", "-DD", "-E", "-Y", folder]);
  });
});

/** The package `sip`. It writes each record to SQLite as well. */
export const sipOfNpm = once(() => {
  createRequire(import.meta.url).resolve("sip");
  return started((at, folder) => script("sip.cjs", at, folder));
});

const childrenOf = (pid: number): ReadonlyArray<number> =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.split(/\s+/)
    .filter(Boolean)
    .map(Number);

/** Calls a second of the proxy's processor time, over one run of sipp. */
export const callsPerCpuSecond = async (
  { port, caller, pids }: Started,
  calls: number,
  perSecond: number,
): Promise<number> => {
  const before = cpuOf(pids());
  const words = ["-sf", join(HERE, "uac.xml"), "-i", HOST, "-p", String(caller), "-d", "0", "-nostdin"];
  const rate = ["-r", String(perSecond), "-m", String(calls), "-timeout", `${SIPP_S_MAX}s`, "-timeout_error"];
  const child = start("sipp", [`${HOST}:${port}`, ...words, ...rate]);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) console.error(`sipp ended with ${code}: not every call went through`);
  return calls / (cpuOf(pids()) - before);
};
