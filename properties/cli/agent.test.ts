/**
 * `vipr agent` as a process between a PBX and a trunk, with a ViPR server behind it: what it records and learns outlives
 * `kill -9`, and a call that was up meanwhile ends as its phones say.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Effect } from "effect";
import type { CallsReport } from "../../actors/admin/mod.ts";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { serveVap, type VapHandlers } from "../../actors/vap/mod.ts";
import { e164, nodeIdFrom, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import type { VService } from "../../codecs/vap/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { openPhone } from "../proxy/phone.ts";
import { HOST, PASSWORD, PBX_HOST, TRUNK_HOST, writeAgentConfig } from "./agent-config.ts";
import { start, vipr, withFolder } from "./processes.ts";
import { answeredCall } from "./trunk-call.ts";

const CALLED = e164("+49305550901");
const CALLING = e164("+14085550201");
const TOKEN = "a token of this test";

const recorder = () => {
  const seen = { vcrs: [] as Array<Vcr>, numbers: [] as Array<string>, service: undefined as VService | undefined };
  const own = { vservice: undefined as VServiceId | undefined };
  const handlers: VapHandlers = {
    publishVService: ({ vservice }, _, service) =>
      Effect.sync(() => {
        own.vservice = vservice;
        seen.service = service;
        return { quotaLimit: 100, quotaCurrent: 7, dhtLifetimeS: 3_600 };
      }),
    withdrawVService: () => Effect.void,
    publishNumber: (_, number) => Effect.sync(() => void seen.numbers.push(number)),
    uploadVcr: (vcr) => Effect.sync(() => void seen.vcrs.push(vcr)),
  };
  return { seen, own, handlers };
};

const eventually = (what: string, is: () => boolean, about: () => unknown) =>
  Effect.gen(function* () {
    for (let i = 0; i < 2_000 && !is(); i++) yield* Effect.sleep(10);
    ok(is(), `${what}: ${JSON.stringify(about(), (_, value) => (typeof value === "bigint" ? String(value) : value))}`);
  });

const askRoute = (port: number, called: string) =>
  Effect.promise(
    () =>
      new Promise<Record<string, string>>((resolve, reject) => {
        const path = `/route?called=${encodeURIComponent(called)}`;
        const out = httpRequest(
          { host: HOST, port, path, headers: { authorization: `Bearer ${TOKEN}` } },
          (response) => {
            let body = "";
            response.on("data", (part) => (body += part));
            response.on("end", () => resolve(JSON.parse(body)));
          },
        );
        out.on("error", reject);
        out.end();
      }),
  );

const story = Effect.fn("test.agent")(function* (folder: string) {
  const { seen, own, handlers } = recorder();
  const server = yield* serveVap({ host: HOST, port: 0, users: { pbx: PASSWORD } }, handlers);
  const [pbx, trunk] = [yield* openPhone(PBX_HOST), yield* openPhone(TRUNK_HOST)];
  writeFileSync(join(folder, "token"), `${TOKEN}\n`, { mode: 0o600 });
  const config = writeAgentConfig(
    folder,
    { server: server.port, agent: 0, pbx: pbx.port, trunk: trunk.port },
    `public = "203.0.113.7:5061"
[route]
listen = "${HOST}:0"
token-file = "${join(folder, "token")}"
`,
  );
  const agentAt = Effect.fnUntraced(function* (...more: ReadonlyArray<string>) {
    const agent = start(["agent", "--config", config, ...more]);
    const sip = yield* Effect.promise(() => agent.said(/sip +udp:[\d.]+:(\d+)/));
    const route = yield* Effect.promise(() => agent.said(/route +http:\/\/[\d.]+:(\d+)/));
    return { agent, to: { host: HOST, port: Number(sip[1]) }, routePort: Number(route[1]) };
  });

  // A call is answered, the agent is killed, the call goes on and is hung up when the agent is back.
  const first = yield* agentAt();
  const hangUp = yield* answeredCall({ pbx, trunk, to: first.to, name: "agent" });
  yield* eventually(
    "numbers",
    () => seen.numbers.length === 10,
    () => seen,
  );
  same([seen.service?.domain, seen.service?.didCount, seen.service?.dhtName], ["acme.example", 10, "overlay.example"]);
  const shown = yield* Effect.promise(() => vipr(["calls", "--config", config, "--json"]));
  same(shown.code, 0, shown.err);
  const { programs } = JSON.parse(shown.out) as { programs: ReadonlyArray<CallsReport> };
  same(
    programs.map(({ program, underWay, calls }) => [
      program,
      underWay,
      calls.map(({ state, called }) => [state, called]),
    ]),
    [["agent", 1, [["up", "+49…01"]]]],
  );
  const vservice = own.vservice;
  yield* Effect.promise(() => first.agent.kill("SIGKILL"));
  same(seen.vcrs.length, 0);

  const second = yield* agentAt("--set", `agent.listen=udp:${HOST}:${first.to.port}`);
  yield* hangUp(second.to);
  yield* eventually(
    "a record",
    () => seen.vcrs.length > 0,
    () => second.agent.err(),
  );
  const { direction, calling, called, startMs, stopMs } = seen.vcrs[0]!;
  same([direction, calling, called], ["sent", CALLING, CALLED]);
  ok(stopMs > startMs);
  same(own.vservice, vservice, "another VService after the restart");

  // What a Notify has brought is on disk before the server has its answer.
  same((yield* askRoute(second.routePort, CALLED)).reason, "noRoute");
  const issuer = yield* openTicketIssuer({
    grantingNode: nodeIdFrom(1n),
    grantingDomain: "nord.example",
    secret: { epoch: 1, password: "of nord" },
    lifetimeMs: 7 * 86_400_000,
  });
  const ticket = yield* issuer.issue({ number: CALLED, grantedTo: "acme.example", vservice: vservice! });
  const uri = "sip:x7@nord.example:5061;maddr=192.0.2.7;transport=tls";
  const tell = server.notify(vservice!, { number: CALLED, ticket, routes: [{ sipUris: [uri] }] });
  while ((yield* tell) === 0) yield* Effect.sleep(20);
  for (let i = 0; i < 500 && (yield* askRoute(second.routePort, CALLED)).decision !== "vipr"; i++)
    yield* Effect.sleep(10);
  yield* Effect.promise(() => second.agent.kill("SIGKILL"));
  const third = yield* agentAt();
  const { decision, ticket: kept, uri: to } = yield* askRoute(third.routePort, "01149305550901");
  same([decision, kept, to], ["vipr", ticket, uri]);
  yield* Effect.promise(() => third.agent.kill("SIGTERM"));
  same(seen.vcrs.length, 1, "the record came twice");
  for (const { agent } of [first, second, third]) {
    ok(!agent.err().includes(PASSWORD) && !agent.err().includes(TOKEN), "a secret in the log");
    ok(!agent.err().includes(CALLED) && !agent.err().includes(CALLING), "a whole number in the log");
  }
});

test("agent: calls, records and routes outlive kill -9", () =>
  withFolder((folder) => Effect.runPromise(Effect.scoped(Effect.provide(story(folder), nodeLayer())))));

test("agent: what is missing is said in one line, with its key, and exit code 2", () =>
  withFolder(async (folder) => {
    const file = join(folder, "vipr.toml");
    const endOf = async (text: string) => {
      writeFileSync(file, text);
      const agent = start(["agent", "--config", file]);
      return { code: await agent.ended, err: agent.err() };
    };
    const nothing = await endOf("");
    same(nothing.code, 2);
    ok(/agent\.pbx is missing/.test(nothing.err), nothing.err);
    const wrong = await endOf('[numbers]\ncountry = "Germany"\n');
    same(wrong.code, 2);
    ok(wrong.err.includes(`${file}:2:11: numbers.country`), wrong.err);
  }));
