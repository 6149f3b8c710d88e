/**
 * A data directory: ours alone (0700), its files too (0600), each replaced whole or not at all.
 *
 *   write --> name.new, fsync --> rename over name --> fsync of the directory
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { fileStopped, type Stopped, stopped } from "./exit.ts";

const FILE_BYTES_MAX = 4 * 1_048_576;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS = 0o077;

export interface Folder {
  readonly path: string;
  readonly at: (name: string) => string;
  /** Undefined when there is no such file. */
  readonly read: (name: string) => Effect.Effect<string | undefined, Stopped>;
  readonly write: (name: string, text: string) => Effect.Effect<void, Stopped>;
  /** One line at the end, on disk when it succeeds. Half a line that a crash left there is taken away. */
  readonly append: (name: string, line: string) => Effect.Effect<void, Stopped>;
  readonly remove: (name: string) => Effect.Effect<void>;
}

/** Makes it where it is missing; refuses one that others may read or write. */
export const openFolder = (path: string): Effect.Effect<Folder, Stopped> =>
  attempt(path, () => {
    process.umask(OTHERS); // SQLite makes files of its own beside ours
    makeFolder(path);
    const about = statSync(path);
    if (!about.isDirectory()) throw stopped("notWritable", `${path}: not a directory`);
    if ((about.mode & OTHERS) !== 0)
      throw stopped(
        "notWritable",
        `${path}: others may look into this directory, and keys lie in it: chmod 700 ${path}`,
      );
    const at = (name: string) => join(path, name);
    return {
      path,
      at,
      read: (name) => attempt(at(name), () => read(at(name))),
      write: (name, text) => attempt(at(name), () => replace(path, at(name), text)),
      append: (name, line) => attempt(at(name), () => append(at(name), line)),
      remove: (name) => Effect.sync(() => rmSync(at(name), { force: true })),
    };
  });

/**
 * With the folders above it. One after another, each tried once: Node's own way with `recursive` never ends on a file system
 * that says of every new folder that the one above it is missing.
 */
export const makeFolder = (path: string): void => {
  const missing: Array<string> = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode: FOLDER_MODE });
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error; // another process may have made it meanwhile
    }
  }
};

/** One that is there already, for whoever only asks: nothing is made. */
export const knownFolder = (path: string): Effect.Effect<Folder, Stopped> =>
  Effect.suspend(() =>
    existsSync(path) ? openFolder(path) : Effect.fail(stopped("unreachable", `${path}: there is no such directory`)),
  );

/** Before a database is opened in it, whose own words for a read-only disk say less. */
export const mustBeWritable = ({ path }: Folder): Effect.Effect<void, Stopped> =>
  attempt(path, () => accessSync(path, constants.W_OK));

/** The same, where it was named to be read or changed: then it was mistyped. */
export const namedFolder = (path: string): Effect.Effect<Folder, Stopped> =>
  Effect.suspend(() =>
    existsSync(path) ? openFolder(path) : Effect.fail(stopped("usage", `--data: there is no directory ${path}`)),
  );

/** What a directory is whose: an authority's and a node's are never one. */
export const AUTHORITY_FILE = "authority.pem";
export const NODE_FILE = "node.json";
/** A member's store: what its node keeps, and a ViPR server's records and stories. */
export const STORE_FILE = "values.sqlite";
/** What outlives a call agent, in the directory `agent.data`. */
export const AGENT_STORE = "agent.sqlite";
export const isAuthoritys = ({ read }: Folder) => Effect.map(read(AUTHORITY_FILE), (text) => text !== undefined);
export const isNodes = ({ read }: Folder) => Effect.map(read(NODE_FILE), (text) => text !== undefined);

const attempt = <A>(what: string, work: () => A): Effect.Effect<A, Stopped> =>
  Effect.try({
    try: work,
    catch: (cause) => (isStopped(cause) ? cause : fileStopped(what, cause)),
  });
const isStopped = (cause: unknown): cause is Stopped => (cause as { _tag?: string })._tag === "Stopped";

const read = (file: string): string | undefined => {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) throw stopped("damaged", `${file}: over ${FILE_BYTES_MAX} bytes`);
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
};

const replace = (folder: string, file: string, text: string): void => {
  const fresh = `${file}.new`;
  rmSync(fresh, { force: true }); // of a run that was killed meanwhile
  try {
    writeWhole(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, () => text);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  const directory = openSync(folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
};

const append = (file: string, line: string): void =>
  writeWhole(file, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, (descriptor) => {
    const { size } = fstatSync(descriptor);
    const whole = size === 0 ? 0 : readFileSync(file).lastIndexOf("\n") + 1;
    if (whole < size) ftruncateSync(descriptor, whole);
    return `${line}\n`;
  });

const writeWhole = (file: string, flags: number, textFor: (descriptor: number) => string): void => {
  const descriptor = openSync(file, flags, FILE_MODE);
  try {
    const bytes = Buffer.from(textFor(descriptor));
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};
