/**
 * The tickets of a crash run. What b's agents were told of routes to a is shown to a's check (`vipr ticket serve`), which is
 * killed now and then, while a's secret gets new epochs and the old ones are voided.
 *
 *   server a --grants--> server b --tells--> agents of b --each ticket--> a's check <-- its secrets' file
 *
 * No route is told with a second ticket while the first has three quarters of its life left; no ticket of a voided epoch is
 * admitted; those of the present epoch are. DECISIONS.md D-243.
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { msFromNtp } from "../../codecs/shared/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import { GRANTS_OF_LIFETIME } from "../../machines/ticket/mod.ts";
import { type Running, start, until, vipr } from "../cli/processes.ts";
import { freePort } from "../kit/ports.ts";

const [GRANTING, GRANTED] = ["a.example", "b.example"];
const TOKEN = "the token of the check";
const [VOIDED, KILLED] = [0.15, 0.2];

interface Told {
  readonly number: string;
  readonly text: string;
  readonly epoch: number;
  readonly fromMs: number;
  readonly endMs: number;
}

export interface Tickets {
  /** After a round; what was done, for the line that is printed. */
  readonly round: (learned: ReadonlyArray<string>) => Promise<ReadonlyArray<string>>;
  /** What must not be, until now. */
  readonly faults: ReadonlySet<string>;
  readonly end: () => Promise<unknown>;
}

/** `data`: of server a. `isSo`: whether something of that probability happens. */
export const openTickets = async (
  root: string,
  data: string,
  isSo: (probability: number) => boolean,
): Promise<Tickets> => {
  const [secretFile, tokenFile] = [join(root, "ticket-secrets"), join(root, "check-token")];
  const port = await freePort();
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const order = async (...args: ReadonlyArray<string>): Promise<string> => {
    const { code, out, err } = await vipr(["server", ...args, "--data", data]);
    if (code !== 0) throw new Error(`vipr server ${args.join(" ")}: ${err}`);
    return out;
  };
  /** The present secret alone: tickets of all other epochs are void as soon as the check has read it. */
  const writeSecret = async (): Promise<number> => {
    const block = await order("domain-secret", GRANTING);
    writeFileSync(`${secretFile}.new`, block, { mode: 0o600 });
    renameSync(`${secretFile}.new`, secretFile);
    return Number(/^epoch +(\d+)$/m.exec(block)![1]);
  };
  const files = ["--secret-file", secretFile, "--token-file", tokenFile];
  const startCheck = async (): Promise<Running> => {
    const one = start(["ticket", "serve", ...files, "--listen", `127.0.0.1:${port}`]);
    await one.said(/^check /m);
    return one;
  };
  let epoch = await writeSecret();
  let check = await startCheck();
  const faults = new Set<string>();

  /** As `good DOMAIN ID` or `refused WHY`. */
  const verdictOn = async ({ text, number }: Told): Promise<string> => {
    const query = new URLSearchParams({ ticket: text, number, domain: GRANTED, format: "line" });
    const headers = { authorization: `Bearer ${TOKEN}` };
    return (await (await fetch(`http://127.0.0.1:${port}/check?${query}`, { headers })).text()).trim();
  };
  const look = async (all: ReadonlyArray<Told>): Promise<void> => {
    for (const told of all) {
      const verdict = await verdictOn(told);
      const isRight = told.epoch === epoch ? verdict.startsWith("good ") : verdict === "refused unknownEpoch";
      if (!isRight) faults.add(`a ticket of epoch ${told.epoch}, in epoch ${epoch}: ${verdict}`);
    }
    for (const fault of toldTwice(all)) faults.add(fault);
  };

  return {
    faults,
    round: async (learned) => {
      const all = toldIn(learned);
      const done: Array<string> = [];
      if (isSo(KILLED)) {
        await check.kill("SIGKILL");
        check = await startCheck();
        done.push("the ticket check");
      }
      const old = all.find((told) => told.epoch === epoch);
      if (old !== undefined && isSo(VOIDED)) {
        await order("add-domain", GRANTING, "--new-secret");
        epoch = await writeSecret();
        await until(async () => ((await verdictOn(old)) === "refused unknownEpoch" ? true : undefined), "voided");
        done.push(`epoch ${old.epoch} voided`);
      }
      await look(all);
      return done;
    },
    end: () => check.kill("SIGKILL"),
  };
};

/** Each ticket once, in the order in which it was told first. */
export const toldIn = (learned: ReadonlyArray<string>): ReadonlyArray<Told> =>
  [...new Set(learned)].map((line) => {
    const [number, text] = line.split(" ") as [string, string];
    const read = readTicket(text);
    if (!read.ok) throw new Error(`an agent was told of ${line}`);
    const { epoch, validity } = read.ticket;
    return { number, text, epoch, fromMs: msFromNtp(validity.notBefore), endMs: msFromNtp(validity.notAfter) };
  });

export const toldTwice = (all: ReadonlyArray<Told>): ReadonlyArray<string> =>
  all.flatMap((one, i) =>
    all
      .slice(i + 1)
      .filter(
        (other) =>
          other.number === one.number &&
          other.epoch === one.epoch &&
          Math.abs(other.fromMs - one.fromMs) < Math.floor((one.endMs - one.fromMs) / GRANTS_OF_LIFETIME),
      )
      .map(() => `another ticket of epoch ${one.epoch} for a route that had a good one`),
  );
