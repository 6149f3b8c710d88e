/** A program under a service manager: what it tells the manager, how it ends, what SIGHUP reads again, and a new root while it runs. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Deferred, Effect } from "effect";
import { exitCode } from "../../runtime/cli/exit.ts";
import { atHangUp, surviveHangUp } from "../../runtime/cli/hangup.ts";
import { watchdogMs } from "../../runtime/cli/service.ts";
import { test, testEffect } from "../kit/harness.ts";
import { openReceiver } from "./notify-receiver.ts";
import { DOMAIN, HOST, JOINED, oneServer } from "./one-server.ts";
import { POLITE_END, type Running, reportOf, start, until, vipr, withFolder } from "./processes.ts";

const AT_ONCE = 130;
const STUBBORN = new URL("./stubborn.ts", import.meta.url).pathname;
const hasSaid = (one: Running, what: RegExp) =>
  until(async () => (what.test(one.err()) ? true : undefined), `${what} in ${one.err()}`);

test("sd_notify: ready once it has joined, alive as often as asked, reloading and ready at SIGHUP, stopping at SIGTERM", () =>
  withFolder(async (root) => {
    const { config, at } = await oneServer(root);
    const path = at("notify");
    const receiver = await openReceiver(path);
    try {
      const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "600000" };
      const server = start(["server", "--config", config], "", undefined, undefined, env);
      await server.said(JOINED);
      const received = (line: RegExp, count = 1) =>
        until(
          async () => (receiver.lines().filter((one) => line.test(one)).length >= count ? true : undefined),
          `${count} times ${line} in ${receiver.lines()} ${server.err()}`,
        );
      await received(/^READY=1$/);
      await received(/^STATUS=joined vipr\.test as [0-9a-f]{32}$/);
      await received(/^WATCHDOG=1$/, 3);
      void server.kill("SIGHUP");
      await received(/^RELOADING=1$/);
      await received(/^MONOTONIC_USEC=\d{6,}$/);
      await received(/^READY=1$/, 2);
      const order = receiver.lines().filter((line) => /^(READY|RELOADING)=1$/.test(line));
      same(order, ["READY=1", "RELOADING=1", "READY=1"]);
      same(await server.kill("SIGTERM"), POLITE_END, server.err());
      await received(/^STOPPING=1$/);
      ok(!/service\.notNotified/.test(server.err()), server.err());
    } finally {
      receiver.close();
    }
  }));

testEffect(
  "SIGHUP: one that comes before there is something to read again is performed when there is",
  Effect.scoped(
    Effect.gen(function* () {
      yield* surviveHangUp;
      process.emit("SIGHUP");
      const read = yield* Deferred.make<void>();
      yield* atHangUp(Effect.asVoid(Deferred.succeed(read, undefined)));
      yield* Deferred.await(read);
    }),
  ),
);

test("the manager's patience: half of it, and only where it is this process that is watched", () => {
  same(watchdogMs({ WATCHDOG_USEC: "30000000" }), 15_000);
  same(watchdogMs({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 7), 15_000);
  same(watchdogMs({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 8), undefined);
  same(watchdogMs({ WATCHDOG_USEC: "1" }), 100);
  for (const none of [{}, { WATCHDOG_USEC: "" }, { WATCHDOG_USEC: "0" }, { WATCHDOG_USEC: "soon" }])
    same(watchdogMs(none), undefined);
});

test("SIGTERM: what is not finished is ended by a second signal at once, and else after ten seconds with a sentence", async () => {
  await withFolder(async () => {
    const [twice, once] = [start([], "", STUBBORN), start([], "", STUBBORN)];
    await Promise.all([twice.said(/^up$/m), once.said(/^up$/m)]);
    for (const one of [twice, once]) {
      void one.kill("SIGTERM");
      await one.said(/^asked to end$/m);
    }
    same(await twice.kill("SIGTERM"), AT_ONCE);
    ok(!/not finished/.test(twice.err()), twice.err());
    same(await once.ended, AT_ONCE);
    ok(/stubborn: not finished within 10 s: ended at once/.test(once.err()), once.err());
  });
});

test("SIGHUP: a server takes the agents and domains of its file again, keeps what it has when the file is wrong, and nobody ends", () =>
  withFolder(async (root) => {
    const { config, at, serve, write, authority } = await oneServer(root);
    const server = await serve();
    writeFileSync(at("word-second"), "a second exchange's word\n", { mode: 0o600 });
    write("", "");
    const text = readFileSync(config, "utf8")
      .replace(`domains = ["${DOMAIN}"]`, `domains = ["${DOMAIN}", "second.example"]`)
      .replace("agents = {", `agents = { second = "${at("word-second")}",`);
    writeFileSync(config, text);
    void server.kill("SIGHUP");
    await hasSaid(server, /INFO server\.readAgain/);
    const [agents, domains] = [
      await vipr(["server", "agents", "--config", config]),
      await vipr(["server", "domains", "--config", config]),
    ];
    same([agents.out, domains.out], ["pbx\nsecond\n", `${DOMAIN} epoch 1\nsecond.example epoch 1\n`]);
    writeFileSync(config, `${text}\nnonsense\n`);
    void server.kill("SIGHUP");
    await hasSaid(server, /ERROR server\.notReadAgain .*vipr\.toml:\d+/);
    void authority.kill("SIGHUP");
    same(await server.kill("SIGTERM"), POLITE_END);
    same(await authority.kill("SIGTERM"), POLITE_END);
  }));

test("a new root while the overlay runs: nodes take it without a restart, certificates of it and of the old one meet", () =>
  withFolder(async (root) => {
    const { at, trust, authority, ports } = await oneServer(root);
    const added = await vipr(["authority", "add-user", "beta", "--data", at("authority")], "the word of beta\n");
    same(added.code, 0, added.err);
    const word = (name: string, text: string) => {
      writeFileSync(at(`word-${name}`), `${text}\n`, { mode: 0o600 });
      return at(`word-${name}`);
    };
    const node = (name: string, user: string, listen: number, file: string, fingerprint: string) =>
      start([
        ...["node", "--data", at(name), "--authority", trust.url, "--fingerprint", fingerprint],
        ...["--user", user, "--password-file", file, "--listen", `${HOST}:${listen}`, "--admin", `${HOST}:0`],
      ]);
    const first = node("n1", "acme", ports.reload, at("word-acme"), trust.fingerprint);
    await first.said(JOINED);

    let serving = authority;
    const again = async () => {
      same(await serving.kill("SIGTERM"), POLITE_END);
      serving = start(["authority", "--data", at("authority"), "--listen", new URL(trust.url).host]);
      return (await serving.said(/^fingerprint +(\S+)$/m))[1]!;
    };
    const order = async (name: string) => await vipr(["authority", name, "--data", at("authority")]);
    same((await order("use-new-root")).code, exitCode.refused);
    const made = await order("new-root");
    const fresh = /^new root (\S+):/.exec(made.out)?.[1];
    ok(fresh !== undefined, made.err);
    same((await order("new-root")).code, exitCode.refused);
    same(await again(), trust.fingerprint);
    void first.kill("SIGHUP");
    await hasSaid(first, /INFO node\.standsAnew \{"sequence":2\}/);
    await until(async () => ((await reportOf(at("n1")))?.configurationSequence === 2 ? true : undefined), "n1 is back");

    same((await order("use-new-root")).code, 0);
    same(await again(), fresh);
    const second = node("n2", "beta", 0, word("beta", "the word of beta"), fresh);
    await second.said(JOINED);
    await until(async () => ((await reportOf(at("n1")))?.nodesSeen === 2 ? true : undefined), "they see each other");
    same((await order("drop-old-root")).code, 0);
    same((await order("drop-old-root")).code, exitCode.refused);
    same(readFileSync(join(at("n1"), "root.pem"), "utf8").match(/BEGIN/g)?.length, 2);
    for (const one of [second, first, serving]) same(await one.kill("SIGTERM"), POLITE_END, one.err());
  }));
