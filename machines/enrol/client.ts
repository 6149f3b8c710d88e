/**
 * A node that asks for its certificate. RFC 6940 §11.2 and §11.3.
 *
 *   o --> fetching -- documentRead --> requesting -- requestMade --> posting -- certified --> checking -- good --> enrolled
 *            ^ |                                        ^ |                                      |
 *            | unreachable                              | unreachable, putOff                    bad --> failed
 *        timer "retry", a few times                 timer "retry", a few times         (refused --> refused)
 *
 * One deadline for the whole of it. What no repetition will change (a refusal, a document that is not the overlay's, a
 * certificate that does not chain) ends it at once.
 */
import { setup } from "xstate";
import { type EnrolmentToken, readEnrolmentUrl } from "../../codecs/enrol/mod.ts";
import type { OverlayConfiguration } from "../../codecs/reload/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";

export interface EnrolClientInput {
  readonly overlay: string;
  readonly nodeIds: number;
  readonly attemptsMax: number;
  readonly retryBetweenMs: readonly [min: number, max: number];
  readonly deadlineMs: number;
}

export type EnrolClientTimer = "retry" | "deadline";

export type EnrolClientEvent =
  | { readonly type: "documentRead"; readonly document: OverlayConfiguration }
  | { readonly type: "documentBad"; readonly why: string }
  | { readonly type: "unreachable"; readonly why: string }
  | { readonly type: "requestMade"; readonly csr: Uint8Array }
  | { readonly type: "certified"; readonly certificate: Uint8Array }
  | { readonly type: "refused"; readonly token: EnrolmentToken | "unknown" }
  | { readonly type: "answeredBadly"; readonly why: string }
  /** The certificate chains to the roots and holds our key, and says this. */
  | { readonly type: "good"; readonly nodeIds: ReadonlyArray<bigint> }
  | { readonly type: "bad"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: EnrolClientTimer };

export type EnrolClientAction =
  | { readonly type: "fetchDocument" }
  | { readonly type: "makeRequest" }
  | { readonly type: "post"; readonly url: string; readonly csr: Uint8Array }
  | { readonly type: "check"; readonly certificate: Uint8Array; readonly roots: ReadonlyArray<Uint8Array> }
  | {
      readonly type: "startTimer";
      readonly timer: EnrolClientTimer;
      readonly betweenMs: readonly [min: number, max: number];
    }
  | { readonly type: "stopTimer"; readonly timer: EnrolClientTimer }
  | { readonly type: "report"; readonly outcome: EnrolOutcome }
  | { readonly type: "note"; readonly unexpected: string };

export type EnrolOutcome =
  | {
      readonly type: "enrolled";
      readonly certificate: Uint8Array;
      readonly nodeIds: ReadonlyArray<bigint>;
      readonly document: OverlayConfiguration;
    }
  | { readonly type: "refused"; readonly token: EnrolmentToken | "unknown" }
  | { readonly type: "failed"; readonly why: string };

interface Context extends EnrolClientInput {
  readonly attempts: number;
  readonly document: OverlayConfiguration | undefined;
  readonly csr: Uint8Array;
  readonly certificate: Uint8Array;
}

type EventOf<T extends EnrolClientEvent["type"]> = Extract<EnrolClientEvent, { readonly type: T }>;
type TimerFired = EventOf<"timerFired">;
type DocumentRead = EventOf<"documentRead">;
type Lost = { readonly why: string };

const isLastAttempt = ({ context }: { context: Context }) => context.attempts >= context.attemptsMax;
const isRetry = ({ event }: { event: TimerFired }) => event.timer === "retry";
const isDeadline = ({ event }: { event: TimerFired }) => event.timer === "deadline";

const stopDeadline = { type: "stopTimer", params: { timer: "deadline" } } as const;
const stopRetry = { type: "stopTimer", params: { timer: "retry" } } as const;
const tooLate = { type: "report", params: { outcome: { type: "failed", why: "timed out" } } } as const;
const failedAsSaid = {
  type: "report" as const,
  params: ({ event }: { event: Lost }) => ({ outcome: { type: "failed" as const, why: event.why } }),
};
const noServer = {
  type: "report",
  params: { outcome: { type: "failed", why: "not this overlay's document, or no enrolment server in it" } },
} as const;
const tooFew = {
  type: "report",
  params: { outcome: { type: "failed", why: "fewer Node-IDs than asked for" } },
} as const;
const startRetry = {
  type: "startTimer" as const,
  params: ({ context }: { context: Context }) => ({ timer: "retry" as const, betweenMs: context.retryBetweenMs }),
};
/** The retry timer runs in the pauses alone, the deadline everywhere. */
const late = { guard: isDeadline, target: "failed", actions: tooLate };

export const enrolClient = machineOf<EnrolClientAction>()(
  setup({
    types: { input: {} as EnrolClientInput, context: {} as Context, events: {} as EnrolClientEvent },
    actions: declared<EnrolClientAction>({
      fetchDocument: true,
      makeRequest: true,
      post: true,
      check: true,
      startTimer: true,
      stopTimer: true,
      report: true,
      note: true,
    }),
  }).createMachine({
    id: "enrolClient",
    context: ({ input }) => ({
      ...input,
      attempts: 0,
      document: undefined,
      csr: new Uint8Array(),
      certificate: new Uint8Array(),
    }),
    entry: {
      type: "startTimer",
      params: ({ context }) => ({ timer: "deadline" as const, betweenMs: [context.deadlineMs, context.deadlineMs] }),
    },
    initial: "fetching",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      fetching: {
        entry: [decide(countAttempt), { type: "fetchDocument", params: {} }],
        on: {
          documentRead: [
            { guard: hasServer, target: "requesting", actions: decide(keepDocument) },
            { target: "failed", actions: [stopDeadline, noServer] },
          ],
          documentBad: { target: "failed", actions: [stopDeadline, failedAsSaid] },
          unreachable: [
            { guard: isLastAttempt, target: "failed", actions: [stopDeadline, failedAsSaid] },
            { target: "pausingFetch" },
          ],
          timerFired: late,
        },
      },
      pausingFetch: {
        entry: startRetry,
        on: {
          timerFired: [
            { guard: isRetry, target: "fetching" },
            { target: "failed", actions: [stopRetry, tooLate] },
          ],
        },
      },
      requesting: {
        entry: { type: "makeRequest", params: {} },
        on: {
          requestMade: { target: "posting", actions: decide(keepRequest) },
          timerFired: late,
        },
      },
      posting: {
        entry: [decide(countAttempt), decide(post)],
        on: {
          certified: { target: "checking", actions: decide(keepCertificate) },
          refused: {
            target: "refused",
            actions: [
              stopDeadline,
              {
                type: "report",
                params: ({ event }) => ({ outcome: { type: "refused" as const, token: event.token } }),
              },
            ],
          },
          answeredBadly: { target: "failed", actions: [stopDeadline, failedAsSaid] },
          unreachable: [
            { guard: isLastAttempt, target: "failed", actions: [stopDeadline, failedAsSaid] },
            { target: "pausingPost" },
          ],
          timerFired: late,
        },
      },
      pausingPost: {
        entry: startRetry,
        on: {
          timerFired: [
            { guard: isRetry, target: "posting" },
            { target: "failed", actions: [stopRetry, tooLate] },
          ],
        },
      },
      checking: {
        entry: {
          type: "check",
          params: ({ context }) => ({
            certificate: context.certificate,
            roots: context.document?.rootCertificates ?? [],
          }),
        },
        on: {
          good: [
            { guard: hasEnough, target: "enrolled", actions: [stopDeadline, decide(reportEnrolled)] },
            { target: "failed", actions: [stopDeadline, tooFew] },
          ],
          bad: { target: "failed", actions: [stopDeadline, failedAsSaid] },
          timerFired: late,
        },
      },
      enrolled: { type: "final" },
      refused: { type: "final" },
      failed: { type: "final" },
    },
  }),
);

function hasServer({ context, event }: { context: Context; event: DocumentRead }): boolean {
  return (
    event.document.name.toLowerCase() === context.overlay.toLowerCase() &&
    event.document.enrollmentServers.some((url) => readEnrolmentUrl(url) !== undefined)
  );
}

function hasEnough({ context, event }: { context: Context; event: EventOf<"good"> }): boolean {
  return event.nodeIds.length >= context.nodeIds;
}

function countAttempt({ attempts }: Context) {
  return { context: { attempts: attempts + 1 } };
}

/** The attempts at the server are counted apart from those at the document. */
function keepDocument(_: Context, { document }: DocumentRead) {
  return { context: { document, attempts: 0 } };
}

function keepRequest(_: Context, { csr }: EventOf<"requestMade">) {
  return { context: { csr } };
}

/** The document's servers in turn. */
function post({ document, csr, attempts }: Context) {
  const urls = document!.enrollmentServers.filter((url) => readEnrolmentUrl(url) !== undefined);
  return { actions: [{ type: "post" as const, url: urls[(attempts - 1) % urls.length]!, csr }] };
}

function keepCertificate(_: Context, { certificate }: EventOf<"certified">) {
  return { context: { certificate } };
}

function reportEnrolled({ certificate, document }: Context, { nodeIds }: EventOf<"good">) {
  const outcome = { type: "enrolled" as const, certificate, nodeIds, document: document! };
  return { actions: [{ type: "report" as const, outcome }] };
}
