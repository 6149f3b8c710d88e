/**
 * TLS-SRP against two stacks that others wrote: GnuTLS's commands, and libssl through curl and through srp-peer.c.
 * Each check makes a handshake over real TCP and moves data both ways, or makes one that must fail, with the alert.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Layer, type Scope } from "effect";
import { type Arithmetic, type ByteStreamShape, Dialer, type Entropy, Listener } from "../../actors/ports/mod.ts";
import {
  type HandshakeFailed,
  type TlsSrpClientOptions,
  type TlsSrpServerOptions,
  type TlsStream,
  tlsSrpClient,
  tlsSrpServer,
} from "../../actors/tls/mod.ts";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import type { SrpGroupBits } from "../../codecs/tls/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { nodeLayer } from "../../runtime/node.ts";
import type { InteropCheck } from "./run.ts";

const HOST = "127.0.0.1";
const USER = "alice";
const PASSWORD = "correct horse";
const PRIORITY = "NORMAL:-KX-ALL:+SRP:-VERS-ALL:+VERS-TLS1.2:+AES-128-CBC:+AES-256-CBC";

type World = Arithmetic | Dialer | Entropy | Listener | Scope.Scope;

const run = <A, E>(effect: Effect.Effect<A, E, World>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provide(effect, Layer.merge(nodeLayer(), arithmeticLayer))));

/** A command of a peer's, whose words are kept; killed with the scope. */
const peer = (command: string, words: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(command, words, { stdio: ["pipe", "pipe", "pipe"] });
      const said = { text: "" };
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said.text += bytes));
      child.on("error", (error) => (said.text += error.message));
      child.stdin.on("error", () => {});
      return { child, said };
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL")),
  );

const until = (what: string, is: () => boolean, said: { readonly text: string }) =>
  Effect.gen(function* () {
    for (let i = 0; i < 400; i++) {
      if (is()) return;
      yield* Effect.sleep(25);
    }
    throw new Error(`${what}: never; the peer said:\n${said.text}`);
  });

const ended = (child: ChildProcess) =>
  Effect.callback<number>((resume) => {
    if (child.exitCode !== null) resume(Effect.succeed(child.exitCode));
    else child.on("exit", (code) => resume(Effect.succeed(code ?? -1)));
  });

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-srp-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
);

/** Our C program on libssl, built anew. */
const buildPeer = Effect.gen(function* () {
  const program = join(yield* temporary, "srp-peer");
  const source = new URL("srp-peer.c", import.meta.url).pathname;
  const built = spawnSync("gcc", ["-Wall", "-Wextra", "-Werror", "-o", program, source, "-lssl", "-lcrypto"]);
  same(built.status, 0, String(built.stderr));
  return program;
});

const freePort = Effect.callback<number>((resume) => {
  const server = net.createServer().listen(0, HOST, () => {
    const { port } = server.address() as net.AddressInfo;
    server.close(() => resume(Effect.succeed(port)));
  });
});

/** `gnutls-serv` with our user in a group: 3 is its name for 2048 bits, 4 for 3072. */
const gnutlsServer = Effect.fnUntraced(function* (group: 3 | 4, priority: string) {
  const folder = yield* temporary;
  const [conf, users] = [join(folder, "tpasswd.conf"), join(folder, "tpasswd")];
  spawnSync("srptool", [`--create-conf=${conf}`]);
  writeFileSync(users, "");
  const words = [`--passwd=${users}`, `--passwd-conf=${conf}`, "-u", USER, "-i", String(group)];
  same(spawnSync("srptool", words, { input: `${PASSWORD}\n` }).status, 0);
  const port = yield* freePort;
  const { said } = yield* peer("gnutls-serv", [
    ...["-p", String(port), "--echo", "--srppasswd", users, "--srppasswdconf", conf, "--priority", priority],
  ]);
  yield* until("gnutls-serv listens", () => said.text.includes("listening on"), said);
  return { port, said };
});

const libsslServer = Effect.fnUntraced(function* (bits: SrpGroupBits, cipher: string, ...old: ReadonlyArray<string>) {
  const { said } = yield* peer(yield* buildPeer, ["server", USER, PASSWORD, String(bits), cipher, ...old]);
  yield* until("srp-peer listens", () => said.text.includes("port "), said);
  return { port: Number(/port (\d+)/.exec(said.text)![1]), said };
});

const connect = Effect.fnUntraced(function* (port: number, options: Partial<TlsSrpClientOptions> = {}) {
  const { dial } = yield* Dialer;
  return yield* tlsSrpClient(yield* dial({ host: HOST, port }), { userName: USER, password: PASSWORD, ...options });
});

/** What the server thinks of us, when it must not let us in. */
const refusal = (port: number, options: Partial<TlsSrpClientOptions>) =>
  Effect.flip(Effect.scoped(connect(port, options))) as Effect.Effect<HandshakeFailed, never, Dialer | World>;

const readAll = (stream: ByteStreamShape, size: number) =>
  Effect.gen(function* () {
    let held: Uint8Array = new Uint8Array();
    while (held.length < size) held = concat(held, yield* stream.read);
    return held;
  });

/** Sends lines and more, and wants the same back. */
const exchange = (stream: TlsStream, size: number) =>
  Effect.gen(function* () {
    const sent = Uint8Array.from({ length: size }, (_, i) => (i % 64 === 63 ? 10 : 65 + (i % 26)));
    yield* Effect.forkScoped(stream.write(sent));
    same(yield* readAll(stream, size), sent);
    yield* stream.close;
  });

interface Served {
  readonly port: number;
  readonly streams: Array<TlsStream>;
  readonly failures: Array<HandshakeFailed>;
}

/** A server of ours that knows our user, and says back what it hears. */
const serve = Effect.fnUntraced(function* (
  options: Partial<TlsSrpServerOptions> = {},
  talk: (stream: TlsStream) => Effect.Effect<unknown, unknown> = (stream) =>
    Effect.forever(Effect.flatMap(stream.read, stream.write)),
) {
  const { listen } = yield* Listener;
  const served: Served = { port: 0, streams: [], failures: [] };
  const settings: TlsSrpServerOptions = {
    lookUp: (name) => Effect.succeed(name === USER ? { type: "password", password: PASSWORD } : undefined),
    seedKey: new Uint8Array(32).fill(7),
    ...options,
  };
  const { port } = yield* listen({ host: HOST, port: 0 }, (below) =>
    Effect.scoped(
      Effect.matchEffect(tlsSrpServer(below, settings), {
        onFailure: (failure) => Effect.sync(() => served.failures.push(failure)),
        onSuccess: (stream) =>
          Effect.andThen(
            Effect.sync(() => served.streams.push(stream)),
            Effect.ignore(talk(stream)),
          ),
      }),
    ),
  );
  return { ...served, port };
});

const libsslClient = Effect.fnUntraced(function* (
  port: number,
  { user = USER, password = PASSWORD, cipher = "SRP", size = 100_000, old = false },
) {
  const words = ["client", String(port), user, password, cipher, String(size), ...(old ? ["old"] : [])];
  const { child, said } = yield* peer(yield* buildPeer, words);
  return { code: yield* ended(child), said: said.text };
});

const gnutlsClient = Effect.fnUntraced(function* (port: number, password: string) {
  const { child, said } = yield* peer("gnutls-cli", [
    ...["--srpusername", USER, "--srppasswd", password, "--priority", PRIORITY, "-p", String(port), HOST],
  ]);
  return { child, said };
});

const GNUTLS_SERVER = ["gnutls-serv", "srptool"];
const LIBSSL = ["gcc", "/usr/include/openssl/srp.h"];

const check = (
  name: string,
  needs: ReadonlyArray<string>,
  body: Effect.Effect<unknown, unknown, World>,
): InteropCheck => ({ name: `tls-srp: ${name}`, needs, run: async () => void (await run(body)) });

const ourClient: ReadonlyArray<InteropCheck> = [
  ...([3, 4] as const).map((group) =>
    check(
      `our client -> gnutls-serv, ${group === 3 ? 2048 : 3072} bits`,
      GNUTLS_SERVER,
      Effect.gen(function* () {
        const stream = yield* connect((yield* gnutlsServer(group, PRIORITY)).port);
        same(stream.facts.group, group === 3 ? 2048 : 3072);
        same([stream.facts.extendedMasterSecret, stream.facts.encryptThenMac], [true, true]);
        yield* exchange(stream, 6_400);
      }),
    ),
  ),
  check(
    "our client -> gnutls-serv without encrypt-then-MAC, legacy",
    GNUTLS_SERVER,
    Effect.gen(function* () {
      const { port } = yield* gnutlsServer(3, `${PRIORITY}:%NO_ETM`);
      const strict = yield* refusal(port, {});
      same(strict.outcome, { type: "refused", alert: "handshakeFailure", why: "no encrypt_then_mac" });
      const stream = yield* connect(port, { legacy: true });
      same(stream.facts.encryptThenMac, false);
      yield* exchange(stream, 6_400);
    }),
  ),
  check(
    "our client -> gnutls-serv, wrong password, bad_record_mac",
    GNUTLS_SERVER,
    Effect.gen(function* () {
      const { port } = yield* gnutlsServer(3, PRIORITY);
      same((yield* refusal(port, { password: "wrong" })).outcome, { type: "alerted", alert: "badRecordMac" });
    }),
  ),
  ...([2048, 3072, 4096] as const).flatMap((bits) =>
    (["SRP-AES-128-CBC-SHA", "SRP-AES-256-CBC-SHA"] as const).map((cipher) =>
      check(
        `our client -> libssl, ${bits} bits, ${cipher}`,
        LIBSSL,
        Effect.gen(function* () {
          const { port, said } = yield* libsslServer(bits, cipher);
          const stream = yield* connect(port);
          same([stream.facts.group, stream.facts.suite.includes("256")], [bits, cipher.includes("256")]);
          yield* exchange(stream, 300_000);
          yield* until("our close_notify", () => said.text.includes("ended in order"), said);
          ok(said.text.includes(`secured ${cipher} ems=1`));
        }),
      ),
    ),
  ),
  check(
    "our client -> libssl without encrypt-then-MAC and extended master secret, legacy",
    LIBSSL,
    Effect.gen(function* () {
      const { port } = yield* libsslServer(2048, "SRP", "old");
      same((yield* refusal(port, {})).outcome.type, "refused");
      const stream = yield* connect(port, { legacy: true });
      same([stream.facts.extendedMasterSecret, stream.facts.encryptThenMac], [false, false]);
      yield* exchange(stream, 300_000);
    }),
  ),
  check(
    "our client refuses libssl's 1024 bits, insufficient_security",
    LIBSSL,
    Effect.gen(function* () {
      const { port, said } = yield* libsslServer(1024, "SRP");
      same((yield* refusal(port, {})).outcome, {
        type: "refused",
        alert: "insufficientSecurity",
        why: "a group of 1024 bits",
      });
      yield* until("our alert", () => said.text.includes("alert read 71"), said);
      yield* exchange(yield* connect(port, { groupBitsMin: 1024 }), 1_000);
    }),
  ),
  check(
    "our client -> libssl, wrong password and unknown user",
    LIBSSL,
    Effect.gen(function* () {
      const { port } = yield* libsslServer(2048, "SRP");
      const wrong = yield* refusal(port, { password: "wrong" });
      same([wrong.outcome, wrong.isWrongPassword], [{ type: "alerted", alert: "badRecordMac" }, true]);
      same((yield* refusal(port, { userName: "bob" })).outcome, { type: "alerted", alert: "unknownPskIdentity" });
    }),
  ),
];

const ourServer: ReadonlyArray<InteropCheck> = [
  ...([2048, 3072, 4096] as const).flatMap((group) =>
    (["SRP-AES-128-CBC-SHA", "SRP-AES-256-CBC-SHA"] as const).map((cipher) =>
      check(
        `libssl -> our server, ${group} bits, ${cipher}`,
        LIBSSL,
        Effect.gen(function* () {
          const { port, streams } = yield* serve({ group });
          const { code, said } = yield* libsslClient(port, { cipher });
          same(code, 0, said);
          ok(said.includes(`secured ${cipher} ems=1`) && said.includes("same"), said);
          ok(said.includes("peer said close_notify"), said);
          same(streams[0]!.facts.encryptThenMac, true);
        }),
      ),
    ),
  ),
  check(
    "libssl without encrypt-then-MAC and extended master secret -> our server, legacy",
    LIBSSL,
    Effect.gen(function* () {
      const strict = yield* serve();
      const refused = yield* libsslClient(strict.port, { old: true });
      ok(refused.code === 1 && refused.said.includes("alert read 40"), refused.said);
      const { port, streams } = yield* serve({ legacy: true });
      const { said } = yield* libsslClient(port, { old: true });
      ok(said.includes("ems=0") && said.includes("same"), said);
      same(streams[0]!.facts.encryptThenMac, false);
    }),
  ),
  check(
    "libssl -> our server, wrong password and unknown user look alike",
    LIBSSL,
    Effect.gen(function* () {
      const { port, failures } = yield* serve();
      const wrong = yield* libsslClient(port, { password: "wrong" });
      const unknown = yield* libsslClient(port, { user: "bob" });
      same([wrong.code, wrong.said.trim()], [1, "alert read 20"]);
      same(unknown, wrong);
      same(
        failures.map(({ isWrongPassword }) => isWrongPassword),
        [true, true],
      );
    }),
  ),
  check(
    "gnutls-cli -> our server",
    ["gnutls-cli"],
    Effect.gen(function* () {
      const { port, streams } = yield* serve();
      const { child, said } = yield* gnutlsClient(port, PASSWORD);
      yield* until("a handshake", () => said.text.includes("Handshake was completed"), said);
      child.stdin!.write("a line from afar\n");
      yield* until("our echo", () => /^a line from afar$/m.test(said.text), said);
      child.stdin!.end();
      same([yield* ended(child), streams[0]!.facts.encryptThenMac], [0, true]);
    }),
  ),
  check(
    "gnutls-cli -> our server, wrong password, bad_record_mac",
    ["gnutls-cli"],
    Effect.gen(function* () {
      const { port, failures } = yield* serve();
      const { child, said } = yield* gnutlsClient(port, "wrong");
      same(yield* ended(child), 1);
      ok(said.text.includes("Bad record MAC"), said.text);
      same(failures[0]!.isWrongPassword, true);
    }),
  ),
  ...([PASSWORD, "wrong"] as const).map((password) =>
    check(
      `curl --tlsauthtype SRP -> our server${password === PASSWORD ? "" : ", wrong password"}`,
      ["curl"],
      Effect.gen(function* () {
        const page = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nvalidated\n";
        const { port } = yield* serve({}, (stream) =>
          Effect.gen(function* () {
            let request = "";
            while (!request.includes("\r\n\r\n")) request += new TextDecoder().decode(yield* stream.read);
            yield* stream.write(utf8(page));
            yield* stream.close;
          }),
        );
        const { child, said } = yield* peer("curl", [
          ...["-sS", "-k", "--noproxy", "*", "--tlsauthtype", "SRP", "--tlsuser", USER, "--tlspassword", password],
          ...["--tls-max", "1.2", "--ciphers", "SRP@SECLEVEL=0", `https://${HOST}:${port}/`],
        ]);
        const code = yield* ended(child);
        yield* Effect.sleep(50);
        if (password === PASSWORD) same([code, said.text], [0, "validated\n"]);
        else ok(code === 35 && said.text.includes("bad record mac"), said.text);
      }),
    ),
  ),
];

export const checks: ReadonlyArray<InteropCheck> = [...ourClient, ...ourServer];
