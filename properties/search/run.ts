/**
 * A long search: messages of RFC 4475 and RFC 5118, changed at some places, through the parser and the cores that stand behind
 * it. None may throw, print what is no SIP, lose a stream whose framing holds, or keep anything at the end of a block.
 * DECISIONS.md D-156.
 *
 *   node --expose-gc properties/search/run.ts [--messages N] [--seed S] [--only SUBJECT] [--from BLOCK]
 *
 * A broken law is shown with the message and the command that replays its block. Exit code 1 then.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { Chance } from "../kit/chance.ts";
import { borderSubject, relayingBorderSubject } from "./border.ts";
import { parserSubject } from "./parser.ts";
import { proxySubject } from "./proxy.ts";
import type { Subject } from "./subject.ts";

/** At the end of each block nothing may be left. */
const BLOCK_MESSAGES = 10_000;

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    seed: { type: "string", default: String(process.pid) },
    only: { type: "string", default: "" },
    from: { type: "string", default: "0" },
  },
});
const [messages, seed, from] = [Number(values.messages), Number(values.seed), Number(values.from)];

const heapMiB = (): number => {
  (globalThis as { gc?: () => void }).gc?.();
  return Math.round((process.memoryUsage().heapUsed / 1_048_576) * 10) / 10;
};

/** False: a law was broken. */
const search = (subject: Subject): boolean => {
  const started = performance.now();
  let begun: number | undefined;
  const blocks = Math.ceil(messages / BLOCK_MESSAGES);
  for (let block = from; block < from + blocks; block++) {
    const chance = new Chance(Math.imul(seed, 1_000_003) ^ Math.imul(block + 1, 0x9e3779b1));
    try {
      for (let i = 0; i < Math.min(BLOCK_MESSAGES, messages - (block - from) * BLOCK_MESSAGES); i++)
        subject.step(chance);
      subject.settle();
    } catch (cause) {
      console.log(`BROKEN ${subject.name}: ${cause instanceof Error ? cause.stack : String(cause)}`);
      console.log(`       ${JSON.stringify(new TextDecoder("latin1").decode(subject.last()))}`);
      const whole = (block - from + 1) * BLOCK_MESSAGES;
      const only = `--only ${subject.name} --seed ${seed} --from ${from} --messages ${whole}`;
      console.log(`       replay: npm run search -- ${only}`);
      return false;
    }
    // The first blocks warm caches up.
    if (block - from === Math.min(9, blocks - 1)) begun = heapMiB();
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const line = { messages, seed, seconds, heapMiBEarly: begun, heapMiBEnd: heapMiB(), counts: subject.counts() };
  console.log(`held   ${subject.name}: ${JSON.stringify(line)}`);
  return true;
};

let broken = 0;
for (const make of [parserSubject, proxySubject, borderSubject, relayingBorderSubject]) {
  const subject = make();
  if (subject.name.includes(values.only) && !search(subject)) broken += 1;
}
process.exitCode = broken > 0 ? 1 : 0;
