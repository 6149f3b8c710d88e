/** What a ViPR server reports of its call agents, for its operator: counters, the log. `reason` is for code, `why` for people. */
import { errorCode, errorNumberOf, type VapContent, type VapError, valueIn } from "../../codecs/vap/mod.ts";
import type { VapCloseReason } from "../../machines/vap/mod.ts";

/** Where a call agent is, and who it says it is: proved by MESSAGE-INTEGRITY, but for 431 and 436. */
interface FromAgent {
  readonly username: string;
  readonly host: string;
}

/** What a server of VAP reports of its clients, for its log. */
export type VapEvent =
  /** `name`: the agent's product, version and host, as it says. */
  | (FromAgent & { readonly type: "registered"; readonly name: string })
  /** A request was answered with an error: `code` is its number, `method` what was asked. */
  | (FromAgent & {
      readonly type: "refused";
      readonly reason: VapError;
      readonly code: number;
      readonly method: string;
      readonly why: string;
    })
  /** We closed a connection. `username` is empty where there was no session. */
  | (FromAgent & { readonly type: "closed"; readonly reason: VapClosed; readonly why: string })
  /** The overlay is lost, and this many sessions were told so by PublishRevoke; and it is there again. */
  | { readonly type: "revoked"; readonly sessions: number; readonly why: string };

/** `garbage`: bytes that are not VAP. `notReading`: our answers are not read. `crowded`: another connection needed the place. */
export type VapClosed = VapCloseReason | "garbage" | "notReading" | "crowded";

/** What an error response says; undefined for other messages. */
export const refusalOf = (content: VapContent) => {
  const code = errorNumberOf({ ...content, type: content, transactionId: NO_ID });
  const reason = (Object.keys(errorCode) as Array<VapError>).find((name) => errorCode[name] === code);
  if (code === undefined || reason === undefined) return undefined;
  const why = valueIn(content, "errorCode")?.reason ?? "";
  return { type: "refused", reason, code, method: String(content.method), why } as const;
};
const NO_ID = new Uint8Array();

/** What an operator has to mend: somebody is configured wrongly, or means no good. */
export const isForOperator = (event: VapEvent): boolean =>
  event.type === "refused" || event.type === "revoked" || (event.type === "closed" && !ORDINARY.includes(event.reason));

/** Ends of a session as every restart of an agent or of a network brings them. */
const ORDINARY: ReadonlyArray<VapClosed> = ["resumedElsewhere", "keepalivePassed", "unregistered", "displaced"];
