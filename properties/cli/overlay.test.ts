/** An overlay as its operators run it: an authority and five nodes, each a process with files and sockets of its own. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import type { RingReport } from "../../actors/admin/mod.ts";
import { addAccount } from "../../runtime/cli/accounts.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { POLITE_END, type Running, reportOf, start, until, vipr, withFolder } from "./processes.ts";

const NODES = 5;
const NUMBER = "+14085555432";
const names = Array.from({ length: NODES }, (_, i) => `n${i + 1}`);
const passwordOf = (name: string) => `${name} knows its word`;

const seesAll = (folder: string) => async () => {
  const report = await reportOf(folder);
  return report?.nodesSeen === NODES ? report : undefined;
};

/** The accounts file as `add-user` writes it, once by the command and for the rest without a process each. */
const makeAccounts = async (folder: string) => {
  const [first, ...others] = names;
  const added = await vipr(["authority", "add-user", first!, "--data", folder], `${passwordOf(first!)}\n`);
  same([added.code, added.out], [0, `${first} may enrol\n`]);
  await Effect.runPromise(
    Effect.flatMap(openFolder(folder), (opened) =>
      Effect.forEach(others, (name) => addAccount(opened, name, passwordOf(name))),
    ),
  );
};

// RFC 6940 §11.4; ViPR overview §5.1
test("five processes form an overlay, find each other's numbers, and survive kill -9 of their first", async () => {
  await withFolder(async (root) => {
    const dir = (name: string) => join(root, name);
    await makeAccounts(dir("authority"));
    const port = await freePort();
    const authority = start([
      ...["authority", "--data", dir("authority"), "--name", "vipr.test", "--listen", "127.0.0.1:0"],
      ...["--bootstrap", `127.0.0.1:${port}`],
    ]);
    await authority.said(/^accounts +5$/m);
    const url = (await authority.said(/^enrolment +(\S+)$/m))[1]!;
    const fingerprint = (await authority.said(/^fingerprint +(\S+)$/m))[1]!;

    mkdirSync(dir("words"));
    const node = (name: string, again = false): Running => {
      const word = join(dir("words"), name);
      writeFileSync(word, `${passwordOf(name)}\n`);
      const first = ["--authority", url, "--fingerprint", fingerprint, "--user", name, "--password-file", word];
      const listen = `127.0.0.1:${name === "n1" ? port : 0}`;
      const args = ["node", "--data", dir(name), "--listen", listen, "--admin", "127.0.0.1:0"];
      return start(again ? args : [...args, ...first]);
    };
    const JOINED = /^node ([0-9a-f]{32}) of vipr\.test is at (\S+), admin/m;
    // A node that comes before there is a ring asks for its place again, later and later.
    const early = node("n2");
    await until(async () => /notJoined nobody to join; again in 2 s/.exec(early.err()) ?? undefined, "n2 asks again");
    ok(/notJoined nobody to join; again in 1 s/.test(early.err()), early.err());
    const running = new Map<string, Running>([
      ["n1", node("n1")],
      ["n2", early],
    ]);
    const nodeIds = [(await running.get("n1")!.said(JOINED))[1]!];
    for (const name of names.slice(2)) running.set(name, node(name));
    for (const name of names.slice(1)) nodeIds.push((await running.get(name)!.said(JOINED))[1]!);
    await Promise.all(names.map((name) => until(seesAll(dir(name)), `${name} sees ${NODES}`)));

    const published = await vipr(["node", "publish", NUMBER, "--data", dir("n2"), "--vservice", "2a"]);
    same([published.code, published.err], [0, ""]);
    const claim = `${NUMBER} ${nodeIds[1]} 000000000000002a\n`;
    const [found, shown, drawn] = await Promise.all([
      vipr(["node", "find", NUMBER, "--data", dir("n4")]),
      vipr(["ring", "--data", dir("n3"), "--json"]),
      vipr(["ring", "--data", dir("n3")]),
    ]);
    same([found.code, found.out], [0, claim]);
    const report = JSON.parse(shown.out) as RingReport;
    same([report.overlay, report.nodesSeen, report.nodesEstimated, report.nodeId], ["vipr.test", 5, 5, nodeIds[2]]);
    same(report.successors.map(({ nodeId }) => nodeId).sort(), nodeIds.filter((id) => id !== nodeIds[2]).sort());
    for (const nodeId of nodeIds) ok(drawn.out.includes(nodeId), drawn.out);

    // The first node has nobody to begin with but those it knew; what it held, it holds again.
    await until(async () => (readdirSync(dir("n1")).includes("known.json") ? true : undefined), "n1 knows others");
    const before = (await reportOf(dir("n1")))!;
    same(await running.get("n1")!.kill("SIGKILL"), null);
    running.set("n1", node("n1", true));
    same((await running.get("n1")!.said(JOINED))[1], nodeIds[0]);
    const after = await until(seesAll(dir("n1")), "n1 is back");
    const restored = /reload\.restored \{"restored":(\d+)/.exec(running.get("n1")!.err());
    ok(before.stored.resources === 0 || Number(restored?.[1]) > 0, running.get("n1")!.err());
    same(after.nodeId, before.nodeId);
    same((await vipr(["node", "find", NUMBER, "--data", dir("n1")])).out, claim);

    const codes = await Promise.all([...running.values(), authority].map((one) => one.kill("SIGTERM")));
    same(
      codes,
      codes.map(() => POLITE_END),
    );
    for (const one of running.values()) ok(/reload\.left/.test(one.err()), one.err());
    const logs = [...running.values(), authority].map((one) => one.out() + one.err()).join("\n");
    for (const secret of [NUMBER.slice(1), ...names.map(passwordOf)]) ok(!logs.includes(secret), `logged: ${secret}`);
    for (const name of ["authority", ...names])
      for (const file of readdirSync(dir(name))) {
        same(statSync(join(dir(name), file)).mode & 0o077, 0, `${name}/${file}`);
        for (const secret of names.map(passwordOf)) ok(!readFileSync(join(dir(name), file)).includes(secret), file);
      }
  });
});
