/**
 * The page in Chromium beside its limits: bytes, first paint, the processor time of the longest task under a thousand events a second, memory, and what
 * twenty open pages cost the server. In the same run axe-core, the keyboard, and 360 pixels: what they find breaks the bench.
 *
 *   server.ts, a process --> Chromium: one page        --> figures, measured once for all rows
 *                        --> twenty streams of /live
 *
 * VIPR_PAGE_SECONDS: how long the events come; 3600 for the hour. Default 20.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { type CDPSession, chromium, type Page } from "playwright-core";
import { type Contest, runtimeName } from "./kit.ts";

const CHROMIUM = "/usr/bin/chromium";
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SERVER = new URL("./page/server.ts", import.meta.url).pathname;
const SECONDS = Number(process.env.VIPR_PAGE_SECONDS ?? 20);
/** Of these, how long every task is traced. */
const TRACED_SECONDS = 10;
const EVENTS_PER_SECOND = 1_000;
/** What a company of some ten thousand calls an hour has. */
const QUIET_EVENTS_PER_SECOND = 10;
const PAGES = 20;
const COST_SECONDS = 15;
const LIMITS = { kiloBytes: 300, paintMs: 1_000, taskMs: 50, heapMb: 8, serverPercent: 2 };
type Figures = typeof LIMITS;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server, and its answer to a line of input. */
const startServer = async () => {
  const child: ChildProcess = spawn(process.execPath, [SERVER, "0"], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const answer = async () => JSON.parse((await lines.next()).value as string);
  const { port, token } = (await answer()) as { readonly port: number; readonly token: string };
  return {
    port,
    url: `http://127.0.0.1:${port}/#token=${token}`,
    /** So many events a second from now on; gives the processor time so far, in ms. */
    rate: async (perSecond: number): Promise<number> => {
      child.stdin!.write(`${perSecond}\n`);
      return ((await answer()) as { readonly cpuMs: number }).cpuMs;
    },
    end: () => child.stdin!.end(),
  };
};
type Server = Awaited<ReturnType<typeof startServer>>;

const heapMb = async (cdp: CDPSession): Promise<number> => {
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  return usedSize / 1e6;
};

/** Also of what is not to be measured: it throws where something is wrong. */
const looked = async (page: Page): Promise<void> => {
  await page.setViewportSize({ width: 360, height: 800 });
  for (const view of ["overview", "proofs", "ring", "health"]) {
    // By keyboard alone: from the top to the view's link, and in.
    await page.evaluate("document.activeElement?.blur()");
    const link = `nav a[href="#${view}"]`;
    for (let i = 0; i < 40; i += 1) {
      await page.keyboard.press("Tab");
      if (await page.$eval(link, (element) => element === element.ownerDocument.activeElement)) break;
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${link}[aria-current]`);
    await page.evaluate(readFileSync(AXE, "utf8"));
    const found = await page.evaluate<ReadonlyArray<string>>(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
    );
    if (found.length > 0) throw new Error(`axe-core, ${view}: ${found.join("; ")}`);
    const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    if (wide > 0) throw new Error(`${view}: ${wide} pixels wider than a window of 360`);
  }
};

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of the thread's own processor time: a neighbour's work is no part of it. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}
/** Of the page's main thread, which a frame waits for. */
const longestTaskMs = (trace: Buffer): number => {
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: ReadonlyArray<TraceEvent> };
  const mains = traceEvents.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain");
  const tasks = traceEvents.filter(
    ({ name, pid, tid, tdur }) =>
      name.endsWith("RunTask") && tdur !== undefined && mains.some((main) => main.pid === pid && main.tid === tid),
  );
  if (tasks.length === 0) throw new Error("the trace has no task of the page");
  return tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur), 0) / 1_000;
};

const inChromium = async (server: Server): Promise<Omit<Figures, "serverPercent">> => {
  const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: flags });
  try {
    const page = await browser.newPage({ viewport: { width: 1_280, height: 900 } });
    let bytes = 0;
    page.on("response", (response) => {
      if (!response.url().endsWith("/live"))
        void response.body().then(
          (body) => (bytes += body.length),
          () => {},
        );
    });
    await page.goto(server.url);
    await page.waitForSelector(".verdict.good");
    const paintMs = await page.evaluate<number>(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity",
    );
    await looked(page);
    await page.setViewportSize({ width: 1_280, height: 900 });
    await page.evaluate("location.hash = '#proofs'");
    await server.rate(EVENTS_PER_SECOND);
    await sleep(5_000); // what is kept of events is full
    const cdp = await page.context().newCDPSession(page);
    const before = await heapMb(cdp);
    await browser.startTracing(page, { categories: ["toplevel"] });
    await sleep(TRACED_SECONDS * 1_000);
    const taskMs = longestTaskMs(await browser.stopTracing());
    await sleep(Math.max(0, SECONDS - TRACED_SECONDS) * 1_000);
    const heap = Math.max(0, (await heapMb(cdp)) - before);
    await server.rate(0);
    return { kiloBytes: bytes / 1_000, paintMs, taskMs, heapMb: heap };
  } finally {
    await browser.close();
  }
};

/** Percent of a core that twenty open pages take, beyond what the server takes without. */
const costOf = async (server: Server): Promise<number> => {
  const over = async () => {
    const before = await server.rate(QUIET_EVENTS_PER_SECOND);
    await sleep(COST_SECONDS * 1_000);
    return (await server.rate(QUIET_EVENTS_PER_SECOND)) - before;
  };
  const alone = await over();
  const open = Array.from({ length: PAGES }, () =>
    http.get({ host: "127.0.0.1", port: server.port, path: "/live", agent: false }, (response) => response.resume()),
  );
  await sleep(2_000); // each is told everything first
  const watched = await over();
  for (const request of open) request.on("error", () => {}).destroy();
  return Math.max(0, (100 * (watched - alone)) / (COST_SECONDS * 1_000));
};

let measured: Promise<Figures> | undefined;
const figures = (): Promise<Figures> => {
  measured ??= (async () => {
    const server = await startServer();
    try {
      return { ...(await inChromium(server)), serverPercent: await costOf(server) };
    } finally {
      server.end();
    }
  })();
  return measured;
};

const row = (name: string, unit: string, what: keyof Figures): Contest => ({
  ...{ name: `page: ${name}`, unit, peerName: "its limit", lowerIsBetter: true, rounds: 1, aim: 1 },
  // Nothing at all is as good as a thousandth.
  ours: async () => Math.max(0.001, (await figures())[what]),
  peer: () => LIMITS[what],
});

/** The library that drives the browser is Node's; without a browser there is nothing to measure. */
const isHere = runtimeName === "node" && existsSync(CHROMIUM);

export const contests = (): ReadonlyArray<Contest> => (isHere ? rows : []);
const rows: ReadonlyArray<Contest> = [
  row("bytes of the page", "kB", "kiloBytes"),
  row("first paint on loopback", "ms", "paintMs"),
  row(`longest task, ${EVENTS_PER_SECOND} events a second`, "ms", "taskMs"),
  row(`heap grown in ${SECONDS} s of these`, "MB", "heapMb"),
  row(`server's processor for ${PAGES} open pages`, "%", "serverPercent"),
];
