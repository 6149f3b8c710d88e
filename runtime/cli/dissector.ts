/** `vipr dissector`: the plugin by which Wireshark reads our messages. */
import { dissectorOf } from "../../codecs/dissector/mod.ts";
import { exitCode } from "../command/exit-codes.ts";
import { dissectorTable } from "../command/tables/traffic.ts";
import { command } from "./options.ts";
import { say } from "./output.ts";
import { PVP_PORT, VAP_PORT } from "./ports.ts";
import { versionOf } from "./version.ts";

export const dissectorCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(dissectorTable, args, async () => {
    say(dissectorOf(versionOf(), { vap: VAP_PORT, pvp: PVP_PORT }));
    return exitCode.done;
  });
