/** `vipr config` and `vipr number`, as an operator calls them: their output and their exit codes. */
import { ok, deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../kit/harness.ts";
import { vipr, withFolder } from "./processes.ts";

const ACME = "properties/vectors/config/vipr.toml";

test("vipr number explain: the number with each step, and exit code 0; or the reason, and 1", async () => {
  const asked = (...more: ReadonlyArray<string>) => vipr(["number", "explain", ...more, "--config", ACME]);
  const [dialled, none, caller, text, unheard, nowhere] = await Promise.all([
    asked("949305550901", "--json"),
    asked("203", "--json"),
    asked("2125550777", "--source", "caller-from-trunk", "--trunk", "trunk1", "--json"),
    asked("+14085550201"),
    asked("203", "--trunk", "trunk9"),
    asked("203", "--source", "nowhere"),
  ]);
  same([dialled.code, dialled.err], [0, ""]);
  const { number, why, own, steps } = JSON.parse(dialled.out);
  same([number, why, own], ["+49305550901", null, false]);
  ok(steps.includes("access code 9 for an outside line: 49305550901 remains"), dialled.out);
  same([none.code, JSON.parse(none.out).number, JSON.parse(none.out).why], [1, null, "extension"]);
  same([caller.code, JSON.parse(caller.out).number], [0, "+12125550777"]);
  same([text.code, text.out.split("\n")[0]], [0, "+14085550201, one of the company's own"]);
  same([unheard.code, unheard.err.includes('no trunk "trunk9"')], [2, true]);
  same([nowhere.code, nowhere.out], [2, ""]);
});

test("vipr config: mistakes with their places and exit code 2; what holds with its origin, and no secret", () =>
  withFolder(async (folder) => {
    const [file, secret] = [join(folder, "vipr.toml"), join(folder, "password")];
    writeFileSync(secret, "geheim\n");
    writeFileSync(file, `domain = "acme.example"\n[vap]\npassword-file = ${JSON.stringify(secret)}\n`);
    const wrong = join(folder, "wrong.toml");
    writeFileSync(wrong, 'domain = "acme.example"\n[numbers]\ncountry = "Germany"\npassword = "geheim"\n');
    const [good, bad, shown, json, absent] = await Promise.all([
      vipr(["config", "check", ACME]),
      vipr(["config", "check", wrong]),
      vipr(["config", "show", file, "--set", "numbers.country=DE"]),
      vipr([
        "config",
        "show",
        "--config",
        file,
        "--set",
        "vap.password-env=VIPR_NOWHERE",
        "--set",
        "route.token-file=/nowhere/token",
        "--json",
      ]),
      vipr(["config", "check", join(folder, "absent.toml")]),
    ]);
    same([good.code, good.out, good.err], [0, `${ACME}: nothing is wrong with it\n`, ""]);
    same([bad.code, bad.out], [2, ""]);
    ok(bad.err.includes(`${wrong}:3:11: numbers.country: wants a country's two letters`), bad.err);
    ok(bad.err.includes(`${wrong}:4:1: numbers.password: there is no such key`), bad.err);
    same(shown.code, 0);
    for (const line of [
      `domain = "acme.example"  # ${file}:1`,
      `vap.password-file = ${JSON.stringify(secret)}  # ${file}:3; the secret is set`,
      'numbers.country = "DE"  # --set numbers.country',
      "vap.tls = true  # default",
    ])
      ok(shown.out.split("\n").includes(line), `${line}\n${shown.out}`);
    const lines = json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const secretOf = (key: string) => lines.find((one) => one.key === key)?.secret;
    same(["vap.password-file", "vap.password-env", "route.token-file"].map(secretOf), ["set", "missing", "missing"]);
    same([absent.code, absent.err.includes("there is no such file")], [2, true]);
    for (const { out, err } of [bad, shown, json]) ok(!`${out}${err}`.includes("geheim"));
  }));

test("where there is no vipr.toml and none was named, each command says that the file is missing, and how to get one", () =>
  withFolder(async (folder) => {
    const [check, status, capture, numbers, doctor, plan] = await Promise.all(
      [
        ["config", "check"],
        ["status"],
        ["capture", "--write", "file"],
        ["numbers", "list"],
        ["doctor"],
        ["number", "explain", "+14085550200"],
      ].map((args) => vipr(args, undefined, undefined, folder)),
    );
    const hint = "there is no vipr.toml here: --config FILE, or vipr config init";
    for (const [name, one] of Object.entries({ check, status, capture, numbers }))
      same([one!.code, one!.out, one!.err.trimEnd().endsWith(hint)], [2, "", true], `${name}: ${one!.err}`);
    same([doctor!.code, doctor!.err.includes("1 fault, 1 warning; ")], [2, true], doctor!.err);
    ok(doctor!.out.startsWith("FAULT   configuration: there is no vipr.toml here\n"), doctor!.out);
    same([plan!.code, plan!.err], [0, ""]); // a number in full needs none
  }));
