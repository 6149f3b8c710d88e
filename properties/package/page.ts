/** The example's page, bundled for a browser and opened in Chromium, whose document is then read. */
import { ok } from "node:assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { missingIn, printsOf } from "./doc-blocks.ts";
import { ROOT, type Stranger, sh } from "./stranger.ts";

const CHROMIUM = "/usr/bin/chromium";
/** So much of the page's own time goes by before it is read. */
const PAGE_MS = 5_000;
const BUNDLE_BYTES_MAX = 60_000;

export const openPage = async ({ empty, tools }: Stranger): Promise<void> => {
  const code = readFileSync(join(ROOT, "properties/examples/page.mjs"), "utf8");
  writeFileSync(join(empty, "page.mjs"), code);
  const words = ["page.mjs", "--bundle", "--minify", "--format=esm", "--platform=browser", "--outfile=page.js"];
  await sh(join(tools, "node_modules/.bin/esbuild"), words, { cwd: empty });
  const bundle = readFileSync(join(empty, "page.js"), "utf8");
  ok(bundle.length < BUNDLE_BYTES_MAX, `the page has ${bundle.length} bytes`);
  if (!existsSync(CHROMIUM)) return console.log("        bundled, and not opened: Chromium is not installed");
  const page = join(empty, "page.html");
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><body><script type="module">${bundle}</script></body>`);
  const quietly = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${join(empty, "chromium")}`];
  const args = [...quietly, `--virtual-time-budget=${PAGE_MS}`, "--dump-dom", `file://${page}`];
  const shown = await sh(CHROMIUM, args, { cwd: empty });
  const missing = missingIn(shown, { prints: printsOf(code) });
  ok(missing === undefined, `the page does not show: ${missing}\n${shown}`);
};
