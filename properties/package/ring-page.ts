/**
 * The example's ring in a page: bundled by the command of docs/embedding.md, opened in a headless Chromium, which posts what the
 * page prints. DECISIONS.md D-190.
 *
 *   ring.mjs --esbuild--> ring.js <-- a server on loopback, where a page has WebCrypto --> Chromium --POST--> lines, at last the end
 *                                     the same by a name, where it has none --------------> Chromium --POST--> what is missing
 */
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ROOT, type Stranger, sh } from "./stranger.ts";

const CHROMIUM = "/usr/bin/chromium";
/** A name of no loopback, which Chromium is told to look for on loopback: there a page has no WebCrypto. */
const INSECURE = "insecure.test";
const PAGE_MS = 90_000;
const BUNDLE_BYTES_MAX = 800_000;
const SHOWN_BYTES_MAX = 100_000;

const HTML = `<!doctype html><meta charset="utf-8"><script type="module">
const say = (path, text) => fetch(path, { method: "POST", body: text });
const lines = [];
console.log = (...words) => lines.push(words.join(" "));
import("./ring.js").then(() => say("/done", lines.join("\\n")), (error) => say("/failed", error.stack));
</script>`;

/** Of docs/embedding.md. An import of `node:` that is left stops it. */
export const BUNDLE =
  "ring.mjs --bundle --minify --format=esm --outfile=ring.js --alias:node:crypto=./page/node-crypto.mjs " +
  "--alias:node:worker_threads=./page/node-crypto.mjs --external:@peculiar/webcrypto";

const bundle = async ({ empty, tools }: Stranger): Promise<Buffer> => {
  mkdirSync(join(empty, "page"), { recursive: true });
  copyFileSync(join(ROOT, "properties/examples/page/node-crypto.mjs"), join(empty, "page/node-crypto.mjs"));
  await sh(join(tools, "node_modules/.bin/esbuild"), BUNDLE.split(" "), { cwd: empty });
  const script = readFileSync(join(empty, "ring.js"));
  if (script.length > BUNDLE_BYTES_MAX) throw new Error(`the ring's page has ${script.length} bytes`);
  return script;
};

export interface RingPage {
  /** What it printed. */
  readonly printed: string;
  /** Why it did not run without WebCrypto. */
  readonly refused: string;
}

/** Undefined: there is no Chromium, and it was bundled only. */
export const openRing = async (stranger: Stranger): Promise<RingPage | undefined> => {
  const script = await bundle(stranger);
  if (!existsSync(CHROMIUM)) return undefined;
  const printed = await open(stranger, script, "127.0.0.1");
  if (printed.path !== "/done") throw new Error(printed.text);
  const refused = await open(stranger, script, INSECURE);
  if (refused.path !== "/failed") throw new Error(`it ran at http://${INSECURE}:\n${refused.text}`);
  return { printed: printed.text, refused: refused.text };
};

/** What the page posts at its end, and to which path. */
const open = async ({ empty }: Stranger, script: Buffer, host: string) => {
  let ended: (request: IncomingMessage) => void = () => {};
  const end = new Promise<IncomingMessage>((done) => {
    ended = done;
  });
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === "POST") return ended(request);
    const isScript = request.url === "/ring.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html").end(isScript ? script : HTML);
  };
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const browser = browse(`http://${host}:${port}/`, join(empty, `chromium-${host}`));
  try {
    const request = await Promise.race([end, browser.failed]);
    return { path: request.url, text: await textOf(request) };
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
};

/** With a port for tools, which keeps it open; without its sandbox, which does not start for root. */
const browse = (url: string, profile: string) => {
  const flags = [
    `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`,
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
  ];
  const child = spawn(CHROMIUM, [...flags, `--user-data-dir=${profile}`, url], { stdio: "ignore" });
  const closed = new Promise<void>((done) => child.once("close", () => done()));
  let late: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`the page was not done within ${PAGE_MS} ms`)), PAGE_MS);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`Chromium ended with ${code}`)));
  });
  failed.catch(() => {}); // it ends in any case
  const close = async () => {
    clearTimeout(late);
    child.kill();
    await closed;
  };
  return { failed, close };
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > SHOWN_BYTES_MAX) throw new Error("the page printed too much");
  }
  return text;
};
