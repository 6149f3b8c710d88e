/** A password is asked for on a terminal, and not behind `&`, where what is typed would go to the shell. */
import { ok, deepStrictEqual as same } from "node:assert";
import { exitCode } from "../../runtime/cli/exit.ts";
import { testWith } from "../kit/harness.ts";
import { vipr, withFolder } from "./processes.ts";
import { onTerminal } from "./terminal.ts";

testWith(
  "script",
  "password: asked for in the foreground of a terminal; in the background --password-file is named",
  () =>
    withFolder(async (root) => {
      const data = `${root}/authority`;
      const words = ["authority", "add-user", "alice", "--data", data];
      const behind = await onTerminal(words, { before: "set -m; ", behind: "& wait $!" });
      same(behind.code, exitCode.usage, behind.seen);
      ok(
        /password for alice: cannot be asked for, as this program runs in the background: --password-file/.test(
          behind.seen,
        ),
      );
      const front = await onTerminal(words, { typed: "the words of alice\n" });
      same([front.code, front.seen.includes("alice may enrol")], [0, true], front.seen);
      const { out } = await vipr(["authority", "users", "--data", data]);
      ok(out.includes("alice"), out);
    }),
);
