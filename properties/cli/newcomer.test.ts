/**
 * docs/operator.md, "Two companies, from nothing to a route", as a newcomer follows it: its file and its commands, by a shell, in
 * their order. Ports are replaced by free ones, `vipr` is this tree's under the runtime at hand; nothing else.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../kit/harness.ts";
import { shown } from "../kit/shown.ts";
import { until, vipr, withFolder } from "./processes.ts";
import { openShell, withFreePorts } from "./shell.ts";

const FILES = shown("docs/operator.md", "Two companies, from nothing to a route", "toml");
const BLOCKS = shown("docs/operator.md", "Two companies, from nothing to a route");

test("operator's guide: two companies on one machine, from nothing to a route", () =>
  withFolder(async (folder) => {
    const replaced = await withFreePorts([...FILES, ...BLOCKS].join("\n"));
    const [file, ...more] = FILES;
    same(more, []);
    writeFileSync(join(folder, "acme.toml"), replaced(file!));
    const [accounts, programs, call, looks, ...others] = BLOCKS.map(replaced);
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
      const [routes, status, doctor] = [
        await inFolder("routes", "list", "--config", "acme.toml"),
        await inFolder("status", "--config", "acme.toml"),
        await inFolder("doctor", "--config", "acme.toml"),
      ];
      same([routes.code, routes.out.includes("+4930555001")], [0, true], routes.out + routes.err);
      same([status.code, /^agent {4}ready, /m.test(status.out)], [0, true], status.out + status.err);
      same([doctor.code, doctor.err], [0, ""], doctor.out);
      ok(/There is a route, to nord/.test(shell.said()), shell.said());
    } finally {
      await shell.end();
    }
  }));
