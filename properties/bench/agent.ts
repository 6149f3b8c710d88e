/**
 * The call agent's proxy beside Kamailio: INVITE 180 200 ACK BYE 200 over UDP, with Record-Route, the same sipp scenario for
 * both, and what they cost by their own processor time. Ours writes each record to SQLite as well.
 *
 *   sipp (caller) --> ours or Kamailio --> sipp (called)        one process each, started once, measured round by round
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { SipRequest } from "../../codecs/sip/mod.ts";
import { answer, invite, PBX, TRUNK, World } from "../proxy/world.ts";
import { type Contest, heapBytesOf, PeerMissing } from "./kit.ts";

const HOST = "127.0.0.1";
const HERE = new URL("./agent/", import.meta.url).pathname;
const CALLS = 1_000;
/** Well below what either sustains here: sipp has the same two cores. */
const RATE = 250;
const TICKS_PER_SECOND = 100;
const CALLS_UNDER_WAY = 10_000;

interface Started {
  readonly port: number;
  readonly caller: number;
  readonly pids: () => ReadonlyArray<number>;
}
const children: Array<ChildProcess> = [];
const folders: Array<string> = [];
process.once("exit", () => {
  for (const child of children) child.kill("SIGTERM"); // killed outright, Kamailio would leave its own processes behind
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
let nextPort = 21_000 + (process.pid % 2_000) * 10;

const isThere = (command: string): boolean => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const start = (command: string, words: ReadonlyArray<string>): ChildProcess => {
  const child = spawn(command, words, { stdio: "ignore" });
  children.push(child);
  return child;
};
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The called side, and a proxy before it. */
const started = async (proxy: (port: number, caller: number, called: number, folder: string) => ChildProcess) => {
  const [port, caller, called] = [nextPort++, nextPort++, nextPort++];
  const folder = mkdtempSync(join(tmpdir(), "vipr-bench-"));
  folders.push(folder);
  start("sipp", ["-sf", join(HERE, "uas.xml"), "-i", HOST, "-p", String(called), "-nostdin"]);
  const child = proxy(port, caller, called, folder);
  await wait(2_500);
  const pids = () => [child.pid!, ...childrenOf(child.pid!)];
  return { port, caller, pids } satisfies Started as Started;
};
const childrenOf = (pid: number): ReadonlyArray<number> =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.split(/\s+/)
    .filter(Boolean)
    .map(Number);

/** Seconds of processor time that these processes have used. */
const cpuOf = (pids: ReadonlyArray<number>): number =>
  pids
    .filter((pid) => existsSync(`/proc/${pid}/stat`))
    .map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    })
    .reduce((sum, seconds) => sum + seconds, 0);

/** Calls a second of processor time, over one run of sipp. */
const measure = async ({ port, caller, pids }: Started): Promise<number> => {
  const before = cpuOf(pids());
  const words = [
    "-sf",
    join(HERE, "uac.xml"),
    "-i",
    HOST,
    "-p",
    String(caller),
    "-r",
    String(RATE),
    "-m",
    String(CALLS),
  ];
  const child = start("sipp", [`${HOST}:${port}`, ...words, "-d", "0", "-nostdin", "-timeout", "20s"]);
  await new Promise((resolve) => child.on("close", resolve));
  return CALLS / (cpuOf(pids()) - before);
};

let ours: Promise<Started> | undefined;
let kamailio: Promise<Started> | undefined;
const startOurs = () =>
  started((port, caller, called, folder) =>
    start(process.execPath, [join(HERE, "proxy.ts"), String(port), String(caller), String(called), folder]),
  );
const startKamailio = () =>
  started((port, _, called, folder) => {
    const file = join(folder, "kamailio.cfg");
    const text = readFileSync(join(HERE, "kamailio.cfg"), "utf8");
    writeFileSync(file, text.replaceAll("@PORT@", String(port)).replaceAll("@TO@", String(called)));
    return start("kamailio", ["-f", file, "-x", "fm", "-X", "fm", "-m", "512", "-M", "32", "-DD", "-E", "-Y", folder]);
  });

/** Bytes of a call that is up, of so many. */
const bytesOfCall = async (): Promise<number> => {
  const bytes = await heapBytesOf(() => {
    const world = new World({ limits: { sameCallMax: CALLS_UNDER_WAY } });
    for (let i = 0; i < CALLS_UNDER_WAY; i++) {
      const sent = world.from(PBX, invite({ callId: `call-${i}@192.0.2.11`, branch: `z9hG4bK-bench-${i}` }));
      const out = sent.at(-1)!.message as SipRequest;
      world.from(TRUNK, answer(out, 180));
      world.from(TRUNK, answer(out, 200));
      world.orders.length = 0;
      world.saved.clear();
      world.nowMs += 1;
    }
    return world;
  });
  return bytes / CALLS_UNDER_WAY;
};

export const contests: ReadonlyArray<Contest> = [
  {
    name: "agent: calls, record-routed over UDP, record written",
    unit: "1/cpu-s",
    peerName: "Kamailio",
    ours: async () => {
      if (!isThere("sipp")) throw new Error("sipp is not installed");
      ours ??= startOurs();
      return measure(await ours);
    },
    peer: async () => {
      if (!isThere("kamailio")) throw new PeerMissing("not installed");
      kamailio ??= startKamailio();
      return measure(await kamailio);
    },
    rounds: 3,
    aim: 0.5,
  },
  {
    name: "agent: memory of a call under way, of 10,000",
    unit: "bytes",
    peerName: "8 KiB",
    ours: bytesOfCall,
    peer: () => 8_192,
    lowerIsBetter: true,
    rounds: 2,
    aim: 1,
  },
];
