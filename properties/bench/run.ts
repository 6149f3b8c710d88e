/** Prints the benchmarks of this folder: `npm run bench -- [NAME]`. Figures are of this machine; read the ratios. */
import { globSync } from "node:fs";
import process from "node:process";

const wanted = process.argv[2] ?? "";
const files = globSync("properties/bench/*.ts")
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => !file.endsWith("/run.ts") && file.includes(wanted))
  .sort();
if (files.length === 0) {
  console.error(`bench: nothing is called "${wanted}"`);
  process.exit(2);
}
for (const file of files) {
  console.log(`== ${file}`);
  await import(new URL(`../../${file}`, import.meta.url).href);
}
