/** `vipr status` and `vipr doctor` beside real programs: what they say when all is well, and of each fault what to do and which code. */
import { ok, deepStrictEqual as same } from "node:assert";
import { chmodSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { Clock, Effect } from "effect";
import { TestClock } from "effect/testing";
import { OverlayUnreachable } from "../../actors/reload/mod.ts";
import { nodeIdFrom } from "../../codecs/shared/mod.ts";
import { type Finding, fault, good, warning, worstOf } from "../../runtime/cli/doctor-finding.ts";
import { refreshFinding } from "../../runtime/cli/doctor-overlay.ts";
import { exitCode } from "../../runtime/cli/exit.ts";
import { measureClock, medianOf } from "../../runtime/cli/member-clock.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { HOST, JOINED, oneServer, WORDS } from "./one-server.ts";
import { POLITE_END, start, until, vipr, withFolder } from "./processes.ts";

interface Report {
  readonly exitCode: number;
  readonly findings: ReadonlyArray<Finding>;
}
const doctor = async (config: string, ...more: ReadonlyArray<string>) => {
  const { code, out, err } = await vipr(["doctor", "--config", config, "--json", ...more]);
  const report = JSON.parse(out || "null") as Report | null;
  const at = (check: string) => report?.findings.find((one) => one.check === check);
  return { code, out, err, report: report!, at };
};

test("doctor and status: a server that runs with a neighbour is well, its clock is measured, and nothing of a secret is printed", () =>
  withFolder(async (root) => {
    const { at, config, serve, trust } = await oneServer(root);
    const before = await doctor(config);
    same([before.code, before.at("server")?.verdict], [exitCode.fault, "warning"], before.out);
    same(before.at("server.listen")?.verdict, "good", before.out);
    const stopped = await vipr(["status", "--config", config]);
    same([stopped.code, /^server {3}does not run here/m.test(stopped.out)], [exitCode.unreachable, true], stopped.out);

    const server = await serve();
    const added = await vipr(["authority", "add-user", "beta", "--data", at("authority")], "the word of beta\n");
    same(added.code, 0, added.err);
    writeFileSync(at("word-beta"), "the word of beta\n", { mode: 0o600 });
    const node = start([
      ...["node", "--data", at("n2"), "--authority", trust.url, "--fingerprint", trust.fingerprint],
      ...["--user", "beta", "--password-file", at("word-beta"), "--listen", `${HOST}:0`, "--admin", `${HOST}:0`],
    ]);
    await node.said(JOINED);
    const well = await until(async () => {
      const now = await doctor(config);
      return now.at("clock")?.verdict === "unknown" ? undefined : now;
    }, "the clock is measured");
    same([well.code, well.report.exitCode], [0, 0], well.out + well.err);
    same(
      well.report.findings.filter(({ verdict }) => verdict !== "good").map(({ check }) => check),
      [],
    );
    for (const check of [
      "configuration",
      "server",
      "server store",
      "server.vap",
      "certificate node",
      "authority",
      "refresh",
    ])
      same(well.at(check)?.verdict, "good", check);
    ok(/^0\.\d{3} s /.test(well.at("clock")!.what), well.at("clock")!.what); // one machine's clock beside itself
    ok(/ 2 nodes, 1 links| 2 nodes, 2 links|^2 nodes/.test(well.at("overlay")!.what), well.at("overlay")!.what);

    const [text, json, quiet] = [
      await vipr(["status", "--config", config]),
      await vipr(["status", "--config", config, "--json"]),
      await vipr(["status", "--config", config, "--quiet"]),
    ];
    same([text.code, json.code, quiet.code, quiet.out], [0, 0, 0, ""], text.err);
    ok(/^server {3}ready, up 0 min, \d+ MB, admin 127\.0\.0\.1:\d+$/m.test(text.out), text.out);
    ok(/^ {2}overlay {5}nodes 2, links \d/m.test(text.out), text.out);
    ok(text.out.trim().split("\n").length < 24, text.out);
    const [program] = JSON.parse(json.out).programs;
    same([program.program, program.ready, program.overlay.nodes], ["server", true, 2]);
    ok(program.daysLeft.node > 300, json.out);
    for (const word of Object.values(WORDS)) ok(!(text.out + json.out + well.out).includes(word));
    same(await node.kill("SIGTERM"), POLITE_END);
    same(await server.kill("SIGTERM"), POLITE_END);
  }));

test("doctor: a directory that others see, a damaged store, a port that another program has: each with its code and what to do", () =>
  withFolder(async (root) => {
    const { config, data, ports, serve, authority } = await oneServer(root);
    const server = await serve();
    same(await server.kill("SIGTERM"), POLITE_END);
    await authority.kill("SIGTERM");
    const away = await doctor(config);
    same([away.at("authority")?.verdict, away.at("bootstrap nodes")?.verdict], ["warning", "fault"], away.out);
    same(away.at("server store")?.what, "values.sqlite can be opened");
    same(away.code, exitCode.unreachable);

    const taken = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => taken.listen(ports.pvp, HOST, resolve));
    const busy = await doctor(config);
    same([busy.at("server.pvp")?.verdict, busy.at("server.pvp")?.code], ["fault", exitCode.portTaken], busy.out);
    same(busy.code, exitCode.portTaken);
    taken.close();

    writeFileSync(join(data, "server", "values.sqlite"), "no store at all, but long enough to be looked at".repeat(99));
    const damaged = await doctor(config);
    same([damaged.at("server store")?.code, damaged.code], [exitCode.damaged, exitCode.damaged], damaged.out);
    chmodSync(join(data, "server"), 0o755);
    const seen = await doctor(config);
    same([seen.at("server directory")?.todo, seen.code], [`chmod 700 ${join(data, "server")}`, exitCode.notWritable]);
    const wrong = await doctor(config, "--set", "server.wait-max-s=1");
    same([wrong.code, wrong.out], [exitCode.usage, ""], wrong.err);
  }));

// ViPR overview §6.1
test("doctor --reach: from another machine, whether a port answers", async () => {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as net.AddressInfo;
  const [there, nobody] = [
    await vipr(["doctor", "--reach", `${HOST}:${port}`]),
    await vipr(["doctor", "--reach", `${HOST}:${await freePort()}`]),
  ];
  server.close();
  same([there.code, /^good .*can be reached from this machine$/m.test(there.out)], [0, true], there.out);
  same([nobody.code, /ECONNREFUSED/.test(nobody.out)], [exitCode.unreachable, true], nobody.out);
});

test("doctor: the exit code is the first fault's, else a warning's", () => {
  const [fine, hint] = [good("a", "x"), warning("b", "x", "y")];
  const [port, clock] = [fault("c", "portTaken", "x", "y"), fault("d", "clock", "x", "y")];
  same(worstOf([]).code, 0);
  same(worstOf([fine]).code, 0);
  same(worstOf([fine, hint]).code, exitCode.fault);
  same(worstOf([hint, fine, port, clock]).code, exitCode.portTaken);
  same(worstOf([clock, port, hint]).code, exitCode.clock);
});

test("doctor: more entries than the overlay's rate lets a server store again in time", () => {
  const [enough, slow] = [refreshFinding(1_000_000, 10), refreshFinding(1_000_000, 7)];
  same([enough.verdict, enough.todo], ["good", ""]);
  same(
    [slow.verdict, /1000000 entries at 7 .* 986853 /.test(slow.what), /--stores/.test(slow.todo)],
    ["warning", true, true],
  );
});

test("clock: the median of what neighbours say, whoever lies or does not answer", async () => {
  same([medianOf([3]), medianOf([1, 9]), medianOf([9, 1, 5])], [3, 5, 5]);
  const linked = [1n, 2n, 3n, 4n].map(nodeIdFrom);
  const measured = (aheadMs: ReadonlyArray<number | undefined>) =>
    measureClock({
      status: Effect.succeed({ linked } as never),
      ping: (to) => {
        const ms = aheadMs[linked.indexOf(to as (typeof linked)[number])];
        return ms === undefined
          ? Effect.fail(new OverlayUnreachable({ reason: "timedOut", why: "no answer" }))
          : Effect.map(Clock.currentTimeMillis, (nowMs) => ({
              nodeId: to as (typeof linked)[number],
              atMs: nowMs + ms,
            }));
      },
    }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise);
  same(await measured([3_000, 3_010, 9_999_999, 2_990]), { offsetMs: 3_005, peers: 4 });
  same(await measured([undefined, -40, undefined, undefined]), { offsetMs: -40, peers: 1 });
  same(await measured([undefined, undefined, undefined, undefined]), undefined);
});
