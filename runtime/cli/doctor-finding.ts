/** What one look of `vipr doctor` found, and which of all is the worst. */
import net from "node:net";
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { Paint } from "../command/style.ts";
import { type ExitCode, exitCode } from "./exit.ts";

export interface Finding {
  /** What was looked at: `server.listen`, `clock`. */
  readonly check: string;
  readonly verdict: "good" | "warning" | "fault" | "unknown";
  readonly what: string;
  /** Empty where nothing is to be done. */
  readonly todo: string;
  /** Of a fault: what the command ends with if this is the worst. */
  readonly code: ExitCode;
}

export const good = (check: string, what: string): Finding => ({
  ...{ check, verdict: "good", what, todo: "", code: exitCode.done },
});
export const unknown = (check: string, what: string, todo = ""): Finding => ({
  ...{ check, verdict: "unknown", what, todo, code: exitCode.done },
});
export const warning = (check: string, what: string, todo: string): Finding => ({
  ...{ check, verdict: "warning", what, todo, code: exitCode.fault },
});
export const fault = (check: string, code: keyof typeof exitCode, what: string, todo: string): Finding => ({
  ...{ check, verdict: "fault", what, todo, code: exitCode[code] },
});

const WORDS = { good: "good   ", warning: "WARNING", fault: "FAULT  ", unknown: "unknown" } as const;

export const verdictText = ({ check, verdict, what, todo }: Finding): string =>
  `${WORDS[verdict]} ${check}: ${what}${todo === "" ? "" : `\n        -> ${todo}`}`;

const COLOURS = { good: "green", WARNING: "yellow", FAULT: "red", unknown: "dim" } as const;
/** The verdict alone; it stays a word, for those who do not see colours. */
export const verdictPaint: Paint = (line, style) =>
  line.replace(/^(?:good|WARNING|FAULT|unknown)\b/, (word) => style(COLOURS[word as keyof typeof COLOURS], word));

/** The first fault, else the first warning. */
export const worstOf = (findings: ReadonlyArray<Finding>): { readonly code: ExitCode; readonly sentence: string } => {
  const count = (verdict: "fault" | "warning") => {
    const { length } = findings.filter((one) => one.verdict === verdict);
    return `${length} ${verdict}${length === 1 ? "" : "s"}`;
  };
  const worst =
    findings.find(({ verdict }) => verdict === "fault") ?? findings.find(({ verdict }) => verdict === "warning");
  const sentence = `${count("fault")}, ${count("warning")}; the worst is ${worst?.check}: ${worst?.what}`;
  return { code: worst?.code ?? exitCode.done, sentence };
};

const CONNECT_MS = 5_000;

/** Why no TCP connection comes about; undefined: it does. */
export const whyNotConnected = ({ host, port }: Endpoint): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const socket = net.connect({ host, port });
    const end = (why: string | undefined) => {
      socket.destroy();
      resume(Effect.succeed(why));
    };
    socket.setTimeout(CONNECT_MS, () => end("no answer"));
    socket.once("connect", () => end(undefined));
    socket.once("error", (error) => end((error as { code?: string }).code ?? error.message));
    return Effect.sync(() => void socket.destroy());
  });

/** `--reach`: from another machine, which no look from this one replaces. */
export const reachedFrom = (at: Endpoint): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.map(whyNotConnected(at), (why) => {
    const check = `${at.host}:${at.port}`;
    return [
      why === undefined
        ? good(check, "can be reached from this machine")
        : fault(
            check,
            "unreachable",
            `cannot be reached from this machine: ${why}`,
            "firewall, address translation, and whether the program runs",
          ),
    ];
  });
