/** `vipr help`, also as `vipr --help`: of everything, of a command, of an order, and the exit codes. */
import { exitCode } from "../command/exit-codes.ts";
import { allHelp, exitCodesHelp, helpOf, helpPaint } from "../command/help.ts";
import { didYouMean } from "../command/near.ts";
import { helpTable } from "../command/tables/tools.ts";
import { TABLES, tableOf } from "../command/tables.ts";
import { command, Wrong } from "./options.ts";
import { say } from "./output.ts";

export const helpCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(helpTable, args, async (_, [name, order]) => {
    say(textOf(name, order), helpPaint);
    return exitCode.done;
  });

const textOf = (name: string | undefined, order: string | undefined): string => {
  if (name === undefined) return allHelp(TABLES);
  if (name === "exit-codes") return exitCodesHelp();
  const of = tableOf(name);
  if (of === undefined) {
    const near = didYouMean(
      name,
      TABLES.map((one) => one.name),
    );
    throw new Wrong(`there is no command "${name}"${near}`);
  }
  const orders = Object.keys(of.orders ?? {});
  if (order !== undefined && !orders.includes(order))
    throw new Wrong(`vipr ${name} has no order "${order}"${didYouMean(order, orders)}`);
  return helpOf(of, order);
};
