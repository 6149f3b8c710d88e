/** `vipr ticket` as a process: secrets from files, exit codes, and a checker that takes another secret without a restart. */
import { ok, deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../kit/harness.ts";
import { start, until, vipr, withFolder } from "./processes.ts";

const blockOf = (epoch: number, password: string) => `domain nord.example\nepoch ${epoch}\npassword ${password}\n`;
const NUMBER = "+49305550901";

test("vipr ticket: minted, inspected, verified, refused; and the check follows its file", async () => {
  await withFolder(async (folder) => {
    const at = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const [secrets, token] = [at("secrets", blockOf(1, "old-secret")), at("token", "a token\n")];
    const mint = ["ticket", "mint", "--secret-file", secrets, "--number", NUMBER, "--granted-to", "acme.example"];
    const minted = await vipr(mint);
    same(minted.code, 0, minted.err);
    const ticket = minted.out.trim();
    const verify = (...more: ReadonlyArray<string>) =>
      vipr(["ticket", "verify", ticket, "--secret-file", secrets, "--domain", "acme.example", "--json", ...more]);
    const [good, wrong, shown, none, bad] = await Promise.all([
      verify("--number", NUMBER),
      verify("--number", "+49305550902"),
      vipr(["ticket", "inspect", "-", "--json"], `${ticket}\n`),
      vipr([
        "ticket",
        "mint",
        "--secret-file",
        join(folder, "none"),
        "--number",
        NUMBER,
        "--granted-to",
        "acme.example",
      ]),
      vipr(["ticket", "inspect", ticket.slice(4)]),
    ]);
    same([good.code, JSON.parse(good.out).verdict], [0, "good"]);
    same([wrong.code, JSON.parse(wrong.out)], [1, { verdict: "refused", why: "wrongNumber" }]);
    same([shown.code, JSON.parse(shown.out).grantedTo], [0, "acme.example"]);
    same(none.code, 2);
    ok(none.err.includes("there is no such file"));
    same(bad.code, 1);
    ok(bad.out.startsWith("malformed: Ticket"));
    for (const { out, err } of [minted, good, wrong, shown, none, bad]) ok(!`${out}${err}`.includes("old-secret"));

    const server = start([
      "ticket",
      "serve",
      "--secret-file",
      secrets,
      "--token-file",
      token,
      "--listen",
      "127.0.0.1:0",
    ]);
    const [, url] = await server.said(/check +(http:\S+)/);
    const asked = async () => {
      const query = `?ticket=${encodeURIComponent(ticket)}&number=${NUMBER}&domain=acme.example`;
      const response = await fetch(`${url}${query}`, { headers: { authorization: "Bearer a token" } });
      return ((await response.json()) as { why: string | null }).why;
    };
    same(await asked(), null);
    at("secrets", "half a line");
    await until(async () => (server.err().includes("ticket.secrets") ? true : undefined), "the bad file is said");
    same(await asked(), null);
    at("secrets", blockOf(1, "old-secret") + blockOf(2, "new-secret"));
    await until(async () => (server.err().includes("ticket.secrets.changed") ? true : undefined), "the new secret");
    same(await asked(), null);
    at("secrets", blockOf(2, "new-secret"));
    await until(async () => ((await asked()) === "unknownEpoch" ? true : undefined), "the voided epoch");
    ok(!/(old|new)-secret|49305550901/.test(server.err()), server.err());
    await server.kill("SIGTERM");
  });
});
