/**
 * What a command's table is: its options, words, orders, examples and exit codes, as data. From it come the parser's options
 * (runtime/cli/options.ts), help (help.ts), completion (completion.ts) and docs/command.md. A table loads nothing, so that help
 * is there at once. DECISIONS.md D-306.
 */
import type { ExitName } from "./exit-codes.ts";

export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly short?: string;
  readonly default?: string | boolean;
  /** What stands for its value in help: `HOST:PORT`. FILE and DIR are completed as such. */
  readonly value?: string;
  /** The values it takes, where they are few: completed. */
  readonly among?: ReadonlyArray<string>;
  /** What it does, without a full stop at its end. */
  readonly text: string;
}
export type Options = Readonly<Record<string, OptionSpec>>;

export interface Example {
  readonly text: string;
  /** As typed: its first word is `vipr`; `\` at the end of a line goes on in the next one. */
  readonly line: string;
}

/** At least, at most. */
export type Words = readonly [least: number, most: number];

/** What a command or an order of it has in common. */
interface Described {
  readonly summary: string;
  /** What follows the name, a line each. */
  readonly usage: ReadonlyArray<string>;
  /** Paragraphs before the options, and after them. */
  readonly about?: string;
  readonly notes?: string;
  /** Words that are no options. */
  readonly words?: Words;
  /** What one of them is, for completion. */
  readonly completes?: "file" | ReadonlyArray<string>;
  readonly examples: ReadonlyArray<Example>;
}

export interface OrderSpec<Option extends string = string> extends Described {
  /** Of the command's, those that this order takes. */
  readonly options: ReadonlyArray<Option>;
}

/** The codes that it ends with; a text where one means something more exact here. */
export type Codes = Readonly<Partial<Record<ExitName, string | true>>>;

export interface CommandTable<Name extends string = string, O extends Options = Options> extends Described {
  readonly name: Name;
  readonly options: O;
  readonly orders?: Readonly<Record<string, OrderSpec<Extract<keyof O, string>>>>;
  /** Of the options, those that it takes without an order; default all. */
  readonly own?: ReadonlyArray<Extract<keyof O, string>>;
  readonly codes: Codes;
}

export const table = <const Name extends string, const O extends Options>(of: CommandTable<Name, O>): typeof of => of;

/** Every command takes it. */
export const HELP_OPTION = { help: { type: "boolean", short: "h", default: false, text: "this text" } } as const;
