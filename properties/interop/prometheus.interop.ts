/** What Prometheus' own promtool says of a running server's metrics, of our alert rules and of the example of its configuration. */
import { spawnSync } from "node:child_process";
import { JOINED, oneServer } from "../cli/one-server.ts";
import { withFolder } from "../cli/processes.ts";
import type { InteropCheck } from "./run.ts";

const promtool = (args: ReadonlyArray<string>, input = ""): void => {
  const { status, stdout, stderr } = spawnSync("promtool", [...args], { encoding: "utf8", input });
  if (status !== 0) throw new Error(`promtool ${args.join(" ")}: ${status}\n${stdout}${stderr}`);
};

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "prometheus: promtool finds nothing wrong with a server's metrics, the alert rules and the scrape configuration",
    needs: ["promtool"],
    run: () =>
      withFolder(async (root) => {
        const { serve } = await oneServer(root);
        const server = await serve();
        const answer = await fetch(`${JOINED.exec(server.out())![3]!}/metrics`);
        promtool(["check", "metrics"], await answer.text());
        await server.kill("SIGTERM");
        promtool(["check", "rules", "docs/deploy/prometheus/vipr-alerts.yml"]);
        promtool(["check", "config", "docs/deploy/prometheus/scrape.yml"]);
      }),
  },
];
