/**
 * Loaded before everything else by `node --import`, in a process of the tests and in those that it starts: the file of the
 * mutant named by VIPR_MUTANT is loaded with its fault. Node alone; Deno and Bun take no such hooks. DECISIONS.md D-291.
 */
import { registerHooks } from "node:module";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { mutated, ROOT } from "./mutant.ts";
import { mutants } from "./table.ts";

const name = process.env.VIPR_MUTANT;
const mutant = mutants.find((one) => one.name === name);
if (mutant === undefined) throw new Error(`no mutant is called "${name}"`);
const url = pathToFileURL(ROOT + mutant.file).href;
const source = mutated(mutant);

registerHooks({
  load: (asked, context, next) =>
    asked === url ? { format: "module-typescript", source, shortCircuit: true } : next(asked, context),
});
