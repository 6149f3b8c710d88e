/** What systemd itself says of the units in docs/deploy. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import type { InteropCheck } from "./run.ts";

const EXPOSURE_MAX = 25; // tenths; systemd calls below 2.5 "OK"

const analyze = (args: ReadonlyArray<string>): string => {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", [...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`systemd-analyze ${args.join(" ")}: ${status}\n${stdout}${stderr}`);
  return `${stdout}${stderr}`;
};

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "systemd: the units are well formed, and leave little open",
    needs: ["systemd-analyze"],
    run: async () => {
      const units = globSync("docs/deploy/systemd/*.service").sort();
      if (units.length < 5) throw new Error(`${units.length} units`);
      for (const unit of units) {
        const said = analyze(["verify", unit]);
        if (said.trim() !== "") throw new Error(`${unit}: ${said}`);
        analyze(["security", "--offline=yes", `--threshold=${EXPOSURE_MAX}`, unit]);
      }
    },
  },
];
