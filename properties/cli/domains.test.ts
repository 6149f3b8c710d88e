/** The domains of a server: what is private stays so, whatever is added, removed or damaged, until --public is said. */
import { deepStrictEqual as same } from "node:assert";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect, Logger } from "effect";
import fc from "fast-check";
import { vapKey } from "../../codecs/vap/mod.ts";
import { addAgent, readAgents } from "../../runtime/cli/agents.ts";
import { addDomain, followDomains, readDomains, removeDomain } from "../../runtime/cli/domains.ts";
import { exitCode } from "../../runtime/cli/exit.ts";
import { type Folder, openFolder } from "../../runtime/cli/folder.ts";
import { followLines, type LineFile } from "../../runtime/cli/lines.ts";
import { test } from "../kit/harness.ts";
import { vipr, withFolder } from "./processes.ts";

const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(Effect.provide(effect, Logger.layer([])));
const RUNS = 20; // each writes files
const within = (body: (folder: Folder) => Promise<void>) =>
  withFolder(async (root) => body(await run(openFolder(join(root, "s")))));

const steps = fc.array(
  fc.record({
    type: fc.constantFrom("add", "add", "remove", "damage"),
    domain: fc.constantFrom("nord.example", "sued.example"),
    isPrivate: fc.constantFrom(undefined, undefined, true, false),
    isNewSecret: fc.boolean(),
  }),
  { maxLength: 10 },
);

test("a domain that was once said to be private is followed as private until it is said to be public", () =>
  fc.assert(
    fc.asyncProperty(steps, (steps) =>
      within(async (folder) => {
        const look = await run(followDomains(folder));
        const isPrivate = new Map<string, boolean>();
        for (const { type, domain, isNewSecret, ...wish } of steps) {
          if (type === "damage") {
            appendFileSync(folder.at("domains"), "a line by hand\n");
          } else if (type === "remove") await run(removeDomain(folder, domain));
          else {
            await run(addDomain(folder, domain, { isNewSecret, ...wish }));
            isPrivate.set(domain, wish.isPrivate ?? isPrivate.get(domain) ?? false);
          }
          const expected = [...isPrivate].flatMap(([name, is]) => (is ? [name] : [])).sort();
          same([...(await run(look)).privateDomains].sort(), expected);
          if (type === "damage") {
            const text = readFileSync(folder.at("domains"), "utf8");
            writeFileSync(folder.at("domains"), text.replace("a line by hand\n", ""));
          }
        }
        const anew = await run(Effect.flatMap(followDomains(folder), (first) => first));
        same([...anew.privateDomains].sort(), [...(await run(look)).privateDomains].sort());
      }),
    ),
    { numRuns: RUNS },
  ));

test("beside a damaged line what was good counts on, and who is removed is gone; a file of the other kind holds nobody then", () =>
  within(async (folder) => {
    const key = vapKey("pbx", "a word");
    for (const name of ["pbx", "desk"]) await run(addAgent(folder, name, "a word"));
    const read: LineFile<Uint8Array>["read"] = ([scheme]) => (scheme === "vap" ? key : undefined);
    const file = { file: "agents", what: "agent", read };
    const [kept, strict] = [
      await run(followLines(folder, { ...file, isKept: true })),
      await run(followLines(folder, file)),
    ];
    const damaged = `${readFileSync(folder.at("agents"), "utf8").replace("pbx vap", "pbx vpa")}desk gone\n`;
    writeFileSync(folder.at("agents"), damaged);
    same([[...(await run(kept)).keys()], (await run(strict)).size], [["pbx"], 0]);
    same((await run(Effect.flip(readAgents(folder)))).code, exitCode.damaged);
    writeFileSync(folder.at("agents"), damaged.replace("vpa", "vap"));
    same([[...(await run(kept)).keys()], [...(await run(strict)).keys()]], [["pbx"], ["pbx"]]);
  }));

test("vipr server add-domain: one form of a name, and --public beside --private", () =>
  withFolder(async (root) => {
    const data = ["--data", join(root, "s")];
    const told = async (...words: ReadonlyArray<string>) => (await vipr(["server", ...words, ...data])).out;
    same(await told("add-domain", "Nord.Example.", "--private"), "nord.example is granted for, epoch 1, private\n");
    same(await told("add-domain", "nord.example", "--new-secret"), "nord.example is granted for, epoch 2, private\n");
    same(await told("add-domain", "nord.example", "--public"), "nord.example is granted for, epoch 2\n");
    const both = await vipr(["server", "add-domain", "nord.example", "--public", "--private", ...data]);
    const address = await vipr(["server", "add-domain", "192.0.2.1", ...data]);
    same([both.code, address.code], [exitCode.usage, exitCode.usage]);
    const folder = await run(openFolder(join(root, "s")));
    same([...(await run(readDomains(folder))).keys()], ["nord.example"]);
    appendFileSync(folder.at("domains"), "Nord.Example 1 secret private\n");
    same((await run(Effect.flip(readDomains(folder)))).code, exitCode.damaged);
  }));
