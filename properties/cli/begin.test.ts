/** Whether a Node can run the command, and in whose directory compiled code may be kept. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { cacheFolder, whyNotHere } from "../../runtime/cli/begin.ts";
import { runs, test } from "../kit/harness.ts";

const yes = () => true;

test("begin: an older Node is told what is needed, in one line", () => {
  if ("Deno" in globalThis || "Bun" in globalThis) return same(whyNotHere("20.0.0"), undefined);
  same(
    ["20.20.2", "22.18.9", "9.0.0"].map((version) => whyNotHere(version)),
    ["20.20.2", "22.18.9", "9.0.0"].map(
      (version) => `vipr needs Node 22.19 or later, Deno or Bun; this is Node ${version}`,
    ),
  );
  same(
    ["22.19.0", "24.0.0", "100.1.1"].map((version) => whyNotHere(version)),
    [undefined, undefined, undefined],
  );
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
