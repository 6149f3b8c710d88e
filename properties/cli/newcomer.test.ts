/**
 * docs/operator.md, "Two companies, from nothing to a route", as a newcomer follows it: its file and its commands, by a shell, in
 * their order. Ports are replaced by free ones, `vipr` is this tree's under the runtime at hand; nothing else.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { until, vipr, withFolder } from "./processes.ts";

const MAIN = new URL("../../runtime/main.ts", import.meta.url).pathname;
const PAGE = readFileSync(new URL("../../docs/operator.md", import.meta.url), "utf8");
const SECTION = /^## Two companies, from nothing to a route\n(.*?)^## /ms.exec(PAGE)![1]!;
const blocksOf = (language: string) =>
  [...SECTION.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text!);

/** Of the section, with a free port for each of its own. */
const withFreePorts = async () => {
  const named = [...SECTION.matchAll(/127\.0\.0\.1:(\d{4})\b|s\/(\d{4})\/(\d{4})\//g)].flatMap(([, ...ports]) => ports);
  const ports = new Map<string, number>();
  for (const port of new Set(named.filter((one) => one !== undefined))) ports.set(port, await freePort());
  const any = new RegExp(`(?<=[:/])(${[...ports.keys()].join("|")})(?=[/"' ]|$)`, "gm");
  return (text: string) => text.replace(any, (port) => String(ports.get(port)));
};

/** A shell that is given one block after another; what it and its programs have printed. */
const openShell = (folder: string) => {
  mkdirSync(join(folder, "bin"));
  const own = "Deno" in globalThis ? "run -A " : "";
  writeFileSync(join(folder, "bin", "vipr"), `#!/bin/sh\nexec "${process.execPath}" ${own}"${MAIN}" "$@" </dev/null\n`);
  chmodSync(join(folder, "bin", "vipr"), 0o755);
  const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  const shell = spawn("sh", [], { cwd: folder, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  let said = "";
  for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (bytes) => (said += bytes));
  let blocks = 0;
  return {
    said: () => said,
    run: (block: string) => {
      const mark = `block ${++blocks} is over`;
      shell.stdin.write(`${block}\necho "${mark}: $?"\n`);
      return until(async () => new RegExp(`^${mark}: (\\d+)$`, "m").exec(said)?.[1], mark);
    },
    end: async () => {
      const ended = new Promise<void>((resolve) => shell.on("close", () => resolve()));
      process.kill(-shell.pid!, "SIGTERM"); // and all that it has started
      await ended;
    },
  };
};

test("operator's guide: two companies on one machine, from nothing to a route", () =>
  withFolder(async (folder) => {
    const replaced = await withFreePorts();
    const [file, ...more] = blocksOf("toml");
    same(more, []);
    writeFileSync(join(folder, "acme.toml"), replaced(file!));
    const [accounts, programs, call, looks, ...others] = blocksOf("sh").map(replaced);
    same(others, []);
    const shell = openShell(folder);
    const sees = (what: RegExp) =>
      until(async () => (what.test(shell.said()) ? true : undefined), `${what} in ${shell.said()}`);
    const inFolder = (...args: ReadonlyArray<string>) => vipr(args, "", undefined, folder);
    try {
      same(await shell.run(accounts!), "0", shell.said());
      await sees(/^accounts +2$/m);
      same(await shell.run(programs!), "0", shell.said());
      await until(async () => {
        const { code, out } = await inFolder("numbers", "list", "--config", "nord.toml");
        return code === 0 && out.trim().split("\n").length === 10 ? true : undefined;
      }, `ten numbers: ${shell.said()}`);
      await sees(/vap\.client\.registered/);
      same(await shell.run(call!), "0", shell.said());
      await until(async () => {
        const { out } = await inFolder("explain", "+4930555001", "--data", "acme", "--json");
        return JSON.parse(out || "{}").story?.learned?.domain === "nord.example" ? true : undefined;
      }, `a route: ${shell.said()}`);
      same(await shell.run(looks!), "0", shell.said());
      ok(/There is a route, to nord/.test(shell.said()), shell.said());
    } finally {
      await shell.end();
    }
  }));
