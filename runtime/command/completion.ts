/**
 * What a shell completes, by the tables: after each command, and each order of it, the next words, the options, and the values
 * of an option. The scripts (completion-scripts.ts) hold it as data, so that a shell runs no `vipr` for it.
 */
import { type CommandTable, HELP_OPTION, type OptionSpec, type Options } from "./spec.ts";

/** How what follows is completed: from a list, as a file's or a directory's name, or not at all. */
export type Completes = ReadonlyArray<string> | "file" | "directory" | "none";

export interface CompletedOption {
  readonly name: string;
  readonly text: string;
  /** Undefined: a flag. */
  readonly value: Completes | undefined;
}

/** One place on the command line: behind `vipr COMMAND`, or `vipr COMMAND ORDER`. */
export interface Place {
  readonly command: string;
  readonly order: string | undefined;
  readonly text: string;
  /** The next word that is no option. */
  readonly words: Completes;
  readonly options: ReadonlyArray<CompletedOption>;
}

export const placesOf = (tables: ReadonlyArray<CommandTable>): ReadonlyArray<Place> =>
  tables.flatMap((of) => {
    const own = of.own ?? (of.orders === undefined ? Object.keys(of.options) : ownOf(of));
    const orders = Object.entries(of.orders ?? {});
    return [
      {
        command: of.name,
        order: undefined,
        text: of.summary,
        words: of.name === "help" ? tables.map(({ name }) => name) : wordsOf(of),
        options: optionsOf(of.options, own),
      },
      ...orders.map(([order, spec]) => ({
        command: of.name,
        order,
        text: spec.summary,
        words: spec.completes ?? ("none" as const),
        options: optionsOf(of.options, spec.options),
      })),
    ];
  });

/** A command that wants an order first has no options before it but its help. */
const ownOf = (of: CommandTable): ReadonlyArray<string> => ((of.words?.[0] ?? 0) > 0 ? [] : Object.keys(of.options));

const wordsOf = (of: CommandTable): Completes =>
  of.orders === undefined ? (of.completes ?? "none") : Object.keys(of.orders);

const optionsOf = (options: Options, names: ReadonlyArray<string>): ReadonlyArray<CompletedOption> => [
  ...names.map((name) => ({ name, text: options[name]!.text, value: valuesOf(options[name]!) })),
  { name: "help", text: HELP_OPTION.help.text, value: undefined },
];

const valuesOf = ({ type, value, among }: OptionSpec): Completes | undefined => {
  if (type === "boolean") return undefined;
  if (among !== undefined) return among;
  return value === "FILE" ? "file" : value === "DIR" ? "directory" : "none";
};
