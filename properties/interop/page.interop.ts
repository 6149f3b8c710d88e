/**
 * The page in Chromium: of the demonstration, and of a call agent with routes. Each view in both themes and on three widths,
 * with axe-core; what changes while it is looked at, a lost connection, keyboard alone; no error on the console.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { writeAgentConfig } from "../cli/agent-config.ts";
import { learnedRoutes, NUMBER, OTHER } from "../cli/learned-routes.ts";
import { start, vipr, withFolder } from "../cli/processes.ts";
import type { InteropCheck } from "./run.ts";

const CHROMIUM = "/usr/bin/chromium";
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const WIDTHS = [360, 1_280, 2_560];
/** Nothing outside is asked for, neither by the page nor by the browser. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

interface Looked {
  readonly page: Page;
  /** What the console said, and requests that went elsewhere. */
  readonly complaints: Array<string>;
}

const open = async (browser: Browser, url: string, width: number, colorScheme: "light" | "dark"): Promise<Looked> => {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  page.setDefaultTimeout(60_000);
  const complaints: Array<string> = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  await page.waitForSelector(".verdict.good");
  return { page, complaints };
};

const goTo = async (page: Page, view: string): Promise<void> => {
  await page.click(`nav a[href="#${view}"]`);
  await page.waitForSelector(`nav a[href="#${view}"][aria-current]`);
};
const focused = (page: Page): Promise<string | null> => page.locator(":focus").getAttribute("href");
const viewsOf = (page: Page): Promise<ReadonlyArray<string>> =>
  page.$$eval("nav a", (links) => links.map((link) => link.getAttribute("href")!.slice(1)));

/** What axe-core finds, and what sticks out of the window. */
const faultsOf = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run: () => Promise<{ violations: Array<{ id: string; nodes: Array<{ html: string }> }> }> };
    };
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
  const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
  return wide > 0 ? [...violations, `${wide} pixels wider than the window`] : violations;
};

const withBrowser = async (use: (browser: Browser) => Promise<void>): Promise<void> => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
};

const everyView = async (browser: Browser, url: string): Promise<ReadonlyArray<string>> => {
  const seen: Array<string> = [];
  for (const theme of ["light", "dark"] as const)
    for (const width of WIDTHS) {
      const { page, complaints } = await open(browser, url, width, theme);
      const views = await viewsOf(page);
      for (const view of views) {
        await goTo(page, view);
        same([theme, width, view, await faultsOf(page)], [theme, width, view, []]);
      }
      same(complaints, []);
      seen.splice(0, seen.length, ...views);
      await page.close();
    }
  return seen;
};

/** Both chapters are told to their end; a call of two companies is drawn from call agent to call agent, and a look-up's way. */
const storyAndLadder = async (page: Page): Promise<void> => {
  await goTo(page, "story");
  await page.waitForSelector("svg.scene");
  same(await page.locator(".steps button").count(), 10);
  await page.click(".steps button >> nth=3");
  await page.waitForSelector("text=A call, step 4");
  await goTo(page, "calls");
  await page.click(".choices button:has-text('is over')");
  await page.waitForSelector("svg.ladder text.lane >> nth=3"); // two companies, two columns each
  ok((await page.locator("svg.ladder .step").count()) >= 12);
  await goTo(page, "ring");
  await page.waitForSelector("svg.ring .sought");
};

const demonstration: InteropCheck = {
  name: "page: the demonstration in Chromium, each view in both themes on three widths, live, by keyboard, cut off",
  needs: [CHROMIUM],
  run: () =>
    withBrowser(async (browser) => {
      const demo = start(["demo", "--seed", "1"]);
      const [, url] = (await demo.said(/the page, to watch it: (\S+)/)) as unknown as [string, string];
      const { page, complaints } = await open(browser, url, 1_280, "light");
      // Live: proofs and routes arrive while it is looked at.
      const count = (step: number) => page.locator(".way li").nth(step).locator(".count");
      const counted = async (step: number) => Number((await count(step).textContent())!.replace(/\D/g, ""));
      await page.waitForSelector(".events tbody tr");
      const before = await counted(5);
      await demo.said(/The companies stay up/);
      // The page's own policy allows no text as code, so that it is asked from here.
      for (let i = 0; i < 100 && (await counted(5)) <= before; i += 1) await page.waitForTimeout(100);
      ok((await counted(5)) > before);
      await goTo(page, "refusals");
      await page.waitForSelector("text=no ticket");
      // By keyboard: the skip link, then the views.
      await page.keyboard.press("Tab");
      for (let i = 0; i < 20 && (await focused(page)) !== "#ring"; i += 1) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.waitForSelector("svg.ring");
      // A story, with the token of the address, which has left the address.
      ok(!page.url().includes("token"), page.url());
      await goTo(page, "number");
      await page.fill("input[name=number]", "+14085550100");
      await page.click("text=Tell its story");
      await page.waitForSelector("main [role=status]:not(header *), .timeline, #story");
      same(complaints, []);
      await storyAndLadder(page);
      same(complaints, []);
      same((await everyView(browser, url)).length, 10);
      // Cut off: said once it has lasted, and what is shown is marked.
      await demo.kill("SIGTERM");
      await page.waitForSelector(".verdict.lost");
      await page.waitForSelector("main.stale [role=alert]");
    }),
};

const routes: InteropCheck = {
  name: "page: routes of a running call agent, searched, switched off and forgotten in Chromium; not without the token",
  needs: [CHROMIUM],
  run: () =>
    withFolder(async (folder) => {
      mkdirSync(join(folder, "data"), { mode: 0o700 });
      await learnedRoutes(join(folder, "data"));
      const config = writeAgentConfig(folder, { server: 9, agent: 0, pbx: 5_060, trunk: 5_060 });
      const agent = start(["agent", "--config", config]);
      await agent.said(/^admin +http:/m);
      const printed = await vipr(["page", "--config", config]);
      same(printed.code, 0, printed.err);
      const url = printed.out.trim().split(/\s+/).at(-1)!;
      await withBrowser(async (browser) => {
        const bare = await open(browser, url.replace(/#.*/, ""), 1_280, "light");
        await goTo(bare.page, "routes");
        await bare.page.waitForSelector("input[name=token]");
        same(await bare.page.locator("table").count(), 0);
        await bare.page.fill("input[name=token]", "not-the-token");
        await bare.page.click("text=Use it");
        await bare.page.waitForSelector("text=not the one of this program");

        const { page, complaints } = await open(browser, url, 1_280, "light");
        page.on("dialog", (dialog) => void dialog.accept());
        await goTo(page, "routes");
        await page.waitForSelector(`text=${NUMBER}`);
        await page.fill("input[type=search]", OTHER.slice(-4));
        await page.waitForSelector(`text=${NUMBER}`, { state: "detached" });
        await page.click(`[aria-label="Switch off ${OTHER}"]`);
        await page.waitForSelector(`[aria-label="Switch on ${OTHER}"]`);
        same(
          JSON.parse((await vipr(["routes", "show", OTHER, "--config", config, "--json"])).out).route.disabled,
          true,
        );
        same(await faultsOf(page), []);
        await page.click(`[aria-label="Forget ${OTHER}"]`);
        await page.waitForSelector(`[aria-label="Forget ${OTHER}"]`, { state: "detached" });
        same(JSON.parse((await vipr(["routes", "show", OTHER, "--config", config, "--json"])).out).route, null);
        same(complaints, []);
      });
      await agent.kill("SIGTERM");
    }),
};

export const checks: ReadonlyArray<InteropCheck> = [demonstration, routes];
