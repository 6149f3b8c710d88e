/** SIGHUP of a running `vipr agent`: numbers, lists and certificates count at once, all else is named in the log. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { Effect } from "effect";
import { serveVap, type VapHandlers } from "../../actors/vap/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import type { VService } from "../../codecs/vap/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { freePort } from "../kit/ports.ts";
import { HOST, PASSWORD, writeAgentConfig } from "./agent-config.ts";
import { POLITE_END, start, until, withFolder } from "./processes.ts";

/** What the agent has published; the VService is the last one. */
const recorder = () => {
  const seen = { numbers: new Set<string>(), service: undefined as VService | undefined };
  const handlers: VapHandlers = {
    publishVService: (_, __, service) =>
      Effect.sync(() => {
        seen.service = service;
        return { quotaLimit: 100, quotaCurrent: 7, dhtLifetimeS: 3_600 };
      }),
    withdrawVService: () => Effect.void,
    publishNumber: (_, number) => Effect.sync(() => void seen.numbers.add(number)),
    uploadVcr: () => Effect.void,
  };
  return { seen, handlers };
};

/** A key and a certificate in the files that `vipr.toml` names. */
const certified = Effect.fn("test.certified")(function* (folder: string) {
  const authority = yield* makeAuthority({ name: "agent test", nowMs: Date.now() });
  const own = yield* credentialsUnder("acme.example", authority);
  writeFileSync(join(folder, "roots.pem"), pemCertificate(authority.root));
  writeFileSync(join(folder, "own.pem"), own.certificates.map(pemCertificate).join(""));
  writeFileSync(join(folder, "own.key"), pemOf(own.key), { mode: 0o600 });
  return hexOf(own.certificates[0]!);
});

const shownAt = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ host: HOST, port, rejectUnauthorized: false }, () => {
      resolve(hexOf(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.on("error", reject);
  });

const story = Effect.fn("test.agentAgain")(function* (folder: string) {
  const { seen, handlers } = recorder();
  const server = yield* serveVap({ host: HOST, port: 0, users: { pbx: PASSWORD } }, handlers);
  const port = yield* Effect.promise(() => freePort());
  const before = yield* certified(folder);
  const files = ["certificate-file", "own.pem", "key-file", "own.key", "ca-file", "roots.pem"];
  const keys = [0, 2, 4].map((i) => `${files[i]} = "${join(folder, files[i + 1]!)}"`).join("\n");
  const config = writeAgentConfig(
    folder,
    { server: server.port, agent: 0, pbx: 5_060, trunk: 5_060 },
    `public = "203.0.113.7:5061"\n${keys}\n`,
  );
  const text = readFileSync(config, "utf8").replace('listen = ["', `listen = ["tls:${HOST}:${port}", "`);
  writeFileSync(config, text);
  const agent = start(["agent", "--config", config]);
  const hasSaid = (what: RegExp) =>
    Effect.promise(() => until(async () => (what.test(agent.err()) ? true : undefined), `${what} in ${agent.err()}`));
  const comes = (what: string, is: () => boolean) =>
    Effect.promise(() => until(async () => (is() ? true : undefined), `${what}: ${agent.err()}`));
  yield* Effect.promise(() => agent.said(/^numbers {2}10 to publish$/m));
  yield* comes("ten numbers", () => seen.numbers.size === 10);
  same(yield* Effect.promise(() => shownAt(port)), before);

  const next = yield* certified(folder);
  seen.numbers.clear();
  const other = text
    .replace("+14085550209", "+14085550211")
    .replace("+14085550200..", "+14085550201..")
    .replace('name = "one"', 'name = "two"')
    .replace("public = ", "attempt-timeout-ms = 3000\npublic = ");
  writeFileSync(config, `${other}[lists]\nblack-domains = ["spam.example"]\n`);
  agent.kill("SIGHUP");
  yield* comes("two new numbers", () => seen.numbers.size === 2);
  same([...seen.numbers].sort(), ["+14085550210", "+14085550211"]);
  same([seen.service?.didCount, seen.service?.list?.domains], [11, ["spam.example"]]);
  yield* hasSaid(/agent\.needsRestart .*\["agent\.attempt-timeout-ms","trunk"\]/);
  yield* hasSaid(/agent\.numbers\.removed .*"removed":1/);
  same(yield* Effect.promise(() => shownAt(port)), next);

  writeFileSync(config, other.replace('country = "US"', 'country = "Utopia"'));
  agent.kill("SIGHUP");
  yield* hasSaid(/agent\.notReadAgain .*numbers\.country/);
  writeFileSync(join(folder, "own.key"), "nonsense\n");
  writeFileSync(config, other);
  agent.kill("SIGHUP");
  yield* hasSaid(/agent\.notReadAgain .*agent\.key-file/);
  same([yield* Effect.promise(() => shownAt(port)), seen.service?.list?.domains], [next, ["spam.example"]]);
  same(yield* Effect.promise(() => agent.kill("SIGTERM")), POLITE_END);
  ok(!/\+1408555021/.test(agent.err()), agent.err());
});

test("agent: SIGHUP takes numbers, lists and certificates, names what waits for a restart, and keeps what it has when they are wrong", () =>
  withFolder((folder) => Effect.runPromise(Effect.scoped(Effect.provide(story(folder), nodeLayer())))));
