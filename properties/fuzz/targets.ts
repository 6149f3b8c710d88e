/**
 * What `vipr fuzz` can be pointed at, as laws: our own by name, and what another module exports.
 *
 *   "VapMessage", "inviteClient"      codecs and machines of ours, `vipr fuzz --list`
 *   "./door.mjs#door"                 a machine of XState or of our kit, a codec, or an object that has one of them with what
 *                                     there is to say of it: { machine, inputs, events, invariants } | { decode, encode, values }
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import type { Wire } from "../../codecs/wire/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import { anInputOf, guessedEvents, guessedInputs } from "../kit/guess.ts";
import type { Invariant, Law } from "../kit/laws.ts";
import { type Codec, codecLawsOf } from "../kit/laws-of-codec.ts";
import { machineLawsOf } from "../kit/laws-of-machine.ts";
import { wireLawsOf } from "../kit/laws-of-wire.ts";
import { xstateLawsOf } from "../kit/laws-of-xstate.ts";
import { walkable } from "../kit/rows.ts";
import { isOpenEnded } from "../kit/weight.ts";
import { ownTargets } from "./own.ts";

/** There is no such target, or it is none: said to who named it. */
export class NoTarget extends Error {}

/** What may stand beside a machine. */
interface MachineTarget {
  readonly name?: string;
  readonly machine: unknown;
  readonly input?: unknown;
  readonly inputs?: fc.Arbitrary<unknown>;
  readonly events?: fc.Arbitrary<any> | ((input: any) => fc.Arbitrary<any>);
  readonly outputs?: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  readonly invariant?: Invariant;
  readonly invariants?: Readonly<Record<string, Invariant>>;
}

export const lawsOfTarget = async (target: string): Promise<ReadonlyArray<Law>> => {
  const own = target.includes("#") ? undefined : (await ownTargets()).find(({ name }) => name === target);
  if (own !== undefined) return own.lawsOf();
  const [, module, name = "default"] = /^(.*?)(?:#([^#]*))?$/s.exec(target) ?? [];
  if (!target.includes("#") && !existsSync(target))
    throw new NoTarget(`nothing is called "${target}": vipr fuzz --list names what is, module#export what others have`);
  const exported = await imported(module!);
  const value = exported[name];
  if (value === undefined)
    throw new NoTarget(`${module} exports no "${name}", but ${Object.keys(exported).join(", ") || "nothing"}`);
  return lawsOfValue(value, name === "default" ? module! : name);
};

const imported = async (module: string): Promise<Readonly<Record<string, unknown>>> => {
  const file = resolve(module);
  try {
    const found = existsSync(file) ? file : createRequire(resolve(process.cwd(), "any.js")).resolve(module);
    return await import(pathToFileURL(found).href);
  } catch (cause) {
    const { message } = cause as Error;
    throw new NoTarget(`${module} cannot be loaded: ${message.split("\n", 1)[0]}`, { cause });
  }
};

/** Throws NoTarget. */
export const lawsOfValue = (value: unknown, name: string): ReadonlyArray<Law> => {
  const given = value as Readonly<Record<string, any>>;
  if (typeof value === "function") return codecLawsOf({ name, decode: value as Codec["decode"] });
  if (typeof value !== "object" || value === null) throw new NoTarget(`${name} is neither a machine nor a codec`);
  if (isWire(given)) return wireLawsOf(given, { name, openEnded: isOpenEnded(given.node) });
  if (isMachine(given) || isXState(given)) return lawsOfMachine({ machine: value }, name);
  if (isMachine(given.machine) || isXState(given.machine))
    return lawsOfMachine(given as unknown as MachineTarget, name);
  if (typeof given.decode === "function") return codecLawsOf({ name, ...(given as unknown as Codec) });
  throw new NoTarget(`${name} is neither a machine of XState or of vipr/machines/kit, nor a codec with \`decode\``);
};

const isWire = (value: any): value is Wire<unknown> => typeof value.node?.kind === "string";
const isMachine = (value: any): value is Machine<any, any, any> =>
  ["start", "step", "isDone"].every((name) => typeof value?.[name] === "function") && value.definition !== undefined;
const isXState = (value: any): boolean =>
  ["transition", "getInitialSnapshot"].every((name) => typeof value?.[name] === "function") &&
  Array.isArray(value.events);

const lawsOfMachine = (target: MachineTarget, name: string): ReadonlyArray<Law> => {
  const { machine } = target;
  const inputs = target.inputs ?? (target.input === undefined ? undefined : fc.constant(target.input));
  const { events } = target;
  const given = events === undefined || typeof events === "function" ? events : () => events;
  const invariants = {
    ...(target.invariant === undefined ? {} : { "its invariant holds": target.invariant }),
    ...target.invariants,
  };
  const common = { name: target.name ?? name, invariants };
  if (isMachine(machine)) {
    const known = inputs ?? guessedInputs(machine.start);
    const types = new Set(
      machine.table.map(({ event }) => event).filter((type) => !/^\(|^timerFired |^\*$/.test(type)),
    );
    const eventsOf = given ?? guessedEvents(machine.definition.chart, [...types], walkable(machine), anInputOf(known));
    return machineLawsOf(machine, { inputs: known, events: eventsOf }, common);
  }
  return xstateLawsOf(machine as Parameters<typeof xstateLawsOf>[0], {
    ...common,
    ...(inputs === undefined ? {} : { inputs }),
    ...(given === undefined ? {} : { events: given }),
    ...(target.outputs === undefined ? {} : { outputs: target.outputs }),
  });
};
