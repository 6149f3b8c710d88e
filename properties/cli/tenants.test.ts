/** Several companies in one directory: whose agents and domains are, their shares, and that a directory of before is one company's. */
import { deepStrictEqual as same } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Logger, type Scope } from "effect";
import fc from "fast-check";
import { addAgent, readAgents } from "../../runtime/cli/agents.ts";
import { exitCode } from "../../runtime/cli/exit.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { serverOrder } from "../../runtime/cli/server-orders.ts";
import { addTenant, openTenants, readTenants, shareOf } from "../../runtime/cli/tenants.ts";
import { runs, test } from "../kit/harness.ts";

const inFolder = async (body: (path: string) => Promise<void>) => {
  const path = mkdtempSync(join(tmpdir(), "vipr-tenants-"));
  try {
    await body(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
};
const run = <A, E>(path: string, work: (folder: any) => Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(openFolder(path), work)).pipe(Effect.provide(Logger.layer([]))));
const wishes = { isPrivate: undefined, isNewSecret: false };

test("tenants: a directory without them is one company's, as is each before them", () =>
  inFolder(async (path) => {
    same(await run(path, openTenants), undefined);
    await run(path, (folder) => addAgent(folder, "pbx", "a word"));
    same(await run(path, openTenants), undefined);
  }));

test("tenants: agents and domains are theirs, and change hands only by being removed first", () =>
  inFolder(async (path) => {
    writeFileSync(join(path, "word"), "a password\n");
    const order = (name: string, of: string | undefined, options: { tenant?: string; share?: string } = {}) =>
      run(path, (folder) => serverOrder(name, of, { ...wishes, passwordFile: join(path, "word"), ...options })(folder));
    const code = (name: string, of: string, options: { tenant?: string } = {}) =>
      run(path, (folder) =>
        Effect.flip(serverOrder(name, of, { ...wishes, passwordFile: join(path, "word"), ...options })(folder)),
      ).then((stopped) => (stopped as { readonly code: number }).code);
    same(await code("add-agent", "pbx", { tenant: "acme" }), exitCode.refused);
    await order("add-tenant", "acme");
    await order("add-tenant", "nord");
    await order("add-agent", "pbx", { tenant: "acme" });
    await order("add-domain", "acme.example", { tenant: "acme" });
    await order("add-agent", "desk", { tenant: "nord" });
    await order("add-domain", "own.example");
    await order("add-agent", "pbx"); // another password: it stays theirs
    same(await code("add-agent", "pbx", { tenant: "nord" }), exitCode.refused);
    same(await code("add-domain", "own.example", { tenant: "nord" }), exitCode.refused);
    same(await code("remove-tenant", "acme"), exitCode.refused);
    const tenants = (await run(path, openTenants))!;
    same(["pbx", "desk", "nobody"].map(tenants.tenantOf), ["acme", "nord", ""]);
    same(
      ["acme", "nord", ""].map((tenant) =>
        ["acme.example", "own.example", "other.example"].filter((domain) => tenants.hasDomain(tenant, domain)),
      ),
      [["acme.example"], [], ["own.example", "other.example"]],
    );
    await order("remove-agent", "desk");
    await order("remove-tenant", "nord");
    await order("add-agent", "desk"); // it is the server's own now, not of whoever had the name before
    same((await run(path, readTenants)).agents.get("desk"), undefined);
    // A version without tenants reads the same agents.
    same([...(await run(path, readAgents)).keys()].sort(), ["desk", "pbx"]);
    same(readFileSync(join(path, "agents"), "utf8").includes("acme"), false);
  }));

test("tenants: what is asked of the whole together is never more than the whole", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined })),
        {
          maxLength: 8,
        },
      ),
      (steps) =>
        inFolder(async (path) => {
          for (const [name, percent] of steps)
            await run(path, (folder) => Effect.exit(addTenant(folder, name, percent)));
          const all = await run(path, readTenants);
          const shares = ["", ...all.shares.keys()].map((name) => shareOf(all, name));
          const sum = shares.reduce((most, share) => most + share, 0);
          same([sum <= 1 + 1e-9, shares.every((share) => share > 0), shareOf(all, "nobody")], [true, true, 0]);
        }),
    ),
    { numRuns: Math.min(runs, 25) },
  ));
