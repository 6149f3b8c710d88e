/**
 * Our SRTP beside libsrtp, in each suite: the same bytes where both secure, and what one secures the other opens, over a turn
 * of the sequence number, with loss, disorder, repetition and forgery.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOfHex, hexOf } from "../../codecs/shared/mod.ts";
import { SUITES, type SuiteName } from "../../codecs/sip/mod.ts";
import { SrtpReceiver, type SrtpResult, SrtpSender } from "../../machines/srtp/mod.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { platformPrimitives } from "../../runtime/srtp.ts";
import type { InteropCheck } from "./run.ts";

const PACKETS = 2_000;
const FIRST = 65_536 - 700;

/** libsrtp as a process: lines in, as many lines out. */
const libsrtp = async (folder: string, suite: SuiteName, keySalt: Uint8Array) => {
  const program = join(folder, "srtp-peer");
  const source = new URL("srtp-peer.c", import.meta.url).pathname;
  const built = spawnSync("gcc", ["-Wall", "-Wextra", "-Werror", "-o", program, source, "-lsrtp2"], {
    encoding: "utf8",
  });
  ok(built.status === 0, built.stderr);
  const ask = (lines: ReadonlyArray<string>) =>
    new Promise<ReadonlyArray<string>>((resolve, reject) => {
      const child = spawn(program, [suite, hexOf(keySalt)], { stdio: ["pipe", "pipe", "inherit"] });
      let text = "";
      child.stdout.on("data", (bytes) => (text += bytes));
      child.on("error", reject);
      child.on("close", () => resolve(text.split("\n").slice(0, -1)));
      child.stdin.end(lines.map((line) => `${line}\n`).join(""));
    });
  return ask;
};

const textOf = (result: SrtpResult): string => (typeof result === "string" ? "refused" : hexOf(result));
const isSame = (theirs: string, ours: string) =>
  theirs === ours || (ours === "refused" && theirs.startsWith("refused"));

const compare = async (suite: SuiteName, folder: string): Promise<void> => {
  const chance = chanceOf(7);
  const keySalt = chance.bytes(SUITES[suite].keyBytes + 14);
  const ask = await libsrtp(folder, suite, keySalt);
  const packets = Array.from({ length: PACKETS }, (_, i) => {
    const rtp = chance.bytes(12 + chance.between(0, 300));
    const sequence = (FIRST + i) & 0xffff;
    rtp.set([0x80, i % 50 === 0 ? 101 : 8, sequence >> 8, sequence & 255]);
    rtp.set([0, 0, 0, 7], 8);
    const rtcp = chance.bytes(8 + 4 * chance.between(0, 20));
    rtcp.set([0x80, 200 + (i % 4), 0, 0, 0, 0, 0, 7]);
    return { rtp, rtcp };
  });
  const sender = new SrtpSender(platformPrimitives, SUITES[suite], keySalt);
  const ours = packets.map(({ rtp, rtcp }) => ({ rtp: textOf(sender.rtp(rtp)), rtcp: textOf(sender.rtcp(rtcp)) }));
  const theirs = await ask(packets.flatMap(({ rtp, rtcp }) => [`p ${hexOf(rtp)}`, `P ${hexOf(rtcp)}`]));
  same(
    theirs.filter((_, i) => i % 2 === 0),
    ours.map(({ rtp }) => rtp),
  );
  // Their first index of RTCP is 1, ours 0: the same packet is another one.
  const on: Array<string> = [];
  for (const [i, { rtp, rtcp }] of ours.entries()) {
    if (chance.between(0, 9) === 0) continue;
    const lines = [`u ${rtp}`, `U ${rtcp}`, `U ${theirs[2 * i + 1]!}`];
    const forged = bytesOfHex(rtp);
    forged[chance.between(0, forged.length - 1)]! ^= 1 << chance.between(0, 7);
    if (chance.between(0, 9) === 0) lines.push(`u ${rtp}`);
    if (chance.between(0, 9) === 0) lines.unshift(`u ${hexOf(forged)}`);
    const at = Math.max(0, on.length - (chance.between(0, 4) === 0 ? chance.between(0, 90) : 0));
    on.splice(at, 0, ...lines);
  }
  const receiver = new SrtpReceiver(platformPrimitives, SUITES[suite], [{ keySalt }]);
  const opened = on.map((line) => {
    const bytes = bytesOfHex(line.slice(2));
    return textOf(line[0] === "u" ? receiver.rtp(bytes) : receiver.rtcp(bytes));
  });
  const byThem = await ask(on);
  same(byThem.length, on.length);
  const apart = on.flatMap((line, i) =>
    isSame(byThem[i]!, opened[i]!) ? [] : [{ line, ours: opened[i], theirs: byThem[i] }],
  );
  same(apart, []);
  ok(opened.filter((text) => text !== "refused").length > PACKETS);
};

export const checks: ReadonlyArray<InteropCheck> = (Object.keys(SUITES) as ReadonlyArray<SuiteName>).map((suite) => ({
  name: `media: SRTP beside libsrtp, ${suite}`,
  needs: ["gcc", "/usr/include/srtp2/srtp.h"],
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), "vipr-srtp-"));
    try {
      await compare(suite, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
}));
