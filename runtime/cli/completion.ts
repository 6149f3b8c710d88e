/** `vipr completion`: what makes bash, zsh or fish complete the command. */
import { placesOf } from "../command/completion.ts";
import { bashScript, fishScript, zshScript } from "../command/completion-scripts.ts";
import { exitCode } from "../command/exit-codes.ts";
import { completionTable, SHELLS } from "../command/tables/tools.ts";
import { TABLES } from "../command/tables.ts";
import { command, oneOf } from "./options.ts";
import { say } from "./output.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export const completionCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(completionTable, args, async (_, [shell]) => {
    say(SCRIPTS[oneOf(shell!, "the shell", SHELLS)](placesOf(TABLES)));
    return exitCode.done;
  });
