/** What can go wrong for an operator, each with its sentence and its exit code. Real files, sockets and certificates. */

import { ok, deepStrictEqual as same } from "node:assert";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { Cause, Effect, Exit, Fiber, Layer, Logger, Option, type Scope } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { reloadUri } from "../../codecs/enrol/mod.ts";
import { readDocument } from "../../codecs/overlay/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import type { OwnAuthority } from "../../runtime/authority.ts";
import { authorityOfPem } from "../../runtime/authority-file.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { addAccount } from "../../runtime/cli/accounts.ts";
import type { Anchor } from "../../runtime/cli/anchor.ts";
import { authorityCommand } from "../../runtime/cli/authority.ts";
import { exitCode, Stopped } from "../../runtime/cli/exit.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { renewMsOf } from "../../runtime/cli/identity.ts";
import { nodeCommand } from "../../runtime/cli/node.ts";
import { overlayChanges } from "../../runtime/cli/overlay-flags.ts";
import { ringCommand } from "../../runtime/cli/ring.ts";
import { type AuthoritySettings, serveAuthority } from "../../runtime/cli/serve-authority.ts";
import { type NodeSettings, serveNode } from "../../runtime/cli/serve-node.ts";
import { pemOf } from "../../runtime/keys.ts";
import { nodeLayer, type Ports } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { reportOf, until, withFolder } from "./processes.ts";

const HOST = "127.0.0.1";
const FREE = { host: HOST, port: 0 };
const PASSWORD = "correct horse battery";
const MINUTE_MS = 60_000;

type Command = Effect.Effect<void, Stopped, Ports | Scope.Scope>;
const provided = (program: Command) =>
  Effect.scoped(program).pipe(Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))));

const running = new Set<() => Promise<void>>();
/** Runs it until it is stopped, at the latest with its test. */
const background = (program: Command) => {
  const fiber = Effect.runFork(provided(program));
  const stop = async () => {
    running.delete(stop);
    await Effect.runPromise(Fiber.interrupt(fiber));
  };
  running.add(stop);
  return { stop };
};
/** It ends by itself, so. */
const ends = async (program: Command, code: keyof typeof exitCode, words: RegExp): Promise<void> => {
  const exit = await Effect.runPromiseExit(provided(program));
  const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined;
  ok(error instanceof Stopped, JSON.stringify(exit));
  same(error.code, exitCode[code], error.why);
  ok(words.test(error.why), error.why);
  ok(!error.why.includes(PASSWORD), "a password was told");
};

/** An authority and one account in a directory of their own; `node` sets up a node for them. */
const withAuthority = (use: (setup: Setup) => Promise<void>): Promise<void> =>
  withFolder(async (root) => {
    const dir = (name: string) => join(root, name);
    const bootstrap = await freePort();
    const users = ["alice", "bob"];
    const added = Effect.flatMap(openFolder(dir("a")), (folder) =>
      Effect.forEach(users, (name) => addAccount(folder, name, PASSWORD)),
    );
    await Effect.runPromise(added);
    writeFileSync(dir("word"), `${PASSWORD}\n`);
    const authority = (more: Partial<AuthoritySettings> = {}): AuthoritySettings => ({
      data: dir("a"),
      name: "vipr.test",
      listen: FREE,
      advertise: undefined,
      changes: overlayChanges({ bootstrap: [`${HOST}:${bootstrap}`] }),
      certificateMs: 60 * MINUTE_MS,
      nodeIdsPerUser: 1,
      ...more,
    });
    let serving = background(serveAuthority(authority()));
    const document = dir("a/overlay.xml");
    const overlay = () => {
      const read = existsSync(document) ? readDocument(readFileSync(document, "utf8")) : undefined;
      return read?.ok ? read.value.overlay : undefined;
    };
    await until(async () => overlay(), "the authority is up");
    const own = authorityOfPem(readFileSync(dir("a/authority.pem"), "utf8")) as OwnAuthority;
    const node = (name: string, more: Partial<NodeSettings> = {}): NodeSettings => ({
      data: dir(name),
      authority: { host: HOST, port: Number(new URL(overlay()!.enrollmentServers[0]!).port) },
      anchor: { type: "root", der: own.root },
      name: undefined,
      user: "alice",
      passwordFile: dir("word"),
      listen: { host: HOST, port: bootstrap },
      advertise: undefined,
      admin: FREE,
      ...more,
    });
    const again = async (more?: Partial<AuthoritySettings>) => {
      const { sequence } = overlay()!;
      await serving.stop();
      serving = background(serveAuthority(authority(more)));
      await until(async () => (overlay()?.sequence === sequence + 1 ? true : undefined), "the next configuration");
    };
    try {
      await use({ dir, node, own, authority, again, stop: () => serving.stop() });
    } finally {
      await Promise.all([...running].map((stop) => stop()));
    }
  });
interface Setup {
  readonly dir: (name: string) => string;
  readonly node: (name: string, more?: Partial<NodeSettings>) => NodeSettings;
  readonly own: OwnAuthority;
  readonly authority: (more?: Partial<AuthoritySettings>) => AuthoritySettings;
  /** Stops it and starts it so. */
  readonly again: (more?: Partial<AuthoritySettings>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** node.pem as this authority would have made it, for other hours. */
const writeCertificate = (own: OwnAuthority, file: string, nodeId: bigint, fromMs: number, toMs: number) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const keys = yield* Keys;
      const key = yield* keys.generate;
      const certificate = yield* own.issue({
        csr: yield* keys.certificateRequest(key),
        uris: [reloadUri({ nodeId: nodeIdFrom(nodeId), overlay: "vipr.test" })],
        dnsNames: [],
        emails: ["alice@vipr.test"],
        notBeforeMs: Date.now() + fromMs,
        notAfterMs: Date.now() + toMs,
      });
      writeFileSync(file, pemOf(key) + pemCertificate(certificate), { mode: 0o600 });
    }).pipe(Effect.provide(nodeLayer())),
  );

// RFC 6940 §11.2
test("a first run that cannot be: refused, impostor, nobody there, too little said, a port taken", async () => {
  await withAuthority(async ({ dir, node }) => {
    writeFileSync(dir("wrong"), "something else\n");
    const impostor: Anchor = { type: "fingerprint", sha256: "00".repeat(32) };
    const nowhere = { host: HOST, port: await freePort() };
    const server = net.createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, HOST, () => resolve((server.address() as net.AddressInfo).port)),
    );
    const taken = { host: HOST, port };
    await ends(
      serveNode(node("1", { passwordFile: dir("wrong") })),
      "refused",
      /knows no user alice with this password/,
    );
    await ends(serveNode(node("1", { user: "nobody" })), "refused", /knows no user nobody with this password/);
    await ends(serveNode(node("1", { anchor: impostor })), "refused", /impostor/);
    await ends(serveNode(node("1", { authority: nowhere, anchor: impostor })), "unreachable", /cannot be reached/);
    await ends(serveNode(node("1", { authority: undefined })), "usage", /--authority is missing/);
    await ends(serveNode(node("1", { anchor: undefined })), "usage", /--fingerprint/);
    await ends(serveNode(node("1", { user: undefined })), "usage", /--user is missing/);
    await ends(serveNode(node("1", { passwordFile: dir("none") })), "usage", /none/);
    await ends(serveNode(node("1", { admin: taken })), "portTaken", /another program has this port; --admin/);
    await ends(serveNode(node("1", { listen: taken })), "portTaken", /another program has this port; --listen/);
    server.close();
  });
});

test("a later run: the directory in use, no authority, an hour that is wrong, a certificate that ends", async () => {
  await withAuthority(async ({ dir, node, own, authority, again, stop }) => {
    const joined = () => until(() => reportOf(dir("1")), "the node has joined");
    const first = background(serveNode(node("1")));
    const { nodeId, configurationSequence } = await joined();
    await ends(serveNode(node("1", { admin: undefined })), "inUse", /another process uses this directory/);
    await ends(serveAuthority(authority()), "inUse", /another process uses this directory/);
    await first.stop();

    await ends(serveAuthority(authority({ data: dir("1") })), "usage", /1 belongs to a node/);

    // A running node follows the authority, which stays where it is; the first run of it took a free port.
    const listen = { host: HOST, port: node("1").authority!.port };
    const follower = background(serveNode(node("1", { followBetweenMs: [100, 200] })));
    await joined();
    await again({ listen, changes: overlayChanges({ quota: "77" }) });
    await until(async () => {
      const report = await reportOf(dir("1"));
      return report?.quota.limit === 77 && report.configurationSequence === configurationSequence + 1
        ? report
        : undefined;
    }, "the running node has the new configuration");
    await follower.stop();
    const kept = node("1", { authority: undefined, anchor: undefined, user: undefined });
    // Nearly at its end: it is renewed at once, and the node is the same.
    await writeCertificate(own, dir("1/node.pem"), BigInt(`0x${nodeId}`), -60 * MINUTE_MS, MINUTE_MS);
    const second = background(serveNode({ ...kept, authority: node("1").authority }));
    const renewed = await until(async () => {
      const report = await reportOf(dir("1"));
      const isRenewed = report !== undefined && Date.parse(report.certificateExpires) > Date.now() + 30 * MINUTE_MS;
      return isRenewed ? report : undefined;
    }, "a new certificate");
    same([renewed.nodeId, renewed.quota.limit, renewed.configurationSequence], [nodeId, 77, configurationSequence + 1]);
    await second.stop();

    // Put out of the overlay, a node ends by itself.
    const put = background(serveNode(node("1")));
    await joined();
    await put.stop();
    const out = ends(
      serveNode(node("1", { followBetweenMs: [100, 200] })),
      "unsupported",
      /this node is out of the overlay/,
    );
    await joined();
    await again({ listen, changes: overlayChanges({ "bad-node": [nodeId] }) });
    await out;
    await ends(serveNode(node("1")), "unsupported", /lists this node as bad/);
    await again({ listen, changes: overlayChanges({ "bad-node": ["none"] }) });
    const back = background(serveNode(node("1")));
    await joined();
    await back.stop();
    await stop();
    const third = background(serveNode({ ...kept, passwordFile: undefined }));
    same((await joined()).nodeId, nodeId); // without the authority: the kept document serves on
    await third.stop();
    const without = serveNode({ ...kept, passwordFile: undefined });
    await writeCertificate(own, dir("1/node.pem"), 1n, 60 * MINUTE_MS, 120 * MINUTE_MS);
    await ends(without, "clock", /begins at .* clock says .* set the clock/);
    await writeCertificate(own, dir("1/node.pem"), 1n, -120 * MINUTE_MS, -MINUTE_MS);
    await ends(without, "clock", /ended at .* --password-file/);
    await ends(serveAuthority(authority({ name: "other.test" })), "usage", /holds the overlay vipr.test/);
    const scrypt = overlayChanges({ "number-hash": "scrypt" });
    await ends(serveAuthority(authority({ changes: scrypt })), "usage", /never changes/);
  });
});

test("a directory that others may read, that is none, or whose files are damaged", async () => {
  await withAuthority(async ({ dir, node, own, authority, stop }) => {
    await stop();
    await ends(serveNode(node("a")), "usage", /a belongs to an authority/);
    mkdirSync(dir("open"), { mode: 0o755 });
    chmodSync(dir("open"), 0o755);
    await ends(serveNode(node("open")), "notWritable", /others may look .* chmod 700/);
    await ends(serveNode(node("word")), "notWritable", /word/);
    await ends(serveNode(node("word/below")), "notWritable", /word/);
    const damaged = async (name: string, file: string, text: string) => {
      mkdirSync(dir(name), { mode: 0o700 });
      const kept = { host: HOST, port: 1, overlay: "vipr.test", user: "alice" };
      writeFileSync(dir(`${name}/node.json`), JSON.stringify(kept));
      await writeCertificate(own, dir(`${name}/node.pem`), 1n, -MINUTE_MS, MINUTE_MS);
      writeFileSync(dir(`${name}/${file}`), text);
    };
    await damaged("2", "node.json", "{");
    await ends(serveNode(node("2")), "damaged", /node.json is damaged: remove it/);
    await damaged("3", "node.pem", "-----BEGIN NOTHING-----");
    await ends(serveNode(node("3")), "damaged", /node.pem: no key and certificate: remove it/);
    await damaged("4", "values.sqlite", "not a database, and long enough to be looked at as one".repeat(100));
    await ends(serveNode(node("4")), "damaged", /damaged/);
    await damaged("5", "overlay.xml", "<overlay");
    await ends(serveNode(node("5")), "unreachable", /gave no document/);
    writeFileSync(dir("a/accounts"), "alice scrypt 15 8 1 AAAA BBBB\n");
    await ends(serveAuthority(authority()), "damaged", /accounts: line 1 is no account/);
    writeFileSync(dir("a/authority.pem"), "rubbish");
    await ends(serveAuthority(authority()), "damaged", /authority.pem/);
    writeFileSync(dir("a/overlay.xml"), "<rubbish/>");
    await ends(serveAuthority(authority()), "damaged", /overlay.xml/);
  });
});

test("a node that finds nobody goes on trying, can be stopped meanwhile, and joins when the first one comes", async () => {
  await withAuthority(async ({ dir, node }) => {
    const second = node("2", { user: "bob", listen: FREE });
    const early = background(serveNode(second));
    await until(async () => (existsSync(dir("2/overlay.xml")) ? true : undefined), "it has enrolled");
    await early.stop();
    const again = background(serveNode(second));
    const first = background(serveNode(node("1")));
    const seesTwo = (name: string) => async () => ((await reportOf(dir(name)))?.nodesSeen === 2 ? true : undefined);
    await until(seesTwo("2"), "it has joined");
    await until(seesTwo("1"), "the first sees it");
    await Promise.all([again.stop(), first.stop()]);
  });
});

test("a full disk is told as one, and nothing is half written", async () => {
  if (!existsSync("/dev/full")) return; // Linux has it
  await withFolder(async (root) => {
    const folder = await Effect.runPromise(openFolder(join(root, "a")));
    symlinkSync("/dev/full", folder.at("accounts"));
    await ends(addAccount(folder, "alice", PASSWORD), "diskFull", /the disk is full/);
  });
});

// RFC 6940 §13.3
test("a certificate is renewed when a third of its life is left", () => {
  same([renewMsOf(0, 300), renewMsOf(1_000, 1_900)], [200, 1_600]);
});

test("options that cannot be taken end with 2, help with 0, a node that is not there with 3", async () => {
  const data = ["--data", "/nowhere/at/all"];
  const wrong: ReadonlyArray<readonly [typeof nodeCommand, ReadonlyArray<string>]> = [
    [nodeCommand, []],
    [nodeCommand, [...data, "--dat", "x"]],
    [nodeCommand, [...data, "--listen", "here"]],
    [nodeCommand, [...data, "--advertise", "node.example.com:6084"]],
    [nodeCommand, [...data, "--listen", "0.0.0.0:0"]],
    [nodeCommand, [...data, "--admin", "192.0.2.1:8080"]],
    [nodeCommand, [...data, "--authority", "http://127.0.0.1"]],
    [nodeCommand, [...data, "--fingerprint", "abc"]],
    [nodeCommand, [...data, "--root", "/nowhere/root.pem"]],
    [nodeCommand, [...data, "call", "+14085555432"]],
    [nodeCommand, [...data, "publish", "nobody"]],
    [nodeCommand, [...data, "publish", "+14085555432", "+14085555433"]],
    [authorityCommand, []],
    [authorityCommand, [...data, "--quota", "many"]],
    [authorityCommand, [...data, "--bootstrap", "0.0.0.0:1"]],
    [authorityCommand, [...data, "--bad-node", "12"]],
    [authorityCommand, [...data, "--number-hash", "md5"]],
    [authorityCommand, [...data, "--certificate-days", "0"]],
    [authorityCommand, [...data, "add-user"]],
    [authorityCommand, [...data, "remove-user", "alice", "--password-file", "-"]],
    [authorityCommand, [...data, "--password-file", "-"]],
    [authorityCommand, [...data, "add-user", "two words"]],
    [authorityCommand, [...data, "--password", "on the command line"]],
    [ringCommand, ["--every", "0"]],
    [ringCommand, ["--admin", "example.com:80"]],
    [ringCommand, ["--admin", "127.0.0.1:1", ...data]],
  ];
  for (const [command, args] of wrong) {
    same(await command(args), exitCode.usage, args.join(" "));
    ok(!existsSync("/nowhere"), `${args.join(" ")}: nothing is made before the options are taken`);
  }
  for (const command of [nodeCommand, authorityCommand, ringCommand]) same(await command(["--help"]), exitCode.done);
  same(await ringCommand(["--admin", `127.0.0.1:${await freePort()}`]), exitCode.unreachable);
  same(await ringCommand(data), exitCode.unreachable);
  same(await nodeCommand([...data, "find", "+14085555432"]), exitCode.unreachable);
  ok(!existsSync("/nowhere"), "who only asks makes nothing");
});
