/**
 * `npm run ok`: form, types, and the properties that are quick, side by side. What each says is shown as one, the tests last; the
 * exit code is 1 when one of them failed.
 */
import process from "node:process";
import { runProgram } from "./side-by-side.ts";

const PARTS = ["format:check", "types", "ok:tests"];

const running = PARTS.map((name) => runProgram(["npm", "run", "--silent", name]));
for (const [i, part] of running.entries()) {
  const { code, output } = await part;
  console.log(`== npm run ${PARTS[i]}: ${code === 0 ? "passed" : "FAILED"} ==\n${output}`);
  if (code !== 0) process.exitCode = 1;
}
