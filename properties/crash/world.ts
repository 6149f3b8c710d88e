/** The processes of a crash run: an authority, two companies' servers and their call agents, each started again when it was killed. */

import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Running, start, vipr } from "../cli/processes.ts";
import { freePort } from "../kit/ports.ts";
import type { TestPostgres } from "../kit/postgres.ts";
import { spawnAgent } from "./agent-process.ts";
import { type AgentOrder, AT_ONCE, COMPANIES, type Company, OVERLAY } from "./calls.ts";

const HOST = "127.0.0.1";
const PASSWORD = "the exchange's word";
const AGENT = new URL("./agent.ts", import.meta.url).pathname;
const JOINED = /^node [0-9a-f]{32} of \S+ is at /m;

export interface Agent {
  /** Acknowledged calls, over all lives of the company's agents. */
  readonly acknowledged: Set<number>;
  /** Number and ticket, as often as they were told. */
  readonly learned: Array<string>;
  /** How often an upload was refused, by code and reason. */
  readonly refused: Map<string, number>;
  readonly kill: () => Promise<void>;
  readonly start: () => void;
}

export interface World {
  readonly data: (company: Company) => string;
  readonly schema: (company: Company) => string;
  readonly killServer: (company: Company) => Promise<void>;
  readonly startServer: (company: Company) => Promise<void>;
  readonly restartAuthority: () => Promise<void>;
  readonly agents: Readonly<Record<Company, Agent>>;
  /** What the servers have logged of their store. */
  readonly log: (company: Company) => string;
  readonly end: () => Promise<void>;
}

/** `env`: of the servers' processes. */
export const openWorld = async (
  root: string,
  pg: TestPostgres | undefined,
  everyMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<World> => {
  const data = (company: string) => join(root, company);
  const word = join(root, "word");
  writeFileSync(word, `${PASSWORD}\n`, { mode: 0o600 });
  const three = async () => ({ reload: await freePort(), vap: await freePort(), pvp: await freePort() });
  const ports = { a: await three(), b: await three() };
  const authorityPort = await freePort();
  const done = async (args: ReadonlyArray<string>) => {
    const { code, err } = await vipr(args);
    if (code !== 0) throw new Error(`vipr ${args.join(" ")}: ${err}`);
  };

  mkdirSync(data("authority"), { mode: 0o700 });
  const authorityArgs = [
    ...["authority", "--data", data("authority"), "--name", OVERLAY, "--listen", `${HOST}:${authorityPort}`],
    ...["--bootstrap", `${HOST}:${ports.a.reload}`],
  ];
  for (const company of COMPANIES)
    await done(["authority", "add-user", company, "--password-file", word, "--data", data("authority")]);
  const startAuthority = async () => {
    const one = start(authorityArgs);
    const fingerprint = (await one.said(/^fingerprint +(\S+)$/m))[1]!;
    return { one, fingerprint };
  };
  let authority = await startAuthority();

  const schema = (company: Company) => `vipr_${company}`;
  const servers: Partial<Record<Company, Running>> = {};
  const logs: Record<Company, string> = { a: "", b: "" };
  const startServer = async (company: Company) => {
    const { reload, vap, pvp } = ports[company];
    const store = pg === undefined ? [] : ["--store", `${pg.url}&schema=${schema(company)}`];
    const args = [
      ...["server", "--data", data(company), "--listen", `${HOST}:${reload}`, "--pvp", `${HOST}:${pvp}`],
      ...["--vap", `${HOST}:${vap}`, "--admin", "none", "--required-bits", "6", "--grace", "2"],
      ...["--wait", company === "a" ? "7200-14400" : "1-2", "--user", company, "--password-file", word],
      ...["--authority", `https://${HOST}:${authorityPort}`, "--fingerprint", authority.fingerprint],
      ...store,
    ];
    const one = start(args, "", undefined, undefined, env);
    servers[company] = one;
    await one.said(JOINED);
  };
  const killServer = async (company: Company) => {
    await servers[company]!.kill("SIGKILL");
    logs[company] += servers[company]!.err();
  };
  for (const company of COMPANIES) {
    await done(["server", "add-agent", "pbx", "--password-file", word, "--data", data(company)]);
    await done(["server", "add-domain", `${company}.example`, "--data", data(company)]);
    await startServer(company);
  }

  const agentOf = (company: Company): Agent => {
    const acknowledged = new Set<number>();
    const learned: Array<string> = [];
    const refused = new Map<string, number>();
    let child: ChildProcess | undefined;
    return {
      acknowledged,
      learned,
      refused,
      start: () => {
        // What the killed one had under way may be there or not: nobody takes it again.
        const last = acknowledged.size === 0 ? 0 : Math.max(...lastOf(acknowledged));
        const from = last + 2 * AT_ONCE;
        const order: AgentOrder = { company, port: ports[company].vap, password: PASSWORD, from, everyMs };
        child = spawnAgent(AGENT, order, (what, rest) => {
          const about = rest.join(" ");
          if (what === "ack") acknowledged.add(Number(about));
          if (what === "learned") learned.push(about);
          if (what === "refused") refused.set(about, (refused.get(about) ?? 0) + 1);
        });
      },
      kill: () =>
        new Promise((resolve) => {
          const one = child;
          if (one === undefined || one.exitCode !== null || one.signalCode !== null) return resolve();
          one.once("close", () => resolve()); // all that it has printed is read
          process.kill(one.pid!, "SIGKILL");
        }),
    };
  };
  const agents = { a: agentOf("a"), b: agentOf("b") };
  for (const company of COMPANIES) agents[company].start();
  return {
    data,
    schema,
    killServer,
    startServer,
    restartAuthority: async () => {
      await authority.one.kill("SIGKILL");
      authority = await startAuthority();
    },
    agents,
    log: (company) => `${logs[company]}${servers[company]?.err() ?? ""}`,
    end: async () => {
      await Promise.all(COMPANIES.map((company) => agents[company].kill()));
      await Promise.all(COMPANIES.map(killServer));
      await authority.one.kill("SIGKILL");
    },
  };
};

/** Some of the last that were added, in which the greatest is. */
const lastOf = (numbers: ReadonlySet<number>): ReadonlyArray<number> => [...numbers].slice(-4 * AT_ONCE);
