/**
 * Peers for TLS-SRP that others wrote: GnuTLS's commands, libssl through srp-peer.c and curl, Apache's mod_ssl.
 * Each server knows the users `alice-1024`, `alice-2048` and so on, in the group of that size, and lives as long as its scope.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { type SrpGroupBits, srpGroup } from "../../codecs/tls/mod.ts";
import { freePort as drawPort } from "../kit/ports.ts";

export const HOST = "127.0.0.1";
export const USER = "alice";
export const PASSWORD = "correct horse";
export const userIn = (bits: SrpGroupBits): string => `${USER}-${bits}`;

export type KeyBits = 128 | 256;
/** What a peer is told to do without. */
export interface Without {
  readonly encryptThenMac: boolean;
  readonly extendedMasterSecret: boolean;
}
export const GROUPS: ReadonlyArray<SrpGroupBits> = [1024, 2048, 4096];

/** What a command prints, once it has ended well. */
export const outputOf = (command: string, words: ReadonlyArray<string>) =>
  new Promise<string>((resolve, reject) => {
    const child = spawn(command, words, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (bytes) => (text += bytes));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code}`))));
  });

/** A command of a peer's, whose words are kept; killed with the scope. */
export const peer = (command: string, words: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(command, words, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
      const said = { text: "" };
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said.text += bytes));
      child.on("error", (error) => (said.text += error.message));
      child.stdin.on("error", () => {});
      return { child, said };
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL")),
  );

/** Of what a peer has said, the end: a report of it is read in a log that cuts long ones. */
const SAID_LETTERS_MAX = 800;
export const endOf = ({ text }: { readonly text: string }): string =>
  text.length <= SAID_LETTERS_MAX ? text : `[...] ${text.slice(-SAID_LETTERS_MAX)}`;

/** `turns`: how often it looks, each 10 ms. */
export const until = (what: string, is: () => boolean, said: { readonly text: string }, turns = 1_000) =>
  Effect.gen(function* () {
    for (let i = 0; i < turns; i++) {
      if (is()) return;
      yield* Effect.sleep(10);
    }
    throw new Error(`${what}: never; the peer said:\n${endOf(said)}`);
  });

export const ended = (child: ChildProcess) =>
  Effect.callback<number>((resume) => {
    if (child.exitCode !== null) resume(Effect.succeed(child.exitCode));
    else child.on("close", (code) => resume(Effect.succeed(code ?? -1)));
  });

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-srp-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
);

export const freePort: Effect.Effect<number> = Effect.promise(drawPort);

const must = (command: string, words: ReadonlyArray<string>, input = ""): void => {
  const { status, stdout, stderr, error } = spawnSync(command, words, { input });
  same(status, 0, `${command}: ${error?.message ?? ""}${stdout}${stderr}`);
};

let built: string | undefined;
/** Our C program on libssl, built anew, once a run. */
const libsslPeer = (): string => {
  if (built !== undefined) return built;
  const folder = mkdtempSync(join(tmpdir(), "vipr-srp-peer-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const source = new URL("srp-peer.c", import.meta.url).pathname;
  must("gcc", ["-Wall", "-Wextra", "-Werror", "-o", join(folder, "srp-peer"), source, "-lssl", "-lcrypto"]);
  built = join(folder, "srp-peer");
  return built;
};

export const opensslSuite = (bits: KeyBits): string => `SRP-AES-${bits}-CBC-SHA`;
const switches = ({ encryptThenMac, extendedMasterSecret }: Without): ReadonlyArray<string> => [
  ...(encryptThenMac ? ["noetm"] : []),
  ...(extendedMasterSecret ? ["noems"] : []),
];

export const libsslServer = Effect.fnUntraced(function* (
  bits: KeyBits,
  without: Without,
  ...more: ReadonlyArray<string>
) {
  const words = ["server", USER, PASSWORD, opensslSuite(bits), ...switches(without), ...more];
  const { said } = yield* peer(libsslPeer(), words);
  yield* until("srp-peer listens", () => said.text.includes("port "), said);
  return { port: Number(/port (\d+)/.exec(said.text)![1]), said };
});

export interface Caller {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly bits: KeyBits;
  readonly without: Without;
}

/** Sends so many bytes and wants them back. */
export const libsslClient = Effect.fnUntraced(function* (
  { port, user, password, bits, without }: Caller,
  size: number,
  ...more: ReadonlyArray<string>
) {
  const words = ["client", String(port), user, password, opensslSuite(bits), String(size), ...switches(without)];
  const { child, said } = yield* peer(libsslPeer(), [...words, ...more]);
  return { code: yield* ended(child), said: said.text };
});

export const priority = (bits: KeyBits, { encryptThenMac, extendedMasterSecret }: Without): string =>
  `NONE:+SRP:+VERS-TLS1.2:+AES-${bits}-CBC:+SHA1:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:%PROFILE_VERY_WEAK${
    encryptThenMac ? ":%NO_ETM" : ""
  }${extendedMasterSecret ? ":%NO_SESSION_HASH" : ""}`;

/** GnuTLS's numbers for its groups; it ships no line for 1024 bits, so that we write it. */
const gnutlsGroups = { 1024: 1, 1536: 2, 2048: 3, 3072: 4, 4096: 5, 6144: 6, 8192: 7 } as const;
const SRP_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz./";
const inSrpDigits = (value: bigint): string =>
  value === 0n ? "" : inSrpDigits(value >> 6n) + SRP_DIGITS[Number(value & 63n)];

/** The files that `gnutls-serv` reads its users from. */
export const gnutlsUsers = Effect.gen(function* () {
  const folder = yield* temporary;
  const [conf, users] = [join(folder, "tpasswd.conf"), join(folder, "tpasswd")];
  writeFileSync(
    conf,
    GROUPS.map((bits) => {
      const { prime, generator } = srpGroup(bits);
      return `${gnutlsGroups[bits]}:${inSrpDigits(prime)}:${inSrpDigits(generator)}\n`;
    }).join(""),
  );
  writeFileSync(users, "");
  for (const bits of GROUPS)
    must(
      "srptool",
      [`--passwd=${users}`, `--passwd-conf=${conf}`, "-u", userIn(bits), "-i", String(gnutlsGroups[bits])],
      `${PASSWORD}\n`,
    );
  return { conf, users };
});

export const gnutlsServer = Effect.fnUntraced(function* (
  { conf, users }: { readonly conf: string; readonly users: string },
  bits: KeyBits,
  without: Without,
) {
  const port = yield* freePort;
  const { said } = yield* peer("gnutls-serv", [
    ...["-p", String(port), "--echo", "--srppasswd", users, "--srppasswdconf", conf],
    ...["--priority", priority(bits, without)],
  ]);
  // It says where before it listens, and "done" afterwards.
  yield* until("gnutls-serv listens", () => /IPv4 .*done/.test(said.text), said);
  return { port, said };
});

export const gnutlsClient = ({ port, user, password, bits, without }: Caller, ...more: ReadonlyArray<string>) =>
  peer("gnutls-cli", [
    ...["--srpusername", user, "--srppasswd", password, "--priority", priority(bits, without)],
    ...[...more, "-p", String(port), HOST],
  ]);

const sslOptions = ({ encryptThenMac, extendedMasterSecret }: Without): string =>
  [encryptThenMac && "-EncryptThenMac", extendedMasterSecret && "-ExtendedMasterSecret"].filter(Boolean).join(",");

/** curl takes libssl's switches from the file that libssl itself reads. */
export const curl = Effect.fnUntraced(function* ({ port, user, password, bits, without }: Caller, path: string) {
  const file = join(yield* temporary, "openssl.cnf");
  const options = sslOptions(without);
  const lines = ["openssl_conf = all", "[all]", "ssl_conf = ssl", "[ssl]", "system_default = ours", "[ours]"];
  writeFileSync(file, [...lines, options === "" ? "" : `Options = ${options}`, ""].join("\n"));
  const { child, said } = yield* peer(
    "curl",
    [
      ...[
        "-sS",
        "-k",
        "--noproxy",
        "*",
        "--http1.0",
        "--tlsauthtype",
        "SRP",
        "--tlsuser",
        user,
        "--tlspassword",
        password,
      ],
      ...["--tls-max", "1.2", "--ciphers", `${opensslSuite(bits)}:@SECLEVEL=0`, `https://${HOST}:${port}${path}`],
    ],
    { OPENSSL_CONF: file },
  );
  return { code: yield* ended(child), said: said.text };
});

export const APACHE = "/usr/sbin/apache2";
export const APACHE_MODULES = "/usr/lib/apache2/modules";

/** One Apache, a port for each of these hosts; it serves `page` at /page. */
export const apacheServer = Effect.fnUntraced(function* (
  hosts: ReadonlyArray<{ readonly bits: KeyBits; readonly without: Without }>,
  page: string,
) {
  const folder = yield* temporary;
  const at = (name: string) => join(folder, name);
  writeFileSync(at("users"), "");
  for (const bits of GROUPS)
    must("openssl", [
      "srp",
      "-srpvfile",
      at("users"),
      "-gn",
      String(bits),
      "-passout",
      `pass:${PASSWORD}`,
      "-add",
      userIn(bits),
    ]);
  mkdirSync(at("pages"));
  writeFileSync(at("pages/page"), page);
  const ports: Array<number> = [];
  for (const _ of hosts) ports.push(yield* freePort);
  // mod_ssl wants a certificate although SRP shows none.
  const subject = ["-subj", "/CN=localhost", "-days", "1", "-keyout", at("key"), "-out", at("certificate")];
  must("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject]);
  const modules = ["mpm_event", "authz_core", "socache_shmcb", "ssl"];
  const virtual = hosts.map(({ bits, without }, i) => {
    const options = sslOptions(without);
    return `Listen ${HOST}:${ports[i]}
<VirtualHost ${HOST}:${ports[i]}>
SSLEngine on
SSLCertificateFile ${at("certificate")}
SSLCertificateKeyFile ${at("key")}
SSLSRPVerifierFile ${at("users")}
SSLCipherSuite ${opensslSuite(bits)}:@SECLEVEL=0
SSLProtocol TLSv1.2
${options === "" ? "" : `SSLOpenSSLConfCmd Options ${options}`}
</VirtualHost>`;
  });
  writeFileSync(
    at("apache.conf"),
    `${modules.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`).join("\n")}
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
ServerName localhost
PidFile ${at("pid")}
DocumentRoot ${at("pages")}
ErrorLog ${at("errors")}
User www-data
Group www-data
<Directory />
Require all granted
</Directory>
${virtual.join("\n")}
`,
  );
  must("chmod", ["-R", "a+rX", folder]);
  const { said } = yield* peer(APACHE, ["-f", at("apache.conf"), "-X"]); // -X: one process, which dies when it is killed
  let isUp = false;
  for (let i = 0; i < 500 && !isUp; i++) {
    yield* Effect.sleep(20);
    isUp = yield* listens(ports.at(-1)!);
  }
  ok(isUp, said.text);
  return { ports };
});

const listens = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = net.connect(port, HOST, () => resume(Effect.succeed(true)));
    socket.on("connect", () => socket.destroy());
    socket.on("error", () => resume(Effect.succeed(false)));
  });
