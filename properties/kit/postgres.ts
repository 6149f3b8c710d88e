/**
 * A PostgreSQL of a test's own: a cluster in a temporary folder, reached by a Unix socket; it ends with the scope.
 *
 * PostgreSQL does not run as root: a test that does runs it as the user `postgres`, whom Debian's package makes.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Effect, type Scope } from "effect";
import { ownMounts } from "./mounts.ts";
import { freePort } from "./ports.ts";

const UP_MS_MAX = 30_000;
const LOOK_MS = 20;
const USER = "vipr";
const OUTPUT_BYTES_MAX = 1_073_741_824;
const RUN_AS = "postgres";
const MEMORY = "/dev/shm";

export interface TestPostgres {
  /** `postgres://vipr@/DATABASE?host=...` of its only database. */
  readonly url: string;
  /** One statement, by psql; what it prints. */
  readonly sql: (url: string, statement: string) => string;
  readonly start: () => Promise<void>;
  /** SIGINT ends it in order, SIGKILL does not, SIGSTOP has it answer no more. */
  readonly kill: (signal: "SIGINT" | "SIGKILL") => Promise<void>;
  /** Of a table space on a file system of `smallMib` MiB: put into the path of its files. */
  readonly small: string;
  readonly pid: () => number;
}

const isRoot = process.getuid?.() === 0;
/** Words that run a program as one whom PostgreSQL accepts. */
const asUser = isRoot ? ["setpriv", `--reuid=${RUN_AS}`, `--regid=${RUN_AS}`, "--clear-groups"] : [];

export const postgresPrograms = (): string => {
  const [newest] = globSync("/usr/lib/postgresql/*/bin").sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  if (newest === undefined) throw new Error("PostgreSQL is not installed: .ci/setup");
  return newest;
};

const run = (words: ReadonlyArray<string>): string =>
  execFileSync(words[0]!, words.slice(1), {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
    maxBuffer: OUTPUT_BYTES_MAX,
  });

/** `small` is a file system in memory, of that process alone. */
const withSmall = (small: string, mib: number, words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const owner = isRoot ? `,uid=$(id -u ${RUN_AS})` : "";
  const mount = `mount -t tmpfs -o size=${mib}m,mode=0700${owner} tmpfs ${small} && exec "$@"`;
  return [...ownMounts, "sh", "-c", mount, "sh", ...words];
};

const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = net.connect(socket);
    const end = (isUp: boolean) => {
      connection.destroy();
      resolve(isUp);
    };
    connection.once("connect", () => end(true));
    connection.once("error", () => end(false));
  });

export interface TestPostgresOptions {
  /** Of the file system at `small`, a size in MiB. */
  readonly smallMib?: number;
  /** In memory it is by default: whom a test kills is a process, and what that has written stays in either. */
  readonly isOnDisk?: boolean;
  /** An empty folder for its write-ahead log, every part of which is a new file then. */
  readonly wal?: string;
}

export const startPostgres = (options: TestPostgresOptions = {}): Effect.Effect<TestPostgres, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(options.isOnDisk || !existsSync(MEMORY) ? tmpdir() : MEMORY, "vipr-pg-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
    );
    const programs = postgresPrograms();
    const [data, small] = [join(folder, "data"), join(folder, "small")];
    const port = yield* Effect.promise(freePort);
    chmodSync(folder, 0o755);
    for (const path of [data, small]) mkdirSync(path);
    const { wal } = options;
    if (isRoot) run(["chown", "-R", RUN_AS, folder, ...(wal === undefined ? [] : [wal])]);
    run([
      ...asUser,
      `${programs}/initdb`,
      "-D",
      data,
      "-U",
      USER,
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "-N",
      "--wal-segsize=4",
      ...(wal === undefined ? [] : [`--waldir=${wal}`]),
    ]);
    writeFileSync(
      join(data, "postgresql.auto.conf"),
      `listen_addresses = ''\nport = ${port}\nunix_socket_directories = '${folder}'\nmax_connections = 30\nshared_buffers = 32MB\nrecovery_init_sync_method = syncfs\n${
        wal === undefined ? "" : "wal_recycle = off\nmin_wal_size = 8MB\nmax_wal_size = 16MB\n"
      }`,
    );
    const words = [...asUser, `${programs}/postgres`, "-D", data];
    let child: ChildProcess | undefined;
    let log = "";
    const start = async () => {
      const [program, ...args] = options.smallMib === undefined ? words : withSmall(small, options.smallMib, words);
      for (let ms = 0; ; ms += LOOK_MS) {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
          // After a kill, until the last of its processes is gone, it refuses to start.
          child = spawn(program!, args, { stdio: ["ignore", "ignore", "pipe"], cwd: "/" });
          child.stderr!.on("data", (chunk) => {
            log = `${log}${chunk}`.slice(-8_192);
          });
        }
        if ((await answers(join(folder, `.s.PGSQL.${port}`))) && isReady(data)) return;
        if (ms > UP_MS_MAX) throw new Error(`PostgreSQL does not start: ${log}`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    };
    const kill = (signal: "SIGINT" | "SIGKILL" | "SIGQUIT") =>
      new Promise<void>((resolve) => {
        const one = child;
        if (one === undefined || one.exitCode !== null || one.signalCode !== null) return resolve();
        one.once("exit", () => resolve());
        process.kill(one.pid!, signal);
      });
    yield* Effect.acquireRelease(Effect.promise(start), () => Effect.promise(() => kill("SIGQUIT")));
    const urlOf = (database: string) =>
      `postgres://${USER}@/${database}?host=${encodeURIComponent(folder)}&port=${port}`;
    const sql = (url: string, statement: string) =>
      run([`${programs}/psql`, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement]);
    sql(urlOf("postgres"), "CREATE DATABASE vipr");
    return { url: urlOf("vipr"), sql, start, kill, small, pid: () => child!.pid! };
  });

/** The status that the server writes into its file once it takes connections. */
const isReady = (data: string): boolean => {
  try {
    return readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[7]?.trim() === "ready";
  } catch {
    return false;
  }
};
