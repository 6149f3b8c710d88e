/** The processes of a crash run with several machines: a cluster of company a, a server of b, an authority, four call agents. */

import type { ChildProcess } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Clock, Effect } from "effect";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { type Running, start, vipr } from "../cli/processes.ts";
import { credentialsUnder } from "../kit/credentials.ts";
import { freePort } from "../kit/ports.ts";
import type { TestPostgres } from "../kit/postgres.ts";
import { spawnAgent } from "./agent-process.ts";
import { AT_ONCE, type Company, OVERLAY } from "./calls.ts";
import { AGENTS } from "./cluster-calls.ts";
import { type Cut, openCut } from "./cuts.ts";

const HOST = "127.0.0.1";
const PASSWORD = "the exchange's word";
const AGENT = new URL("./cluster-agent.ts", import.meta.url).pathname;
const JOINED = /^node [0-9a-f]{32} of \S+ is at /m;
export const SCHEMA_A = "vipr_a";
const SCHEMA_B = "vipr_b";

export interface ClusterAgentOrder {
  readonly company: Company;
  /** Which of its company's. */
  readonly agent: number;
  readonly port: number;
  readonly password: string;
  readonly from: number;
  /** Calls that are acknowledged already, and are uploaded once more. */
  readonly again: ReadonlyArray<number>;
  readonly everyMs: number;
}

export interface Machine {
  readonly name: string;
  readonly vap: number;
  /** Its ways to the other runners, and to PostgreSQL. */
  readonly runners: Cut;
  readonly database: Cut;
  readonly process: () => Running | undefined;
  /** What it has logged, over all its lives. */
  readonly log: () => string;
  readonly isUp: () => boolean;
  readonly start: () => Promise<void>;
  readonly kill: () => Promise<void>;
}
export interface ClusterAgent {
  readonly company: Company;
  readonly acknowledged: Set<number>;
  readonly learned: Array<string>;
  /** The server that it is connected to. */
  readonly at: () => Machine;
  readonly start: (at: Machine) => void;
  readonly kill: () => Promise<void>;
}
export interface ClusterWorld {
  /** Of a. */
  readonly machines: ReadonlyArray<Machine>;
  readonly b: Machine;
  readonly agents: ReadonlyArray<ClusterAgent>;
  readonly end: () => Promise<void>;
}

const done = async (args: ReadonlyArray<string>) => {
  const { code, err } = await vipr(args);
  if (code !== 0) throw new Error(`vipr ${args.join(" ")}: ${err}`);
};

/** The cluster's authority and what each member shows, as files. */
const certificatesIn = (folder: string, names: ReadonlyArray<string>) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const authority = yield* makeAuthority({ name: "cluster", nowMs: yield* Clock.currentTimeMillis });
      writeFileSync(join(folder, "ca.pem"), pemCertificate(authority.root));
      for (const name of names) {
        const { key, certificates } = yield* credentialsUnder(`${name}.example`, authority);
        writeFileSync(join(folder, `${name}.pem`), certificates.map(pemCertificate).join(""));
        writeFileSync(join(folder, `${name}.key`), pemOf(key), { mode: 0o600 });
      }
    }).pipe(Effect.scoped, Effect.provide(nodeLayer())) as Effect.Effect<void>,
  );

export const openClusterWorld = async (
  root: string,
  pg: TestPostgres,
  { machines: count, everyMs }: { readonly machines: number; readonly everyMs: number },
): Promise<ClusterWorld> => {
  const names = Array.from({ length: count }, (_, i) => `a${i + 1}`);
  const word = join(root, "word");
  writeFileSync(word, `${PASSWORD}\n`, { mode: 0o600 });
  await certificatesIn(root, names);
  const socket = new URLSearchParams(pg.url.slice(pg.url.indexOf("?") + 1));
  const pgPath = `${socket.get("host")}/.s.PGSQL.${socket.get("port")}`;

  const authorityPort = await freePort();
  const reloadOf = new Map<string, number>();
  for (const name of [...names, "b"]) reloadOf.set(name, await freePort());
  mkdirSync(join(root, "authority"), { mode: 0o700 });
  for (const name of [...names, "b"])
    await done(["authority", "add-user", name, "--password-file", word, "--data", join(root, "authority")]);
  const authority = start([
    ...["authority", "--data", join(root, "authority"), "--name", OVERLAY, "--listen", `${HOST}:${authorityPort}`],
    ...[...names, "b"].flatMap((name) => ["--bootstrap", `${HOST}:${reloadOf.get(name)}`]),
  ]);
  const fingerprint = (await authority.said(/^fingerprint +(\S+)$/m))[1]!;

  const machineOf = async (name: string, company: Company): Promise<Machine> => {
    const data = join(root, name);
    const [vap, pvp, runner] = [await freePort(), await freePort(), await freePort()];
    const database = await openCut(await freePort(), pgPath);
    const runners = await openCut(await freePort(), runner);
    const config = join(root, `${name}.toml`);
    const schema = company === "a" ? SCHEMA_A : SCHEMA_B;
    const lines = [
      "[server]",
      `data = "${data}"`,
      `store = "postgres://vipr@${HOST}:${database.port}/vipr?sslmode=disable&schema=${schema}"`,
      ...(company === "b"
        ? []
        : [
            `cluster = "${HOST}:${runners.port}"`,
            `cluster-listen = "${HOST}:${runner}"`,
            `cluster-certificate-file = "${join(root, `${name}.pem`)}"`,
            `cluster-key-file = "${join(root, `${name}.key`)}"`,
            `cluster-ca-file = "${join(root, "ca.pem")}"`,
          ]),
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    const args = [
      ...["server", "--config", config, "--listen", `${HOST}:${reloadOf.get(name)}`, "--pvp", `${HOST}:${pvp}`],
      ...[
        "--vap",
        `${HOST}:${vap}`,
        "--admin",
        "none",
        "--required-bits",
        "6",
        "--grace",
        company === "a" ? "60" : "2",
      ],
      ...["--wait", "1-3", "--user", name, "--password-file", word],
      ...["--authority", `https://${HOST}:${authorityPort}`, "--fingerprint", fingerprint],
    ];
    if (name === names[0] || name === "b") {
      await done(["server", "add-agent", "pbx", "--password-file", word, "--data", data]);
      await done(["server", "add-domain", `${company}.example`, "--data", data]);
    } else {
      mkdirSync(data, { mode: 0o700 });
      for (const file of ["agents", "domains"]) copyFileSync(join(root, names[0]!, file), join(data, file));
    }
    let now: Running | undefined;
    let isUp = false;
    let before = "";
    return {
      name,
      vap,
      runners,
      database,
      process: () => now,
      log: () => `${before}${now?.err() ?? ""}`,
      isUp: () => isUp,
      start: async () => {
        before += now?.err() ?? "";
        const one = start(args, "", undefined, undefined, { NODE_NO_WARNINGS: "1" });
        now = one;
        one.ended.then(() => {
          if (now === one) isUp = false;
        });
        await one.said(JOINED);
        isUp = true;
      },
      kill: async () => {
        isUp = false;
        await now?.kill("SIGKILL");
      },
    };
  };
  const machines: Array<Machine> = [];
  for (const name of names) machines.push(await machineOf(name, "a"));
  const b = await machineOf("b", "b");
  await machines[0]!.start();
  await Promise.all([b, ...machines.slice(1)].map((one) => one.start()));

  const agentOf = (company: Company, index: number, first: Machine): ClusterAgent => {
    const acknowledged = new Set<number>();
    const learned: Array<string> = [];
    let child: ChildProcess | undefined;
    let at = first;
    return {
      company,
      acknowledged,
      learned,
      at: () => at,
      start: (to) => {
        at = to;
        const all = [...acknowledged];
        const last = all.length === 0 ? 0 : Math.max(...all.slice(-4 * AT_ONCE));
        // What the one before had under way may be there or not: nobody takes it again.
        const from = last + 2 * AT_ONCE * AGENTS;
        const again = all.slice(-AT_ONCE);
        const order: ClusterAgentOrder = {
          company,
          agent: index,
          port: to.vap,
          password: PASSWORD,
          from,
          again,
          everyMs,
        };
        child = spawnAgent(AGENT, order, (what, [about]) => {
          if (what === "ack") acknowledged.add(Number(about));
          if (what === "learned") learned.push(about!);
        });
      },
      kill: () =>
        new Promise((resolve) => {
          const one = child;
          if (one === undefined || one.exitCode !== null || one.signalCode !== null) return resolve();
          one.once("close", () => resolve());
          process.kill(one.pid!, "SIGKILL");
        }),
    };
  };
  const agents = [
    ...Array.from({ length: AGENTS }, (_, i) => agentOf("a", i, machines[i % machines.length]!)),
    agentOf("b", 0, b),
  ];
  for (const agent of agents) agent.start(agent.at());
  return {
    machines,
    b,
    agents,
    end: async () => {
      await Promise.all(agents.map((agent) => agent.kill()));
      await Promise.all([...machines, b].map((one) => one.kill()));
      await authority.kill("SIGKILL");
      await Promise.all([...machines, b].flatMap((one) => [one.runners.end(), one.database.end()]));
    },
  };
};
