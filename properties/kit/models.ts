/**
 * A role beside a model of it, by fast-check's commands: what is done is done to both, in an order that is drawn and shrunk, each
 * where the model says that it may happen. The model is what the role is to do, said a second time and far more simply: a set, a
 * count, a last value. The role may be a machine, two of them with a network between, or a process behind a socket.
 *
 *   begin --> command, command, ... each: may it? then do it to the role, and hold what came of it against the model
 *         --> end: leave the role to itself, and hold what it comes to against the model --> close
 */
import fc from "fast-check";
import { type Law, lawOf, RUNS } from "./laws.ts";

/** Something that may be done to a role. */
export interface ModelCommand<M, R> {
  /** Whether it may happen now. Absent: always. */
  readonly may?: (model: Readonly<M>) => boolean;
  /** Does it, and changes the model. `drawn`: 0 or more, to choose by. Throws, or rejects, where role and model differ. */
  readonly run: (model: M, role: R, drawn: number) => void | Promise<void>;
}
/** A role, its model, and what may be done to both. */
export interface Modelled<M extends object, R> {
  /** A new role, and the model of it. */
  readonly begin: () => { readonly model: M; readonly real: R } | Promise<{ readonly model: M; readonly real: R }>;
  /** Under the names that a counter-example shows. */
  readonly commands: Readonly<Record<string, ModelCommand<M, R>>>;
  /** When the script is over: what the role comes to by itself. */
  readonly end?: (model: M, role: R) => void | Promise<void>;
  /** Takes the role down, in any case. */
  readonly close?: (role: R) => void | Promise<void>;
}
/** How many scripts, and how long. */
export interface ModelOptions {
  /** Scripts. Default 100. */
  readonly runs?: number;
  /** Commands of one script. Default 30. */
  readonly commandsMax?: number;
}

const COMMANDS_MAX = 30;

class Command<M extends object, R> implements fc.AsyncCommand<M, R> {
  readonly #name: string;
  readonly #of: ModelCommand<M, R>;
  readonly #drawn: number;
  constructor(name: string, of: ModelCommand<M, R>, drawn: number) {
    this.#name = name;
    this.#of = of;
    this.#drawn = drawn;
  }
  check(model: Readonly<M>): boolean {
    return this.#of.may?.(model) ?? true;
  }
  async run(model: M, role: R): Promise<void> {
    await this.#of.run(model, role, this.#drawn);
  }
  toString(): string {
    return `${this.#name}(${this.#drawn})`;
  }
}

/** The law that a role does what its model does, whatever is done to both. */
export const modelLawOf = <M extends object, R>(
  name: string,
  { begin, commands, end, close }: Modelled<M, R>,
  { runs = RUNS, commandsMax = COMMANDS_MAX }: ModelOptions = {},
): Law => {
  const each = Object.entries(commands).map(([called, of]) => fc.nat().map((drawn) => new Command(called, of, drawn)));
  const script = fc.commands(each, { maxCommands: commandsMax });
  return lawOf(
    name,
    runs,
    fc.asyncProperty(script, async (drawn) => {
      const { model, real } = await begin();
      try {
        await fc.asyncModelRun(() => ({ model, real }), drawn);
        await end?.(model, real);
      } finally {
        await close?.(real);
      }
    }),
  );
};
