/**
 * The commands that README and the operator's guide show, run as they stand there: line by line, each to its end or, with `&`, until
 * the program says that it is ready. Replaced are ports and addresses, the fingerprint that the authority has printed, and
 * directories that are another machine's. properties/docs/commands.test.ts says which blocks are left.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../kit/harness.ts";
import { linesOf, shown } from "../kit/shown.ts";
import { POLITE_END, until, withFolder } from "./processes.ts";
import { openShell, type Shell, withFreePorts } from "./shell.ts";
import { ANSWERS, optionsOf } from "./small-company.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const TYPED = "a word of one's own\n";

/** What a program prints when it is there. */
const READY: Readonly<Record<string, RegExp>> = {
  authority: /^accounts +\d/gm,
  node: /^node [0-9a-f]{32} of /gm,
  server: /^domains +\S/gm,
  page: /^page +https/gm,
  ticket: /^check +http/gm,
};

/** Ports that a page leaves to their defaults, which another test may have at the same time. */
const UNSAID: Readonly<Record<string, ReadonlyArray<string>>> = {
  node: ["--admin"],
  server: ["--admin", "--vap", "--pvp"],
  ticket: ["--listen"],
};

const withUnsaid = (line: string): string => {
  const [, name = ""] = line.split(" ");
  const more = (UNSAID[name] ?? []).filter((option) => !line.includes(`${option} `));
  return line.replace(/ &.*$/, `${more.map((option) => ` ${option} 127.0.0.1:0`).join("")} &`);
};

type Replace = (line: string, said: string) => string;

/** Of the authority's, in place of the one that a page shortens. */
const withFingerprint: Replace = (line, said) =>
  line.replace(/sha256:[0-9a-f:]*\.\.\./, () => /^fingerprint +(\S+)$/m.exec(said)?.[1] ?? "none was printed");

const countOf = (what: RegExp, text: string): number => [...text.matchAll(what)].length;

/** `codes`: of those lines that do not end with 0, by what they begin with. */
const follow = async (
  shell: Shell,
  lines: ReadonlyArray<string>,
  replaced: Replace,
  codes: Readonly<Record<string, string>> = {},
): Promise<void> => {
  for (const shownLine of lines) {
    const line = withFingerprint(replaced(shownLine, shell.said()), shell.said());
    const isProgram = / &( |$)/.test(line);
    const ready = READY[line.split(" ")[1] ?? ""];
    const before = isProgram ? countOf(ready!, shell.said()) : 0;
    const code = await shell.run(isProgram ? `${withUnsaid(line)}\n${line.split(" ")[1]}=$!` : line);
    same(
      code,
      Object.entries(codes).find(([start]) => shownLine.startsWith(start))?.[1] ?? "0",
      `${line}\n${shell.said()}`,
    );
    if (isProgram)
      await until(async () => countOf(ready!, shell.said()) > before || undefined, line).catch((why: unknown) => {
        throw new Error(`${why}\n${shell.said()}`);
      });
  }
};

const withShell = (use: (shell: Shell, folder: string) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const shell = openShell(folder, TYPED);
    try {
      await use(shell, folder);
    } finally {
      await shell.end();
    }
  });

test("README: an overlay of one's own, and a company's ViPR server in it", () =>
  withShell(async (shell) => {
    const [, overlay, server, ...others] = shown("README.md", "The commands");
    same(others, []);
    const replaced = await withFreePorts(`${overlay}\n${server}`);
    await follow(shell, [...linesOf(overlay!), ...linesOf(server!)], replaced, { "vipr explain": "1" });
    ok(/^\+14085555432 is published/m.test(shell.said()), shell.said());
  }));

/** Another company's address and directories are this machine's. */
const onThisMachine = async (text: string): Promise<Replace> => {
  const here = (part: string) =>
    part
      .replaceAll("192.0.2.", "127.0.0.")
      .replaceAll("/backup/", "backup-")
      .replaceAll("./nord", "./acme")
      .replaceAll("DIR", "./authority");
  const replaced = await withFreePorts(here(text));
  return (line) => replaced(here(line));
};

/** The long ones once: README's runs under each runtime, and so do the programs in their own tests. npm's scripts are Node's. */
const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);

if (isNode)
  test("operator's guide: an overlay, a ViPR server, its tenants, tickets by hand, backups, a new root, as its pages show them", () =>
    withShell(async (shell, folder) => {
      const [minutes, server, tenants, tickets, backups, roots] = [
        shown("docs/operator.md", "Five minutes on one machine"),
        shown("docs/operator.md", "A ViPR server"),
        shown("docs/operator.md", "Several companies on one server"),
        shown("docs/operator.md", "Tickets by hand"),
        shown("docs/operator.md", "Backups"),
        shown("docs/deploy/upgrade.md", "A new root"),
      ].map((blocks) => linesOf(blocks.join("\n")));
      const replaced = await onThisMachine([...minutes!, ...server!, ...tickets!].join("\n"));
      await follow(shell, minutes!, replaced);
      ok(/^\+14085555432 [0-9a-f]{32} 0{16}$/m.test(shell.said()), shell.said());

      same(await shell.run("(umask 077; openssl rand -hex 12 > acme-password)"), "0");
      same(await shell.run("vipr authority add-user acme --password-file acme-password --data ./authority"), "0");
      await follow(shell, server!, replaced);
      await follow(shell, tenants!, replaced, { "vipr explain": "1" });
      ok(/^nord +25/m.test(shell.said()), shell.said());

      const TICKET = /^ticket +(\S+)$|^([\w+/=]{100,})$/gm;
      await follow(shell, tickets!, (line, said) => {
        const [, named, alone] = [...said.matchAll(TICKET)].at(-1) ?? [];
        return replaced(line, said).replace("TICKET", named ?? alone ?? "none was minted");
      });
      ok(/good/.test(shell.said()), shell.said());

      await follow(
        shell,
        backups!.filter((line) => !line.includes("postgres:")),
        replaced,
      );
      ok(existsSync(join(folder, "backup-vipr-1")) && existsSync(join(folder, "new", "values.sqlite")));

      const start = minutes!.find((line) => line.startsWith("vipr authority --data"))!;
      // The reference's own examples of orders, at the directories that there are by now; what removes comes last.
      const reference = ["vipr authority", "vipr node", "vipr server"]
        .flatMap((name) => linesOf(shown("docs/command.md", name).join("\n")))
        .filter((line) => /^vipr \w+ [a-z]/.test(line) && !line.includes("-root ")) // new roots want restarts: below
        .sort((a, b) => Number(a.includes(" remove-")) - Number(b.includes(" remove-")));
      const AT: Readonly<Record<string, string>> = { authority: "./authority", node: "./two", server: "./acme" };
      await follow(shell, reference, (line) =>
        line.replace(/\/var\/lib\/vipr\/(\w+)/, (_, one: string) => AT[one]!).replace("/etc/vipr/", "./"),
      );

      const fingerprints = () => [...shell.said().matchAll(/^fingerprint +(\S+)$/gm)].map(([, one]) => one);
      for (const line of roots!) {
        if (!line.startsWith("systemctl restart vipr-authority")) await follow(shell, [line], replaced);
        else {
          same(await shell.run("kill -TERM $authority; wait $authority"), String(POLITE_END));
          await follow(shell, [start], replaced);
        }
      }
      same(new Set(fingerprints()).size, 2, `another root than before: ${fingerprints().join(", ")}`);
    }));

test("operator's guide: certificates of a cluster, and the page for other machines", () =>
  withShell(async (shell, folder) => {
    for (const line of linesOf(shown("docs/operator.md", "Several machines of one company").join("\n")))
      same(await shell.run(line), "0", shell.said());
    for (const purpose of ["sslserver", "sslclient"]) {
      const args = ["verify", "-purpose", purpose, "-CAfile", "cluster-ca.pem", "cluster.pem"];
      const { status, stdout, stderr } = spawnSync("openssl", args, { cwd: folder });
      same([status, String(stdout)], [0, "cluster.pem: OK\n"], String(stderr));
    }

    const certificate = linesOf(shown("docs/tutorial.md", "A company behind ViPR, in five commands").join("\n")).find(
      (line) => line.startsWith("openssl req"),
    )!;
    same(await shell.run(certificate.replace("border-key.pem", "page.key").replace("border.pem", "page.pem")), "0");
    writeFileSync(join(folder, "vipr.toml"), 'domain = "acme.example"\ndata = "company"\n[server]\nuser = "acme"\n');
    const [page] = shown("docs/operator.md", "The page");
    await follow(shell, [`${page} &`], await onThisMachine(page!));
  }));

test("pages: the configuration's mistakes, readings and options, as they are shown", () =>
  withShell(async (shell, folder) => {
    const [asks, ...lines] = linesOf(shown("docs/configuration.md", "Configuration").join("\n"));
    same(asks!.replace(/ *#.*/, ""), "vipr config init");
    same(await shell.run(`vipr config init ${optionsOf(ANSWERS).join(" ")}`), "0", shell.said());
    same(await shell.run(lines[0]!), "0", shell.said());
    // The other sections speak of keys that the example alone has.
    copyFileSync(join(ROOT, "docs/vipr.toml.example"), join(folder, "vipr.toml"));
    for (const line of lines) same(await shell.run(line), "0", shell.said());
    for (const line of linesOf(shown("docs/configuration.md", "Options").join("\n")))
      same(await shell.run(`vipr config show vipr.toml ${line}`), "0", shell.said());
  }));

if (isNode)
  test("pages: the specification's table, as it is asked for", () =>
    withShell(async (shell) => {
      same(await shell.run(`cd ${ROOT}`), "0");
      const lines = linesOf(shown("docs/specification.md", "The specification beside the tests").join("\n"));
      for (const line of lines.filter((one) => !one.includes("FOLDER")))
        same(await shell.run(line), "0", `${line}\n${shell.said()}`);
    }));

test("enrolment: a node's certificate by curl and openssl, as the page shows it", () =>
  withShell(async (shell, folder) => {
    const [block] = shown("docs/protocol/enrolment.md", "With curl");
    const replaced = await withFreePorts(block!);
    await follow(shell, linesOf(replaced(block!)), (line) => line);
    ok(/URI:reload:\/\/[0-9a-f]{36}@overlay\.example\/, email:alice@overlay\.example/.test(shell.said()), shell.said());
    ok(existsSync(join(folder, "cert.der")));
  }));

test("pages: what is to be typed first gives the command", () =>
  withShell(async (shell) => {
    const firsts = [
      shown("README.md", "The commands")[0],
      shown("docs/operator.md", "Running an overlay")[0],
      shown("docs/tutorial.md", "A company behind ViPR, in five commands")[0],
    ];
    for (const first of firsts) {
      const lines = linesOf(first!).filter((line) => line !== "npm ci");
      same(await shell.run(`cd ${ROOT}`), "0");
      for (const line of [...lines, "vipr --version", "unalias vipr"]) same(await shell.run(line), "0", shell.said());
    }
    same(countOf(/^vipr \d+\.\d+\.\d+/gm, shell.said()), firsts.length, shell.said());
  }));
