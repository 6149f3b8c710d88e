/** A call agent of a crash run as a process: what it is ordered, and the lines that it prints, word by word. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

export const spawnAgent = (
  file: string,
  order: object,
  said: (what: string | undefined, rest: ReadonlyArray<string>) => void,
): ChildProcess => {
  const own = "Deno" in globalThis ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...own, file, JSON.stringify(order)], { stdio: ["ignore", "pipe", "ignore"] });
  let held = "";
  child.stdout.on("data", (chunk) => {
    const lines = `${held}${chunk}`.split("\n");
    held = lines.pop()!;
    for (const line of lines) {
      const [what, ...rest] = line.split(" ");
      said(what, rest);
    }
  });
  return child;
};
