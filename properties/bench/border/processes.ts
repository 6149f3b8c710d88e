/** The programs of the bench `border`: started, their processor time read, ended with the bench. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

export const HOST = "127.0.0.1";
export const HERE = new URL("./", import.meta.url).pathname;
const LOG_CHARS_MAX = 65_536;
const END_MS = 5_000;

const children = new Set<ChildProcess>();
const folders: Array<string> = [];
process.once("exit", () => {
  for (const child of children) child.kill("SIGTERM"); // killed outright, Kamailio would leave its own processes behind
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

let port = 24_000 + (process.pid % 300) * 25;
export const nextPort = (): number => port++;
export const isThere = (command: string): boolean => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-border-"));
  folders.push(folder);
  return folder;
};

/** `log`: a file that takes what it says. */
export const start = (command: string, words: ReadonlyArray<string>, log?: string): ChildProcess => {
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (bytes) => {
      if (log === undefined || said.length >= LOG_CHARS_MAX) return;
      said += String(bytes);
      writeFileSync(log, said);
    });
  children.add(child);
  child.on("close", () => children.delete(child));
  return child;
};

export const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.on("close", (code) => resolve(code));
  });

/** Politely, or else by force. */
export const end = async (child: ChildProcess): Promise<void> => {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await ended(child);
  clearTimeout(timer);
};

export const childrenOf = (pid: number): ReadonlyArray<number> =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.split(/\s+/)
    .filter(Boolean)
    .map(Number);
