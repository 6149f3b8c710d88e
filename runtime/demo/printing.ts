/** What happens in the demonstration, printed as it happens: for a person, or one JSON object a line. */
import { Clock, Effect } from "effect";
import { maskE164 } from "../../codecs/shared/mod.ts";
import { say } from "../cli/output.ts";
import type { DemoOptions } from "./options.ts";
import type { Chapter } from "./story-steps.ts";
import type { DemoListener } from "./watcher.ts";

const LINE_CHARS = 100;
const INDENT = " ".repeat("[ 12.3 s] ".length);
const TITLES: Readonly<Record<Chapter, string>> = { call: "A call", theft: "A theft" };

export interface PrintingListener extends DemoListener {
  /** Nothing more is printed: the summary is the last line, though validations may still be under way. */
  readonly end: () => void;
  /** The address of the page, once it is there. */
  readonly page: () => string | undefined;
}

export const listenerOf = ({ json }: Pick<DemoOptions, "json">, startedMs: number): PrintingListener => {
  let ended = false;
  let page: string | undefined;
  const print = (line: string) => (ended ? undefined : say(line));
  const secondsNow = Effect.map(Clock.currentTimeMillis, (nowMs) => ((nowMs - startedMs) / 1_000).toFixed(1));
  const timed = (seconds: string, text: string) => `[${seconds.padStart(5)} s] ${text}`;
  return {
    phase: (name, detail, address) =>
      Effect.map(secondsNow, (seconds) => {
        page = address ?? page;
        if (json) print(JSON.stringify({ type: "phase", name, detail, seconds: Number(seconds) }));
        else print(timed(seconds, detail));
      }),
    step: (step) =>
      Effect.map(secondsNow, (seconds) => {
        if (json) print(JSON.stringify({ type: "step", ...step }));
        else print(wrapped(timed(seconds, `${TITLES[step.chapter]}, step ${step.n}: ${step.text}`)));
      }),
    event: (domain, event) =>
      Effect.sync(() => {
        if (json) print(JSON.stringify({ domain, ...masked(event) }));
      }),
    end: () => {
      ended = true;
    },
    page: () => page,
  };
};

const masked = (event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  typeof event.number === "string" ? { ...event, number: maskE164(event.number) } : event;

/** At blanks, later lines under the first one's text; an address is never cut. */
const wrapped = (text: string): string => {
  const lines: Array<string> = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > LINE_CHARS && line.trim() !== "") {
      lines.push(line);
      line = INDENT + word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
};
