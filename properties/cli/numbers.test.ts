/** `vipr numbers` and `vipr calls` with an order, beside a running server: what is off stays so over a restart, what is forgotten comes back. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { connectVap } from "../../actors/vap/mod.ts";
import { e164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { exitCode } from "../../runtime/cli/exit.ts";
import { numbersCommand } from "../../runtime/cli/numbers.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { DOMAIN, HOST, oneServer, WORDS } from "./one-server.ts";
import { POLITE_END, until, vipr, withFolder } from "./processes.ts";

const [NUMBER, OTHER, CALLED] = [e164("+14085550901"), e164("+14085550902"), e164("+49305550901")];
const VSERVICE = vserviceId(0xa1n);

/** A call agent publishes both numbers, and has made two calls; then it is gone. */
const agentOf = (port: number, calls: number) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const agent = yield* connectVap({
        ...{ host: HOST, port, username: "pbx", password: WORDS.pbx, name: "numbers/1", vservice: VSERVICE },
        reconnectMs: [20, 60],
      });
      const routes = [{ sipUris: [`sip:x@${DOMAIN}:5061;maddr=192.0.2.1;transport=tls`] }];
      yield* agent.publishVService({ id: "n", dhtName: "vipr.test", didCount: 2, domain: DOMAIN, routes });
      for (const { result } of yield* agent.publishNumbers([NUMBER, OTHER])) same(result.type, "done");
      const nowMs = Date.now();
      for (let i = 0; i < calls; i++)
        yield* agent.uploadVcr({
          ...{ direction: "sent", calling: NUMBER, called: CALLED, vservice: VSERVICE },
          startMs: unixMs(nowMs - 300_000 - 60_000 * i),
          stopMs: unixMs(nowMs - 280_000 - 60_000 * i),
        });
    }).pipe(Effect.scoped, Effect.provide(nodeLayer())),
  );

test("numbers and calls: list, show, disable over a restart, enable, forget", () =>
  withFolder(async (root) => {
    const one = await oneServer(root);
    one.write("insecure-vap = true\nwait-min-s = 3600\nwait-max-s = 7200");
    const order = async (what: string, ...args: ReadonlyArray<string>) => {
      const { code, out, err } = await vipr([what, ...args, "--config", one.config]);
      return { code, out: out.trim(), err };
    };
    const shown = async (what: string, key: string, number: string) =>
      JSON.parse((await order(what, "show", number, "--json")).out)[key];
    const found = async (number: string) => {
      const { out } = await vipr(["node", "find", number, "--data", `${one.data}/server`]);
      return out.split("\n").filter((line) => /[0-9a-f]{32}/.test(line)).length;
    };
    const first = await one.serve();
    same(JSON.parse((await order("numbers", "list", "--json")).out), { numbers: [], more: 0 });
    await agentOf(one.ports.vap, 2);

    const all = JSON.parse((await order("numbers", "list", "--json")).out);
    const { expires, ...number } = all.numbers[0];
    same(number, { number: NUMBER, vservice: "00000000000000a1", domain: DOMAIN, tenant: "", disabled: false });
    same([all.numbers.length, all.more, Date.parse(expires) > Date.now()], [2, 0, true]);
    same(await found(NUMBER), 1);
    same((await order("numbers", "disable", NUMBER)).out, "off");
    same((await order("numbers", "disable", NUMBER)).code, exitCode.fault);
    same([await found(NUMBER), await found(OTHER)], [0, 1]);
    same((await shown("numbers", "number", NUMBER)).expires, null);

    const waiting = JSON.parse((await order("calls", "list", "--json")).out);
    same([waiting.calls.length, waiting.calls[0].number, waiting.calls[0].waiting], [1, CALLED, 2]);
    ok(/^\+49305550901 +2 waiting, due 20\S+$/.test((await order("calls", "show", CALLED)).out));
    same((await order("calls", "disable", CALLED)).out, "off");
    same((await order("calls", "forget", CALLED)).out, "forgotten");
    same((await order("calls", "forget", CALLED)).code, exitCode.fault);
    same((await shown("calls", "call", CALLED)).waiting, 0);
    same((await order("calls", "show", NUMBER)).code, exitCode.fault);
    same(await first.kill("SIGTERM"), POLITE_END);
    same((await order("numbers", "list")).code, exitCode.unreachable);

    const second = await one.serve();
    await agentOf(one.ports.vap, 1);
    same([await found(NUMBER), (await shown("numbers", "number", NUMBER)).disabled], [0, true]);
    same([(await shown("calls", "call", CALLED)).waiting, (await shown("calls", "call", CALLED)).disabled], [1, true]);
    same((await order("numbers", "enable", NUMBER)).out, "on again");
    same(await found(NUMBER), 1);
    same((await order("calls", "enable", CALLED)).out, "on again");
    same((await order("numbers", "forget", OTHER)).out, "forgotten");
    same((await order("numbers", "show", OTHER)).code, exitCode.fault);
    same(await found(OTHER), 0);
    await agentOf(one.ports.vap, 0);
    same(await found(OTHER), 1);
    same(await second.kill("SIGTERM"), POLITE_END);
    for (const server of [first, second])
      for (const whole of [NUMBER, OTHER, CALLED]) ok(!server.err().includes(whole));
  }));

test("calls that are off are dropped when they are due, and vipr explain says so", () =>
  withFolder(async (root) => {
    const one = await oneServer(root);
    one.write("insecure-vap = true\nwait-min-s = 1\nwait-max-s = 1\ngrace-s = 0");
    const server = await one.serve();
    same((await vipr(["calls", "disable", CALLED, "--config", one.config])).code, 0);
    await agentOf(one.ports.vap, 1);
    await until(async () => {
      const { out } = await vipr(["explain", CALLED, "--data", `${one.data}/server`]);
      return /calls to the number are switched off/.test(out) ? true : undefined;
    }, "dropped");
    const left = await vipr(["calls", "show", CALLED, "--config", one.config, "--json"]);
    same(JSON.parse(left.out).call, { number: CALLED, tenant: "", waiting: 0, due: null, disabled: true });
    same(await server.kill("SIGTERM"), POLITE_END);
  }));

test("numbers: what cannot be taken ends with 2", async () => {
  for (const args of [
    [],
    ["dance"],
    ["show"],
    ["show", "nobody"],
    ["list", NUMBER],
    ["list", "--data", "/nowhere/at/all"],
  ])
    same(await numbersCommand(args), exitCode.usage, args.join(" "));
});
