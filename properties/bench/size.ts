/**
 * What a page loads: entries bundled by `bun build`, minified and compressed, in kB, beside what others take for the like.
 *
 *   one message's codec     one machine     both
 *
 * Builds `dist/` first. A peer that is not installed leaves its row without a ratio.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { type Contest, PeerMissing, runtimeName } from "./kit.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const MODULES = join(ROOT, "node_modules");
const folder = mkdtempSync(join(MODULES, ".vipr-size-")); // where packages are found, and ourselves by our name
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const kiloBytesOf = (code: string) => () => {
  const file = join(folder, "page.js");
  const out = join(folder, "out.js");
  writeFileSync(file, code);
  const args = ["build", "--minify", "--target=browser", `--outfile=${out}`, file];
  execFileSync(join(MODULES, ".bin/bun"), args, { stdio: ["ignore", "ignore", "pipe"] });
  return gzipSync(readFileSync(out)).length / 1_000;
};
const ofPeer = (name: string, code: string) => {
  const size = kiloBytesOf(code);
  return () => {
    if (!existsSync(join(MODULES, name))) throw new PeerMissing("not installed");
    return size();
  };
};

const CODEC = 'import { decode, encode } from "vipr/codecs/wire"; import { VapMessage } from "vipr/codecs/vap";';
const XSTATE = 'import { createActor, createMachine } from "xstate"; console.log(createActor, createMachine);';
const PROTOBUF = 'import protobuf from "protobufjs/light.js"; console.log(protobuf);';

export const contests = (): ReadonlyArray<Contest> => {
  const own = runtimeName === "deno" ? ["run", "-A"] : [];
  execFileSync(process.execPath, [...own, join(ROOT, "properties/package/build.ts")], { stdio: "inherit" });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/vipr"));
  const contest = (name: string, code: string, peerName: string, peerCode: string, aim?: number): Contest => ({
    ...{ name: `size: ${name}`, unit: "kB", peerName, lowerIsBetter: true, rounds: 1 },
    ...(aim === undefined ? {} : { aim }),
    ours: kiloBytesOf(code),
    peer: ofPeer(peerName, peerCode),
  });
  return [
    contest(
      "read and write one message",
      `${CODEC} console.log(decode, encode, VapMessage);`,
      "protobufjs",
      PROTOBUF,
      1,
    ),
    contest(
      "one machine",
      'import { vapTransaction } from "vipr/machines/vap"; console.log(vapTransaction);',
      "xstate",
      XSTATE,
      1,
    ),
    contest(
      "codec and one machine",
      `${CODEC} import { vapTransaction } from "vipr/machines/vap"; console.log(decode, encode, VapMessage, vapTransaction);`,
      "@noble/curves",
      'export * from "@noble/curves/nist.js"; export * from "@noble/curves/ed25519.js";',
      1,
    ),
  ];
};
