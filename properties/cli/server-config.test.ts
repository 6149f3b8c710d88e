/** `vipr server --config vipr.toml`: every option is a key, an option stands over its key, and what is wrong is said at once. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Clock, Effect, Layer, Logger } from "effect";
import { connectVap } from "../../actors/vap/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { configCommand } from "../../runtime/cli/config.ts";
import { exitCode } from "../../runtime/cli/exit.ts";
import { credentialsUnder } from "../../runtime/cli/own-authority.ts";
import { derOfPem } from "../../runtime/cli/pem.ts";
import { overFile } from "../../runtime/cli/server-keys.ts";
import { readConfig } from "../../runtime/config/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { DOMAIN, HOST, oneServer, WORDS } from "./one-server.ts";
import { POLITE_END, vipr, withFolder } from "./processes.ts";

const VSERVICE = 0xacen;

/** An exchange elsewhere: it reaches VAP over TLS, with the account of the configuration, and publishes its VService. */
const published = (port: number, root: string) =>
  Effect.gen(function* () {
    const nobody = yield* makeAuthority({ name: "an exchange", nowMs: yield* Clock.currentTimeMillis });
    const own = yield* credentialsUnder(nobody, "exchange");
    const roots = derOfPem(readFileSync(root, "utf8"), "CERTIFICATE");
    const agent = yield* connectVap({
      ...{ host: HOST, port, tls: { ...own, roots }, username: "pbx", password: WORDS.pbx, name: "exchange/1.0" },
      vservice: vserviceId(VSERVICE),
      reconnectMs: [5, 10],
    });
    const routes = [{ sipUris: [`sip:x@${DOMAIN}:5061;maddr=192.0.2.1;transport=tls`] }];
    yield* agent.publishVService({ id: "exchange", dhtName: "vipr.test", didCount: 1, domain: DOMAIN, routes });
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))));

test("server: from its file alone it enrols, serves VAP over TLS to the agent and the domain that the file names", () =>
  withFolder(async (root) => {
    const { at, config, data, ports, serve, write, authority } = await oneServer(root);
    const first = await serve();
    await first.said(/^vap .* TLS, root sha256:[0-9a-f:]+ in vap-root\.pem; DHTname vipr\.test$/m);
    await first.said(/^agents {3}1$/m);
    await first.said(new RegExp(`^domains  ${DOMAIN}$`, "m"));
    await Effect.runPromise(published(ports.vap, join(data, "server", "vap-root.pem")));
    const listed = await vipr(["server", "domains", "--config", config]);
    same([listed.code, listed.out], [0, `${DOMAIN} epoch 1\n`]);
    same(await first.kill("SIGTERM"), POLITE_END);

    // Again: nothing is added twice, the four keys of the first start may be missing, an option stands over the file.
    write('wait-min-s = 5\nwait-max-s = 6\ngrace-s = 0\npvp-group = 2048\nname = "vipr.test"');
    const second = await serve("--vap", `${HOST}:${ports.vap}`, "--set", `server.domains=["b.example"]`);
    await second.said(new RegExp(`^vap      ${HOST}:${ports.vap}; DHTname vipr\\.test$`, "m"));
    await second.said(new RegExp(`^domains  ${DOMAIN} b\\.example$`, "m"));
    same(await second.kill("SIGTERM"), POLITE_END);
    same(readFileSync(join(data, "server", "agents"), "utf8").split("\n").length, 2);

    write('name = "another.test"');
    const other = await vipr(["server", "--config", config]);
    same(
      [other.code, /belongs to a node of the overlay vipr\.test/.test(other.err)],
      [exitCode.usage, true],
      other.err,
    );
    const none = await vipr(["server", "--config", at("none.toml")]);
    same([none.code, /there is no such file/.test(none.err)], [exitCode.usage, true], none.err);
    await authority.kill("SIGTERM");
  }));

test("config check: what is wrong with [server] is said with its place", () =>
  withFolder(async (root) => {
    const faults = (lines: string): ReadonlyArray<string> => {
      const reading = readConfig({ file: "vipr.toml", text: `[server]\n${lines}\n` });
      return reading.type === "read" ? [] : reading.faults.map(({ line, key, why }) => `${line} ${key}: ${why}`);
    };
    const wrong: ReadonlyArray<readonly [lines: string, what: RegExp]> = [
      ["wait-min-s = 100\nwait-max-s = 10", /^2 server\.wait-min-s: wants at most server\.wait-max-s, 10, not 100$/],
      ["wait-max-s = 10", /^2 server\.wait-max-s: wants at least server\.wait-min-s, 30, not 10$/],
      ['vap = "vap.example.com"', /^2 server\.vap: wants an IP address and a port/],
      ['admin = "192.0.2.1:8080"', /^2 server\.admin: wants an address of this machine/],
      ["pvp-group = 1024", /^2 server\.pvp-group: wants one of 2048, 3072, 4096, not 1024$/],
      ['domains = ["no name"]', /^2 server\.domains\[0\]: wants a domain/],
      ['agents = { "two words" = "/etc/x" }', /server\.agents\.two words: wants a name of letters/],
      ["agents = { pbx = 7 }", /server\.agents/],
      ["grace-s = -1", /^2 server\.grace-s: wants a whole number from 0 to 86400, not -1$/],
      ['passwd = "in the clear"', /^2 server\.passwd: there is no such key/],
    ];
    for (const [lines, what] of wrong) {
      const found = faults(lines);
      same(found.length, 1, `${lines}: ${found}`);
      ok(what.test(found[0]!), found[0]);
      ok(!found[0]!.includes("in the clear"), found[0]);
    }
    same(faults('vap = "0.0.0.0"\nadmin = "none"\npvp = "localhost"\npvp-group = 3072\ngrace-s = 0'), []);
    const file = join(root, "vipr.toml");
    writeFileSync(file, "[server]\nwait-max-s = 10\n");
    same(await configCommand(["check", file]), exitCode.usage);
    writeFileSync(file, "[server]\nwait-max-s = 40\n");
    same(await configCommand(["check", file]), exitCode.done);
  }));

test("server: each option is a key over the file's", () => {
  same(
    overFile({ listen: "127.0.0.1:1", wait: "30-60", grace: "5", "insecure-vap": true, set: ["server.grace-s=6"] }),
    [
      ...["server.listen=127.0.0.1:1", "server.insecure-vap=true", "server.grace-s=5"],
      ...["server.wait-min-s=30", "server.wait-max-s=60", "server.grace-s=6"],
    ],
  );
  const reading = readConfig({
    file: "vipr.toml",
    text: '[server]\nlisten = "192.0.2.1"\nadmin = "none"\n',
    settings: overFile({ listen: "192.0.2.2:7", root: "/r.pem", data: "/d", wait: "9-8" }),
  });
  ok(reading.type === "refused" && reading.faults.length === 1, "the file is taken");
  same(reading.faults[0]!.where, "--set server.wait-min-s");
});
