/**
 * docs/tutorial.md, "Two machines", as it stands there: a shell on each. Two network namespaces are the machines where this user
 * may make them, with the page's own addresses and ports; elsewhere two addresses of the loopback interface, with free ones.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "../kit/harness.ts";
import { shown } from "../kit/shown.ts";
import { until, withFolder } from "./processes.ts";
import { openShell, type Shell, withFreePorts } from "./shell.ts";

const [FILE, ...MORE] = shown("docs/tutorial.md", "Two machines", "toml");
const [ACCOUNTS, FIRST, SECOND, LOOK, RECEIVED, SENT, EXPLAIN, ...OTHERS] = shown("docs/tutorial.md", "Two machines");

interface Machines {
  /** The command that runs a shell on each. */
  readonly within: readonly [ReadonlyArray<string>, ReadonlyArray<string>];
  readonly replaced: (text: string) => string;
  readonly end: () => void;
}

const ip = (...args: ReadonlyArray<string>): boolean => spawnSync("ip", args).status === 0;

/** Two networks with a cable between them. */
const namespaces = (): Machines | undefined => {
  const [a, b] = [`vipr-a-${process.pid}`, `vipr-b-${process.pid}`];
  const end = () => void [ip("netns", "delete", a), ip("netns", "delete", b)];
  const isMade =
    ip("netns", "add", a) &&
    ip("netns", "add", b) &&
    ip("link", "add", "v0", "netns", a, "type", "veth", "peer", "name", "v0", "netns", b) &&
    [a, b].every(
      (name, i) =>
        ip("-n", name, "address", "add", `192.0.2.${i + 1}/24`, "dev", "v0") &&
        ["lo", "v0"].every((device) => ip("-n", name, "link", "set", device, "up")),
    );
  if (!isMade) end();
  const enter = (name: string) => ["ip", "netns", "exec", name];
  return isMade ? { within: [enter(a), enter(b)], replaced: (text) => text, end } : undefined;
};

const loopback = async (): Promise<Machines> => {
  const here = (text: string) => text.replaceAll("192.0.2.", "127.0.1.").replaceAll("192\\.0\\.2\\.", "127\\.0\\.1\\.");
  const ports = await withFreePorts(here([FILE, ACCOUNTS].join("\n")));
  return { within: [[], []], replaced: (text) => ports(here(text)), end: () => {} };
};

const story = async (folder: string, { within, replaced }: Machines, shells: Array<Shell>): Promise<void> => {
  const [first, second] = ["first", "second"].map((name) => join(folder, name));
  mkdirSync(first!);
  mkdirSync(second!);
  const [one, two] = [openShell(first!, "", within[0]), openShell(second!, "", within[1])];
  shells.push(one, two);
  const run = async (shell: Shell, block: string) => same(await shell.run(replaced(block)), "0", shell.said());
  const sees = (shell: Shell, what: RegExp) =>
    until(async () => what.exec(shell.said()) ?? undefined, `${what}`).catch((why: unknown) => {
      throw new Error(`${why}\n${one.said()}\n---\n${two.said()}`);
    });

  await run(one, ACCOUNTS!);
  await sees(one, /^accounts +2$/m);
  const [, fingerprint] = await sees(one, /^fingerprint +(\S+)$/m);
  writeFileSync(join(first!, "vipr.toml"), replaced(FILE!).replace("sha256:...", fingerprint!));
  await run(one, FIRST!);
  await sees(one, /agent\.published/);
  copyFileSync(join(first!, "nord-account"), join(second!, "account"));
  copyFileSync(join(first!, "vipr.toml"), join(second!, "acme.toml"));
  if (within[1].length > 0) await run(two, SECOND!);
  else {
    // On one machine the second's own loopback address is another one, too.
    const [sed = "", ...rest] = SECOND!.split("\n");
    await run(two, `${sed}\nsed -i 's/127\\.0\\.0\\.1/127.0.0.2/' vipr.toml\n${rest.join("\n")}`);
  }
  await sees(two, /agent\.published/);
  await run(one, LOOK!);
  ok(/2 nodes seen/.test(one.said()), one.said());
  ok(/^\+4930555001 [0-9a-f]{32} [0-9a-f]{16}$/m.test(one.said()), one.said());

  // Both lines are of one minute: the page's own condition.
  await until(async () => (new Date().getSeconds() < 55 ? true : undefined), "another minute");
  await run(two, RECEIVED!);
  await run(one, SENT!);
  await until(async () => {
    await one.run(replaced(EXPLAIN!));
    return /There is a route, to nord/.test(one.said()) ? true : undefined;
  }, "a route").catch((why: unknown) => {
    throw new Error(`${why}\n${one.said()}\n---\n${two.said()}`);
  });
};

// Under one runtime: the programs themselves run under each in their own tests.
if (!("Deno" in globalThis) && !("Bun" in globalThis))
  test("tutorial: two companies on two machines, from nothing to a route", () =>
    withFolder(async (folder) => {
      same([MORE, OTHERS], [[], []]);
      const machines = namespaces() ?? (await loopback());
      const shells: Array<Shell> = [];
      try {
        await story(folder, machines, shells);
      } finally {
        for (const shell of shells) await shell.end();
        machines.end();
      }
    }));
