/**
 * docs/tutorial.md, "A PBX of one page", behind its company of five commands: Kamailio and two baresip, by a shell. Ports are
 * replaced by free ones, the call is shorter, `vipr` is this tree's under the runtime at hand; nothing else.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testWith } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { shown } from "../kit/shown.ts";
import { until, vipr, withFolder } from "./processes.ts";
import { openShell, withFreePorts } from "./shell.ts";

const [COMPANY] = shown("docs/tutorial.md", "A company behind ViPR, in five commands", "toml");
const [, CERTIFICATE, ACCOUNT, AUTHORITY, , START] = shown(
  "docs/tutorial.md",
  "A company behind ViPR, in five commands",
);
const [PBX] = shown("docs/tutorial.md", "A PBX of one page", "kamailio");
const [TELEPHONE] = shown("docs/tutorial.md", "A PBX of one page", "baresip");
const [PROGRAMS, CALL, LOOK, ...OTHERS] = shown("docs/tutorial.md", "A PBX of one page");
const TALK_S = 4;

/** Ports that the page leaves to their defaults, which another test may have at the same time. */
const unsaid = async (): Promise<string> => {
  const [vap, inside, agents] = [await freePort(), await freePort(), await freePort()];
  return `[border]\ninside = ["tcp:127.0.0.1:${inside}"]\ncall-agents = ["tcp:127.0.0.1:${agents}"]\n[server]\nvap = "127.0.0.1:${vap}"\n`;
};

testWith("baresip", "tutorial: a call of a PBX of one page is recorded, and waits for its proof", () =>
  withFolder(async (folder) => {
    same(OTHERS, []);
    const page = [COMPANY, AUTHORITY, PBX, TELEPHONE, PROGRAMS, CALL].join("\n");
    const replaced = await withFreePorts(page);
    const [border, server] = (await unsaid()).split(/(?=\[server\])/);
    const trunk = /:(\d+)/.exec(replaced("x:5060"))![1]!;
    const company = replaced(COMPANY!)
      .replace("port = 5060", `port = ${trunk}`)
      .replace("[border]\n", border!)
      .replace("[server]\n", server!);
    writeFileSync(join(folder, "vipr.toml"), company);
    writeFileSync(join(folder, "account"), "a word of one's own\n", { mode: 0o600 });
    writeFileSync(join(folder, "pbx.cfg"), replaced(PBX!));
    mkdirSync(join(folder, "telephone"));
    writeFileSync(join(folder, "telephone", "config"), replaced(TELEPHONE!));
    const shell = openShell(folder);
    const sees = (what: RegExp) =>
      until(async () => (what.test(shell.said()) ? true : undefined), `${what} in ${shell.said()}`);
    try {
      for (const block of [CERTIFICATE!, ACCOUNT!, replaced(AUTHORITY!)])
        same(await shell.run(block), "0", shell.said());
      await sees(/^enrolment /m);
      same(await shell.run(START!), "0", shell.said());
      await sees(/^ready$/m);
      same(await shell.run(replaced(PROGRAMS!)), "0", shell.said());
      await shell.run(replaced(CALL!).replace(" 45 ", ` ${TALK_S} `)); // which ends by a signal
      await sees(/agent\.call \+49…01 \{"direction":"sent","trunk":"carrier"/);
      const told = await until(async () => {
        const { code, out } = await vipr(
          ["explain", "+49305550901", "--data", "company/server", "--json"],
          "",
          undefined,
          folder,
        );
        return code === 0
          ? (JSON.parse(out) as { readonly story: { readonly waiting: ReadonlyArray<unknown> } })
          : undefined;
      }, shell.said());
      same(told.story.waiting.length, 1);
      same(await shell.run(LOOK!), "0", shell.said());
      ok(/calls of ours to it: 1 /.test(shell.said()), shell.said());
    } finally {
      await shell.end();
    }
  }),
);
