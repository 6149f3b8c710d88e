/** `vipr routes` beside a running call agent: what it lists, switches off over a restart, and forgets; and who may order that. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { exitCode } from "../../runtime/cli/exit.ts";
import { routesCommand } from "../../runtime/cli/routes.ts";
import { test } from "../kit/harness.ts";
import { writeAgentConfig } from "./agent-config.ts";
import { learnedRoutes, NUMBER, OTHER } from "./learned-routes.ts";
import { POLITE_END, start, vipr, withFolder } from "./processes.ts";

test("routes: list, show, disable over a restart, enable, forget", () =>
  withFolder(async (folder) => {
    mkdirSync(join(folder, "data"), { mode: 0o700 });
    await learnedRoutes(join(folder, "data"));
    const config = writeAgentConfig(folder, { server: 9, agent: 0, pbx: 5_060, trunk: 5_060 });
    const serve = async () => {
      const agent = start(["agent", "--config", config]);
      const [, base] = (await agent.said(/^admin +(http:\S+)\/calls\.json$/m)) as unknown as [string, string];
      return { agent, base };
    };
    const routes = async (...args: ReadonlyArray<string>) => {
      const { code, out, err } = await vipr(["routes", ...args, "--config", config]);
      return { code, out, err };
    };
    const first = await serve();
    const all = await routes("list");
    same(all.code, 0, all.err);
    same(
      all.out
        .trim()
        .split("\n")
        .map((line) => line.replace(/until \S+$/, "until"))
        .sort(),
      [`${NUMBER}     nord.example  until`, `${OTHER}     nord.example  until`],
    );
    const shown = await routes("show", NUMBER, "--json");
    const { route } = JSON.parse(shown.out);
    same([route.domain, route.sipUris, route.disabled], ["nord.example", ["sip:x@nord.example"], false]);
    same((await routes("disable", NUMBER)).out, "off\n");
    same((await routes("disable", NUMBER)).code, exitCode.fault);
    ok(/until \S+ {2}off\n/.test((await routes("show", NUMBER)).out));

    const stranger = await fetch(`${first.base}/routes`, { method: "POST", body: JSON.stringify({ order: "list" }) });
    same(stranger.status, 401);
    same((await fetch(`${first.base}/routes`)).status, 405);
    same(await first.agent.kill("SIGTERM"), POLITE_END);
    const away = await routes("list");
    same(away.code, exitCode.unreachable, away.err);

    const second = await serve();
    same(JSON.parse((await routes("show", NUMBER, "--json")).out).route.disabled, true);
    same((await routes("enable", NUMBER)).out, "on again\n");
    same((await routes("forget", OTHER)).out, "forgotten\n");
    same((await routes("show", OTHER)).code, exitCode.fault);
    same((await routes("forget", OTHER)).code, exitCode.fault);
    same(await second.agent.kill("SIGTERM"), POLITE_END);
    const third = await serve();
    const left = JSON.parse((await routes("list", "--json")).out);
    same([left.routes.length, left.routes[0].number, left.routes[0].disabled], [1, NUMBER, false]);
    same(await third.agent.kill("SIGTERM"), POLITE_END);
    for (const { agent } of [first, second, third]) ok(!agent.err().includes(NUMBER), agent.err());
  }));

test("routes: what cannot be taken ends with 2", async () => {
  for (const args of [
    [],
    ["dance"],
    ["show"],
    ["show", "nobody"],
    ["list", NUMBER],
    ["forget", "12"],
    ["list", "--data", "/nowhere/at/all"],
  ])
    same(await routesCommand(args), exitCode.usage, args.join(" "));
});
