/** Whether a runtime can run the command, and in whose directory compiled code may be kept. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { cacheFolder, type Engine, whyNotHere } from "../../runtime/cli/begin.ts";
import { runs, test } from "../kit/harness.ts";

const yes = () => true;

test("begin: an older runtime is told what is needed, in one line", () => {
  const needed = "vipr needs Node 22.19, Deno 2.9, Bun 1.4 or later; this is";
  const old = { Node: ["20.20.2", "22.18.9", "9.0.0"], Deno: ["1.46.3", "2.8.3"], Bun: ["1.3.9", "0.9.0"] } as const;
  for (const [name, versions] of Object.entries(old) as Array<[Engine["name"], ReadonlyArray<string>]>)
    for (const version of versions) same(whyNotHere({ name, version }), `${needed} ${name} ${version}`);
  const fit = {
    Node: ["22.19.0", "24.0.0", "100.1.1"],
    Deno: ["2.9.0", "3.0.0"],
    Bun: ["1.4.0", "1.10.0", "2.0.0"],
  } as const;
  for (const [name, versions] of Object.entries(fit) as Array<[Engine["name"], ReadonlyArray<string>]>)
    for (const version of versions) same(whyNotHere({ name, version }), undefined);
  same(whyNotHere(), undefined);
});

test("begin: code is kept where systemd says, else in the user's cache, else nowhere", () => {
  same(cacheFolder({ CACHE_DIRECTORY: "/var/cache/vipr:/x", HOME: "/root" }, yes), "/var/cache/vipr/code");
  same(cacheFolder({ XDG_CACHE_HOME: "/c", HOME: "/root" }, yes), "/c/vipr/code");
  same(cacheFolder({ XDG_CACHE_HOME: "c", HOME: "/root" }, yes), "/root/.cache/vipr/code");
  for (const HOME of [undefined, "", "/", "home"]) same(cacheFolder({ HOME }, yes), undefined);
});

test("begin: never in a directory that others write to, whatever the environment says", () => {
  const word = fc.option(fc.constantFrom("", "/", "/a", "/tmp", "b", "/a:/b"), { nil: undefined });
  fc.assert(
    fc.property(word, word, word, (CACHE_DIRECTORY, XDG_CACHE_HOME, HOME) => {
      same(
        cacheFolder({ CACHE_DIRECTORY, XDG_CACHE_HOME, HOME }, () => false),
        undefined,
      );
    }),
    { numRuns: runs },
  );
});
