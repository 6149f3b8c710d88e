/** `vipr border` as a process: what it wants, what it says, SIGHUP, and what a restart finds. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { borderCredentials } from "../../runtime/cli/sip-credentials.ts";
import { readConfig } from "../../runtime/config/mod.ts";
import { pemOf } from "../../runtime/keys.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { freePort } from "../kit/ports.ts";
import { POLITE_END, type Running, start, until, withFolder } from "./processes.ts";

const HOST = "127.0.0.1";
const [OLD, NEW] = ["a-password-of-epoch-one", "a-password-of-epoch-two"];
const secret = (epoch: number, password: string) =>
  `domain    acme.example\nepoch     ${epoch}\npassword  ${password}\n`;

/** Its files; gives the configuration's path. */
const written = async (folder: string, outside: number, inside: number): Promise<string> => {
  const nowMs = Date.now();
  const made = await Effect.runPromise(
    Effect.provide(
      Effect.gen(function* () {
        const authority = yield* makeAuthority({ name: "border test", nowMs });
        // An hour of four is left: less than a third, of which the log warns.
        const own = yield* credentialsUnder("acme.example", authority, [], 3 * 3_600_000);
        return { root: authority.root, own, other: yield* credentialsUnder("nord.example", authority) };
      }),
      nodeLayer(),
    ),
  );
  writeFileSync(join(folder, "other.pem"), made.other.certificates.map(pemCertificate).join(""));
  writeFileSync(join(folder, "other.key"), pemOf(made.other.key), { mode: 0o600 });
  writeFileSync(join(folder, "roots.pem"), pemCertificate(made.root));
  writeFileSync(join(folder, "own.pem"), made.own.certificates.map(pemCertificate).join(""));
  writeFileSync(join(folder, "own.key"), pemOf(made.own.key), { mode: 0o600 });
  writeFileSync(join(folder, "secrets"), secret(1, OLD!), { mode: 0o600 });
  const config = join(folder, "vipr.toml");
  writeFileSync(
    config,
    `domain = "acme.example"
data = "${join(folder, "data")}"
[border]
outside = "${HOST}:${outside}"
inside = ["tcp:${HOST}:${inside}"]
call-agents = ["tcp:${HOST}:9"]
outside-private = true
certificate-file = "${join(folder, "own.pem")}"
key-file = "${join(folder, "own.key")}"
ca-file = "${join(folder, "roots.pem")}"
secrets-file = "${join(folder, "secrets")}"
`,
  );
  return config;
};

const ofNord = (text: string) => text.replace("/own.pem", "/other.pem").replace("/own.key", "/other.key");

const hasSaid = (one: Running, what: RegExp) =>
  until(async () => (what.test(one.err()) ? true : undefined), `${what} in ${one.err()}`);

test("border: it serves, takes new secrets at SIGHUP, keeps the old ones when they cannot be read, and ends politely", () =>
  withFolder(async (folder) => {
    const [outside, inside] = [await freePort(), await freePort()];
    const config = await written(folder, outside, inside);
    const first = start(["border", "--config", config]);
    await first.said(/^ready$/m);
    ok(new RegExp(`^outside {2}tls:${HOST}:${outside}$`, "m").test(first.out()), first.out());
    ok(/^media {4}end to end, SRTP only$/m.test(first.out()), first.out());
    const keys = join(folder, "data", "border", "token-keys");
    same(statSync(keys).mode & 0o077, 0);

    writeFileSync(join(folder, "secrets"), `${secret(1, OLD!)}${secret(2, NEW!)}`);
    first.kill("SIGHUP");
    await hasSaid(first, /border\.readAgain .*\[1,2\]/);
    writeFileSync(join(folder, "secrets"), "nonsense\n");
    first.kill("SIGHUP");
    await hasSaid(first, /border\.notReadAgain .*line 1/);

    // Limits are taken; what else has changed is named, and counts after a restart.
    writeFileSync(join(folder, "secrets"), `${secret(1, OLD!)}${secret(2, NEW!)}`);
    const text = readFileSync(config, "utf8");
    writeFileSync(config, `${text.replace("outside-private = true\n", "")}calls-max = 7\non-reject = "403"\n`);
    first.kill("SIGHUP");
    await hasSaid(first, /border\.needsRestart .*\["border\.on-reject","border\.outside-private"\]/);
    writeFileSync(config, `${text}calls-max = "many"\n`);
    first.kill("SIGHUP");
    await hasSaid(first, /border\.notReadAgain .*border\.calls-max/);
    writeFileSync(config, text);
    // A renewal half done, the certificate there and its key not yet, changes nothing; nor does one that is damaged.
    const own = readFileSync(join(folder, "own.pem"), "utf8");
    for (const [bad, why] of [
      [readFileSync(join(folder, "other.pem"), "utf8"), /border\.notReadAgain .*is not of the key in/],
      [own.replace(/\n..../, "\nAAAA"), /border\.notReadAgain .*certificate 1 of .* cannot be read/],
    ] as const) {
      writeFileSync(join(folder, "own.pem"), bad);
      first.kill("SIGHUP");
      await hasSaid(first, why);
    }
    writeFileSync(join(folder, "own.pem"), own);
    await hasSaid(first, /WARN border\.certificate ends at .*border\.certificate-file, then SIGHUP/);
    writeFileSync(join(folder, "secrets"), "nonsense\n");

    const taken = start(["border", "--config", config, "--set", `data=${join(folder, "other")}`]);
    same([await taken.ended, /border\.outside/.test(taken.err())], [2, false], taken.err()); // the secrets are nonsense
    writeFileSync(join(folder, "secrets"), secret(2, NEW!));
    const late = start(["border", "--config", config, "--set", `data=${join(folder, "other")}`]);
    same([await late.ended, /border\.outside and border\.inside take others/.test(late.err())], [5, true], late.err());

    const before = readFileSync(keys, "utf8");
    same(await first.kill("SIGTERM"), POLITE_END);
    const second = start(["border", "--config", config]);
    await second.said(/^ready$/m);
    same(readFileSync(keys, "utf8"), before);
    same(await second.kill("SIGTERM"), POLITE_END);
    for (const one of [first, second, late])
      for (const word of [OLD!, NEW!, before.split(" ")[1]!.trim()]) ok(!(one.out() + one.err()).includes(word), word);
  }));

test("border: what is missing or wrong is said in one line, with its key, and exit code 2", () =>
  withFolder(async (folder) => {
    const config = await written(folder, await freePort(), await freePort());
    const whole = readFileSync(config, "utf8");
    const endOf = async (name: string, text: string) => {
      const file = join(folder, `${name}.toml`);
      writeFileSync(file, text);
      const one = start(["border", "--config", file]);
      return [await one.ended, one.err().trim().split("\n").length, one.err()] as const;
    };
    const without = (key: string) => whole.replace(new RegExp(`^${key} = .*\n`, "m"), "");
    const keys = ["outside", "call-agents", "certificate-file", "key-file", "ca-file", "secrets-file"];
    const ends = await Promise.all(keys.map((key) => endOf(key, without(key))));
    for (const [i, [code, lines, err]] of ends.entries())
      same([code, lines, err.includes(`border.${keys[i]} is missing`)], [2, 1, true], err);
    const [noKey, noSecret] = await Promise.all([
      endOf("no-key", whole.replace("own.key", "own.pem")),
      endOf("no-secret", ofNord(whole).replace('"acme.example"', '"nord.example"')),
    ]);
    same([noKey[0], /border\.key-file: .* has no key/.test(noKey[2])], [2, true], noKey[2]);
    same([noSecret[0], /has no secret of nord\.example/.test(noSecret[2])], [2, true], noSecret[2]);
  }));

test("border: a certificate that is cut, of another key or of another domain is said with its key before anything is opened", () =>
  withFolder(async (folder) => {
    const whole = readFileSync(await written(folder, 5061, 5064), "utf8");
    const read = async (text: string) => {
      const reading = readConfig({ file: "vipr.toml", text });
      if (reading.type !== "read") throw new Error(JSON.stringify(reading.faults));
      const end = await Effect.runPromise(
        Effect.result(borderCredentials(reading.configuration.config, "acme.example")),
      );
      return end._tag === "Success" ? "good" : `${end.failure.code} ${end.failure.why.replaceAll(`${folder}/`, "")}`;
    };
    writeFileSync(join(folder, "cut.pem"), pemCertificate(Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x07)));
    mkdirSync(join(folder, "directory"));
    same(await read(whole), "good");
    const certificate = "2 border.certificate-file:";
    for (const [from, to, why] of [
      ["own.pem", "other.pem", `${certificate} the first certificate of other.pem is not of the key in own.key`],
      ["own.key", "other.key", `${certificate} the first certificate of own.pem is not of the key in other.key`],
      ["own.pem", "cut.pem", `${certificate} certificate 1 of cut.pem cannot be read: it is damaged`],
      ["own.pem", "own.key", `${certificate} own.key has no certificate in it`],
      ["own.pem", "directory", `${certificate} directory is a directory, not a file`],
      ["roots.pem", "cut.pem", "2 border.ca-file: certificate 1 of cut.pem cannot be read: it is damaged"],
    ] as const)
      same(await read(whole.replace(`/${from}`, `/${to}`)), why);
    const names = "wants a subject alternative name of acme.example (DNS, or a sip: URI)";
    same(await read(ofNord(whole)), `${certificate} other.pem is of nord.example: ${names}`);
  }));
