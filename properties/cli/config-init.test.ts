/** `vipr config init`: its questions by piped answers and by options, what it refuses, and that a company starts with its file. */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "../kit/harness.ts";
import { MAIN, vipr, withFolder } from "./processes.ts";
import { ANSWERS, optionsOf, startSmallCompany } from "./small-company.ts";

const GIVEN = optionsOf(ANSWERS);

test("vipr config init: piped answers, with one that is refused and asked for again, make a file that is taken", () =>
  withFolder(async (folder) => {
    const file = join(folder, "vipr.toml");
    const answers = [
      ...["acme.example", "Germany", "DE", "30", "+49301234, +4930123500..+4930123599", "udp:192.0.2.10:5060"],
      ...[
        "192.0.2.11:5070",
        "tls:sip.carrier.example",
        "",
        "https://authority.example:8443",
        `sha256:${"ab:".repeat(31)}cd`,
      ],
      ...["", "", "203.0.113.7:5061", "192.0.2.12:5061", "", "", ""],
    ];
    const made = await vipr(["config", "init", file, "--json"], answers.join("\n"));
    same([made.code, JSON.parse(made.out)], [0, { file, ok: true }], made.err);
    ok(/--country wants a country's two letters, as "DE" or "US", not "Germany"/.test(made.err), made.err);
    const shown = await vipr(["config", "show", file, "--json"]);
    const values = new Map(
      shown.out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
        .map(({ key, value }) => [key, value]),
    );
    const wanted = {
      domain: "acme.example",
      data: "/var/lib/vipr",
      "server.fingerprint": `sha256:${"ab:".repeat(31)}cd`,
      "server.user": "acme",
      "numbers.country": "DE",
      "numbers.area": "30",
      "numbers.own": ["+49301234", "+4930123500..+4930123599"],
      "agent.listen": ["udp:192.0.2.10:5060"],
      "agent.pbx": ["udp:192.0.2.11:5070"],
      "agent.public": "203.0.113.7:5061",
      "border.outside": "192.0.2.12:5061",
      "border.certificate-file": "/etc/vipr/border.pem",
      "media.relay": "own",
      "media.inside": ["192.0.2.10"],
      "media.outside": ["192.0.2.12=203.0.113.7"],
      "trunk.carrier.host": "sip.carrier.example",
      "trunk.carrier.transport": "tls",
      "trunk.carrier.tls": "server",
    };
    for (const [key, value] of Object.entries(wanted)) same(values.get(key), value, key);
    const again = await vipr(["config", "init", file, ...GIVEN]);
    same([again.code, again.out, again.err.includes("is there already")], [2, "", true], again.err);
  }));

test("vipr config init: options alone; what is missing, what cannot be taken, where nothing can be written", () =>
  withFolder(async (folder) => {
    const file = join(folder, "vipr.toml");
    const [lacking, wrong, nowhere, made] = await Promise.all([
      vipr(["config", "init", join(folder, "lacking.toml"), "--domain", "acme.example"]),
      vipr(["config", "init", join(folder, "wrong.toml"), ...GIVEN, "--own", "4085550200"]),
      vipr(["config", "init", join(folder, "absent", "vipr.toml"), ...GIVEN]),
      vipr(["config", "init", "--config", file, ...GIVEN]),
    ]);
    same([lacking.code, lacking.out], [2, ""]);
    for (const option of ["country", "own", "pbx", "trunk", "authority", "root"])
      ok(lacking.err.includes(`\n--${option}: `), lacking.err);
    same([wrong.code, wrong.err.startsWith("vipr config: --own wants ")], [2, true], wrong.err);
    same([nowhere.code, nowhere.out], [7, ""], nowhere.err);
    same([made.code, made.out.startsWith(`${file} is written\n`)], [0, true], made.err);
    same((await vipr(["config", "check", file])).code, 0);
    for (const name of ["lacking.toml", "wrong.toml"]) same(existsSync(join(folder, name)), false);
  }));

test("vipr config init: ended by Ctrl-C before its last answer it leaves nothing", () =>
  withFolder(async (folder) => {
    const file = join(folder, "vipr.toml");
    const own = "Deno" in globalThis ? ["run", "-A"] : [];
    const child = spawn(process.execPath, [...own, MAIN, "config", "init", file], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    let err = "";
    const refused = new Promise<void>((done) =>
      child.stderr.on("data", (chunk) => {
        err += chunk;
        if (err.includes("--country wants")) done();
      }),
    );
    const ended = new Promise<number | null>((done) => child.on("close", done));
    child.stdin.write("acme.example\nGermany\n");
    await refused;
    process.kill(child.pid!, "SIGINT");
    same([await ended, existsSync(file), err.includes("nothing was written")], [130, false, true], err);
  }));

test("vipr config init: a company starts with its file", () =>
  withFolder(async (folder) => {
    const company = await startSmallCompany(folder, { listen: "udp:127.0.0.1:0" });
    ok(readFileSync(join(folder, "vipr.toml"), "utf8").includes('domain = "acme.example"'));
    await company.stop();
  }));
