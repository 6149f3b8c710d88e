/** The kept inputs of each target, a line of base64 each, and its crashers, each with its name: properties/fuzz/corpus. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = new URL("../corpus/", import.meta.url);
const NAME_CHARACTERS_MAX = 60;

export interface NamedInput {
  readonly name: string;
  readonly bytes: Uint8Array;
}
export interface Corpus {
  readonly inputs: ReadonlyArray<Uint8Array>;
  readonly crashers: ReadonlyArray<NamedInput>;
}

export const corpusOf = (target: string): Corpus => ({
  inputs: linesOf(`${target}.txt`).map(bytesOf),
  crashers: linesOf(`${target}.crashers.txt`).map((line) => {
    const [name = "", text = ""] = line.split(" ");
    return { name, bytes: bytesOf(text) };
  }),
});

export const keepCorpus = (target: string, inputs: ReadonlyArray<Uint8Array>): void =>
  write(`${target}.txt`, inputs.map(textOf));

/** Under a name that is made of the reason; gives it. One that is there stays as it is. */
export const keepCrasher = (target: string, why: string, bytes: Uint8Array): string => {
  const words = why.toLowerCase().replace(/[^a-z]+/g, "-");
  const name = words.replace(/^-|-$/g, "").slice(0, NAME_CHARACTERS_MAX);
  const { crashers } = corpusOf(target);
  if (!crashers.some((one) => one.name === name))
    write(
      `${target}.crashers.txt`,
      [...crashers, { name, bytes }].map((one) => `${one.name} ${textOf(one.bytes)}`),
    );
  return `${target}.crashers.txt: ${name}`;
};

const linesOf = (file: string): ReadonlyArray<string> => {
  const path = new URL(file, FOLDER);
  return existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : [];
};
const write = (file: string, lines: ReadonlyArray<string>): void => {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(new URL(file, FOLDER), `${lines.join("\n")}\n`);
};
// An input of no bytes has a line as well.
const EMPTY = "-";
const bytesOf = (text: string): Uint8Array =>
  text === EMPTY ? new Uint8Array() : new Uint8Array(Buffer.from(text, "base64"));
const textOf = (bytes: Uint8Array): string => (bytes.length === 0 ? EMPTY : Buffer.from(bytes).toString("base64"));
