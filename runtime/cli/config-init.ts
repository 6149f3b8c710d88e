/**
 * `vipr config init`: a company's `vipr.toml` by a few questions. An option answers its question beforehand; without a terminal
 * the lines of standard input are the answers. Nothing is written before the last one.
 * DECISIONS.md D-331.
 *
 *   option, or a line --> refused by vipr.toml's own rules: said why, and asked again --> all answered --> the file, if there is none
 */
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { exitCode } from "../command/exit-codes.ts";
import { faultText, readConfig } from "../config/mod.ts";
import { CONFIG_FILE } from "./config-file.ts";
import {
  type Answers,
  configText,
  type InitOption,
  objectionOf,
  QUESTIONS,
  type Question,
} from "./config-questions.ts";
import { fileStopped } from "./exit.ts";
import { Wrong } from "./options.ts";
import { complain, tell } from "./output.ts";

export type InitValues = { readonly [O in InitOption]?: string | undefined };

const NAME = "vipr config";

export const initConfig = async (named: string | undefined, values: InitValues, json: boolean): Promise<number> => {
  const file = named ?? CONFIG_FILE;
  if (existsSync(file)) throw new Wrong(`${file} is there already: it is not written over`);
  const given = givenIn(values);
  const asking = openAsking(QUESTIONS.every((question) => !isNeeded(question, given)));
  const interrupted = () => {
    complain(`\n${NAME}: ended: nothing was written`);
    process.exit(exitCode.interrupted);
  };
  process.on("SIGINT", interrupted);
  try {
    const text = configText(await answered(given, asking));
    const reading = readConfig({ file, text });
    if (reading.type === "refused") throw new Wrong(reading.faults.map(faultText).join("\n"));
    return write(file, text, json);
  } finally {
    asking.close();
    process.off("SIGINT", interrupted);
  }
};

const write = (file: string, text: string, json: boolean): number => {
  try {
    writeFileSync(file, text, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    if ((cause as { code?: string }).code === "EEXIST")
      throw new Wrong(`${file} is there already: it is not written over`);
    const { why, code } = fileStopped(file, cause);
    complain(`${NAME}: ${why}`);
    return code;
  }
  tell(json, `${file} is written\nnext     vipr config check ${file}\n         vipr company --config ${file}`, {
    file,
    ok: true,
  });
  return exitCode.done;
};

/** Options are looked at before anything is asked, in the order in which they would be. */
const givenIn = (values: InitValues): Answers => {
  const given: Record<string, string> = {};
  for (const question of QUESTIONS) {
    const answer = values[question.option];
    if (answer === undefined) continue;
    const why = objectionOf(question, given, answer);
    if (why !== undefined) throw new Wrong(`--${question.option} ${why}`);
    given[question.option] = answer;
  }
  return given;
};

const isAsked = ({ when }: Question, answers: Answers): boolean => when === undefined || when(answers);
/** It has no answer, and nothing holds without one. */
const isNeeded = (question: Question, answers: Answers): boolean => {
  const { option, isOptional = false, initial } = question;
  if (answers[option] !== undefined || isOptional || !isAsked(question, answers)) return false;
  return initial?.({ domain: "", ...answers }) === undefined;
};

const answered = async (given: Answers, asking: Asking): Promise<Answers> => {
  const answers: Record<string, string> = {};
  const missing: Array<string> = [];
  for (const question of QUESTIONS) {
    const { option } = question;
    if (!isAsked(question, answers)) continue;
    const answer = given[option] ?? (await answerTo(question, answers, asking));
    if (answer !== undefined) answers[option] = answer;
    else if (question.isOptional !== true) missing.push(`--${option}: ${question.text}`);
  }
  if (missing.length > 0) throw new Wrong(`not answered:\n${missing.join("\n")}`);
  return answers;
};

/** Asks until there is an answer that can be taken. Undefined: there is none, or nobody is there to give one. */
const answerTo = async (question: Question, answers: Answers, { ask }: Asking): Promise<string | undefined> => {
  const { text, isOptional = false } = question;
  const initial = question.initial?.(answers);
  const shown = initial === undefined ? (isOptional ? " []" : "") : ` [${initial}]`;
  while (true) {
    const line = (await ask(`${text}${shown}: `))?.trim();
    const answer = line === undefined || line === "" ? initial : line;
    if (answer === undefined) {
      if (line === undefined || isOptional) return undefined;
      complain(`  --${question.option} has to be answered`);
      continue;
    }
    const why = objectionOf(question, answers, answer);
    if (why === undefined) return answer;
    complain(`  --${question.option} ${why}`);
    if (line === undefined) return undefined;
  }
};

interface Asking {
  /** The next line; undefined: there is none any more. */
  readonly ask: (prompt: string) => Promise<string | undefined>;
  readonly close: () => void;
}
const NOBODY: Asking = { ask: async () => undefined, close: () => {} };

/** On a terminal its user; else the lines of standard input, unless all that has to be answered is. */
const openAsking = (isAnswered: boolean): Asking => {
  const isTerminal = process.stdin.isTTY === true;
  if (!isTerminal && isAnswered) return NOBODY;
  const output = isTerminal ? { output: process.stderr } : {};
  const lines = createInterface({ input: process.stdin, ...output, terminal: isTerminal });
  lines.on("SIGINT", () => process.emit("SIGINT"));
  return { ask: askerOf(lines), close: () => lines.close() };
};

/** Lines that came before they were asked for wait. */
const askerOf = (lines: Interface): Asking["ask"] => {
  const waiting: Array<string> = [];
  let isOver = false;
  let wake = () => {};
  lines.on("line", (line) => {
    waiting.push(line);
    wake();
  });
  lines.on("close", () => {
    isOver = true;
    wake();
  });
  return async (prompt) => {
    lines.setPrompt(prompt);
    if (!isOver) lines.prompt(true);
    while (waiting.length === 0 && !isOver)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return waiting.shift();
  };
};
