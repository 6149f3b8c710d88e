/** What an operator gets wrong, each with its sentence and exit code; and what two of one account do to each other. */
import { ok, deepStrictEqual as same } from "node:assert";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { Https } from "../../actors/ports/mod.ts";
import { authorityOfPem } from "../../runtime/authority-file.ts";
import { authorityCommand } from "../../runtime/cli/authority.ts";
import { configCommand } from "../../runtime/cli/config.ts";
import { exitCode } from "../../runtime/cli/exit.ts";
import { nodeCommand } from "../../runtime/cli/node.ts";
import { serverCommand } from "../../runtime/cli/server.ts";
import { ticketCommand } from "../../runtime/cli/ticket.ts";
import { vcrCommand } from "../../runtime/cli/vcr.ts";
import { versionOf, versionText } from "../../runtime/cli/version.ts";
import { preflight } from "../../runtime/demo/preflight.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { test } from "../kit/harness.ts";
import { canMount, ownMounts } from "../kit/mounts.ts";
import { freePort } from "../kit/ports.ts";
import { HOST, JOINED, oneServer, WORDS } from "./one-server.ts";
import { POLITE_END, start, until, vipr, withFolder } from "./processes.ts";

test("on a directory that has enrolled, a password file that is missing, another account or another root is said", () =>
  withFolder(async (root) => {
    const { at, data, serve, write, config } = await oneServer(root);
    const first = await serve();
    same(await first.kill("SIGTERM"), POLITE_END);
    const ends = async (...args: ReadonlyArray<string>) => await vipr(["server", "--config", config, ...args]);
    const missing = await ends("--password-file", at("no-word"));
    same([missing.code, /no-word: there is no such file/.test(missing.err)], [exitCode.usage, true], missing.err);
    const other = await ends("--user", "beta");
    same([other.code, /belongs to the account acme, not beta/.test(other.err)], [exitCode.usage, true], other.err);
    write();
    const impostor = await serve("--fingerprint", `sha256:${"00".repeat(32)}`);
    ok(/WARN node\.anchor no root of this overlay/.test(impostor.err()), impostor.err());
    same(await impostor.kill("SIGTERM"), POLITE_END);
    ok(existsSync(join(data, "server")));
  }));

test("one account from two directories: the authority says it, the first says it and goes on, the second ends with 4", () =>
  withFolder(async (root) => {
    const { at, serve, ports, trust, authority } = await oneServer(root);
    const first = await serve();
    const before = JOINED.exec(first.out())![1];
    const second = start([
      ...["node", "--data", at("copy"), "--authority", trust.url, "--fingerprint", trust.fingerprint],
      ...["--user", "acme", "--password-file", at("word-acme"), "--listen", `${HOST}:0`, "--admin", `${HOST}:0`],
    ]);
    same(await second.ended, exitCode.refused, second.err());
    ok(/the account acme runs at 127\.0\.0\.1 already, from another directory/.test(second.err()), second.err());
    await until(async () => (/ERROR reload\.sameNode/.test(first.err()) ? true : undefined), "the first one says so");
    ok(/WARN enrol\.sameNode acme \{"address":"127\.0\.0\.1"/.test(authority.err()), authority.err());
    ok(!authority.err().includes(WORDS.acme));
    same(await first.kill("SIGTERM"), POLITE_END);
    const again = await serve();
    same(JOINED.exec(again.out())![1], before);
    same(await again.kill("SIGTERM"), POLITE_END);
    ok(ports.reload > 0);
  }));

test("enrolment's HTTPS: 405 says what is allowed, HEAD of the document is answered; a wrong password is in the log", () =>
  withFolder(async (root) => {
    const { at, trust, authority } = await oneServer(root);
    const own = authorityOfPem(readFileSync(at("authority/authority.pem"), "utf8"));
    if ("why" in own) throw new Error(String(own.why));
    const port = Number(new URL(trust.url).port);
    const ask = (method: string, path: string) =>
      Effect.runPromise(
        Effect.provide(
          Effect.flatMap(Https, (https) =>
            https.request({
              ...{ host: HOST, port, serverName: "vipr.test", roots: [own.root], method, path },
              bodyBytesMax: 1_048_576,
            }),
          ),
          nodeLayer(),
        ),
      );
    const allowed = async (method: string, path: string) => {
      const { status, headers } = await ask(method, path);
      return [status, headers?.allow];
    };
    same(await allowed("GET", "/enroll"), [405, "POST"]);
    same(await allowed("HEAD", "/enroll"), [405, "POST"]);
    same(await allowed("POST", "/.well-known/reload-config"), [405, "GET, HEAD"]);
    same(await allowed("GET", "/nothing"), [404, undefined]);
    const [head, whole] = [
      await ask("HEAD", "/.well-known/reload-config"),
      await ask("GET", "/.well-known/reload-config"),
    ];
    same([head.status, head.body.length, head.contentType], [200, 0, whole.contentType]);
    ok(whole.body.length > 100);

    writeFileSync(at("wrong"), "no word of theirs\n");
    const refused = await vipr([
      ...["node", "--data", at("x"), "--authority", trust.url, "--fingerprint", trust.fingerprint],
      ...["--user", "acme", "--password-file", at("wrong"), "--listen", `${HOST}:0`, "--admin", "none"],
    ]);
    same(refused.code, exitCode.refused, refused.err);
    const line = /WARN enrol\.refused failed_authentication \{"user":"acme","address":"127\.0\.0\.1"\}/;
    await until(async () => (line.test(authority.err()) ? true : undefined), "the authority says whom it refused");
    ok(!authority.err().includes("no word of theirs"));
  }));

/** Counts connections and closes each at once; from the fourth on it forwards them to the authority. */
const lateDoor = async (to: number) => {
  let seen = 0;
  const server = net.createServer((socket) => {
    seen += 1;
    socket.on("error", () => {});
    if (seen < 4) return void socket.destroy();
    const inner = net.connect(to, HOST);
    inner.on("error", () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as net.AddressInfo;
  return { port, seen: () => seen, close: () => server.close() };
};

test("an authority that does not answer is asked four times before a first run gives up", () =>
  withFolder(async (root) => {
    const { at, trust } = await oneServer(root);
    const enrol = (port: number, data: string) => [
      ...["node", "--data", at(data), "--authority", `https://${HOST}:${port}`, "--fingerprint", trust.fingerprint],
      ...["--user", "acme", "--password-file", at("word-acme"), "--listen", `${HOST}:0`, "--admin", "none"],
    ];
    const late = await lateDoor(Number(new URL(trust.url).port));
    const node = start(enrol(late.port, "late"));
    await until(async () => (existsSync(at("late/node.json")) ? true : undefined), "it has enrolled");
    await node.kill("SIGKILL");
    late.close();
    ok(late.seen() >= 4, `${late.seen()} connections`);
    const nobody = await vipr(enrol(await freePort(), "nobody"));
    same([nobody.code, /cannot be reached/.test(nobody.err)], [exitCode.unreachable, true], nobody.err);
  }));

test("a directory that is mistyped is said and not made; an order's --help is its own; --version says which this is", () =>
  withFolder(async (root) => {
    const data = join(root, "mistyped");
    for (const [run, order] of [
      [serverCommand, ["agents"]],
      [serverCommand, ["domains"]],
      [serverCommand, ["remove-agent", "pbx"]],
      [serverCommand, ["domain-secret", "a.example"]],
      [authorityCommand, ["users"]],
      [authorityCommand, ["remove-user", "x"]],
    ] as const) {
      same(await run([...order, "--data", data]), exitCode.usage, order.join(" "));
      ok(!existsSync(data), order.join(" "));
    }
    for (const [run, order] of [
      [serverCommand, "add-agent"],
      [authorityCommand, "add-user"],
      [nodeCommand, "find"],
      [configCommand, "check"],
      [ticketCommand, "mint"],
      [vcrCommand, "follow"],
    ] as const)
      same(await run([order, "--help"]), exitCode.done);
    const [own, page, version] = await Promise.all([
      vipr(["server", "add-agent", "--help"]),
      vipr(["server", "--help"]),
      vipr(["--version"]),
    ]);
    ok(own.out.startsWith("vipr server add-agent: lets a call agent speak VAP"), own.out);
    ok(own.out.includes("\nusage: vipr server add-agent NAME"), own.out);
    ok(own.out.length < page.out.length / 2);
    const { version: published } = JSON.parse(readFileSync("package.json", "utf8"));
    same([version.code, version.out], [0, `${versionText()}\n`]);
    ok(version.out.startsWith(`vipr ${published}, `), version.out);
    same(versionOf(["./none.json"]), "unknown");
  }));

test("the demonstration does not start on a port that is taken or where it cannot write", async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as net.AddressInfo;
  const taken = await preflight({ admin: { host: HOST, port }, data: undefined });
  ok(taken?.startsWith("--admin: another program has "), taken);
  server.close();
  const none = await preflight({ admin: undefined, data: "/proc/vipr" });
  ok(none?.startsWith("--data: /proc/vipr cannot be written"), none);
  same(await preflight({ admin: { host: HOST, port: 0 }, data: undefined }), undefined);
  const run = await vipr(["demo", "--once", "--data", "/proc/vipr"]);
  same([run.code, run.out], [exitCode.usage, ""], run.err);
});

const readOnlyDisk = () =>
  withFolder(async (root) => {
    await Effect.runPromise(Effect.scoped(openSqlite({ file: join(root, "values.sqlite") })));
    const script = `set -e
cp "$1/values.sqlite" "$2"; mount -t tmpfs none "$1"; mkdir -m 700 "$1/s" "$1/torn"
echo "pbx vap ${"0".repeat(32)}" > "$1/s/agents"
for dir in "$1/s" "$1/torn"; do cp "$2" "$dir/values.sqlite"; done
echo log > "$1/torn/values.sqlite-wal"; mount -o remount,ro "$1"
shift 2; exec "$@"`;
    const store = join(mkdtempSync(join(tmpdir(), "vipr-ro-")), "values.sqlite");
    const runIn = (data: string, ...args: ReadonlyArray<string>) => {
      const own = "Deno" in globalThis ? ["run", "-A"] : [];
      const command = [process.execPath, ...own, "runtime/main.ts", ...args, "--data", join(root, data)];
      const words = [...ownMounts.slice(1), "sh", "-c", script, "sh", root, store, ...command];
      try {
        return { code: 0, text: execFileSync(ownMounts[0]!, words, { encoding: "utf8" }) };
      } catch (error) {
        const { status, stderr, stdout } = error as { status: number; stderr: string; stdout: string };
        return { code: status, text: stdout + stderr };
      }
    };
    const loopback = ["--listen", `${HOST}:0`, "--pvp", `${HOST}:0`, "--vap", `${HOST}:0`, "--admin", "none"];
    const server = runIn("s", "server", ...loopback);
    same(
      [server.code, /the file system is read-only|cannot be written/.test(server.text)],
      [exitCode.notWritable, true],
      server.text,
    );
    same(runIn("s", "server", "agents"), { code: 0, text: "pbx\n" });
    const explained = runIn("s", "explain", "+14085550901");
    same(
      [explained.code, /No server runs in .*Nothing is known of it here/s.test(explained.text)],
      [1, true],
      explained.text,
    );
    const torn = runIn("torn", "explain", "+14085550901");
    same([torn.code, /a crash has left a log beside it/.test(torn.text)], [exitCode.notWritable, true], torn.text);
    rmSync(dirname(store), { recursive: true });
  });
if (canMount)
  test("a disk that is read-only ends a server with 7, and its lists and its store can still be read", readOnlyDisk);
