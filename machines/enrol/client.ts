/**
 * A node enrols: it asks the overlay's enrolment server for its certificate. RFC 6940 §11.2 and §11.3.
 *
 *   o --> fetching -- documentRead --> requesting -- requestMade --> posting -- certified --> checking -- good --> enrolled
 *            ^ |                                        ^ |                                      |
 *            | unreachable                              | unreachable, putOff                    bad --> failed
 *        timer "retry", a few times                 timer "retry", a few times         (refused --> refused)
 *
 * One deadline covers all of it. A fault that a new attempt cannot change (a refusal, another overlay's document, a
 * certificate that does not chain to the roots) ends it at once.
 * Requirements: docs/protocol/enrolment.md.
 */

import { type EnrolmentToken, readEnrolmentUrl } from "../../codecs/enrol/mod.ts";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";

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
  /** The certificate chains to the roots, is for our key, and has these Node-IDs. */
  | { readonly type: "good"; readonly nodeIds: ReadonlyArray<NodeId> }
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
  | Note;

export type EnrolOutcome =
  | {
      readonly type: "enrolled";
      readonly certificate: Uint8Array;
      readonly nodeIds: ReadonlyArray<NodeId>;
      readonly document: OverlayConfiguration;
    }
  | { readonly type: "refused"; readonly token: EnrolmentToken | "unknown" }
  | { readonly type: "failed"; readonly reason: EnrolFailure; readonly why: string };
/**
 * `unreachable`: no server answered. `document`, `answer`, `certificate`: it is not as it must be. `deadline`: it took too
 * long. `tooFewNodeIds`: the certificate has fewer than were asked for.
 */
export type EnrolFailure = "unreachable" | "document" | "answer" | "certificate" | "deadline" | "tooFewNodeIds";

interface Context extends EnrolClientInput {
  readonly attempts: number;
  readonly document: OverlayConfiguration | undefined;
  /** The enrolment servers that the document names. */
  readonly servers: ReadonlyArray<string>;
  readonly csr: Uint8Array;
  readonly certificate: Uint8Array;
}

const { machine, assign, give } = setup<{
  input: EnrolClientInput;
  context: Context;
  event: EnrolClientEvent;
  order: EnrolClientAction;
}>();

const serversOf = ({ enrollmentServers }: OverlayConfiguration): ReadonlyArray<string> =>
  enrollmentServers.filter((url) => readEnrolmentUrl(url) !== undefined);
const isLastAttempt = ({ attempts, attemptsMax }: Context): boolean => attempts >= attemptsMax;
const isOverlaysWithServer = ({ overlay }: Context, { document }: Of<EnrolClientEvent, "documentRead">): boolean =>
  document.name.toLowerCase() === overlay.toLowerCase() && serversOf(document).length > 0;
const hasEnoughNodeIds = (context: Context, { nodeIds }: Of<EnrolClientEvent, "good">): boolean =>
  nodeIds.length >= context.nodeIds;

const failedWith = (reason: EnrolFailure, why: string) =>
  ({ type: "report", outcome: { type: "failed", reason, why } }) as const;
type Fault = Of<EnrolClientEvent, "documentBad" | "unreachable" | "answeredBadly" | "bad">;
const reasons = {
  documentBad: "document",
  unreachable: "unreachable",
  answeredBadly: "answer",
  bad: "certificate",
} as const;
const reportWhy = give("report", (_, { type, why }: Fault) => ({
  outcome: { type: "failed", reason: reasons[type], why },
}));
const stopDeadline = { type: "stopTimer", timer: "deadline" } as const;
const fail = { target: "failed", actions: [stopDeadline, reportWhy] } as const;
/** The deadline runs in every state, the timer "retry" in the pauses only. */
const tooLate = { target: "failed", actions: failedWith("deadline", "timed out") } as const;
const tooLateInPause = {
  target: "failed",
  actions: [{ type: "stopTimer", timer: "retry" }, failedWith("deadline", "timed out")],
} as const;
const startRetry = give("startTimer", ({ retryBetweenMs }) => ({ timer: "retry", betweenMs: retryBetweenMs }));
const countAttempt = assign(({ attempts }) => ({ attempts: attempts + 1 }));

export const enrolClient = machine("enrolClient", {
  context: (input) => ({
    ...input,
    attempts: 0,
    document: undefined,
    servers: [],
    csr: new Uint8Array(),
    certificate: new Uint8Array(),
  }),
  entry: give("startTimer", ({ deadlineMs }) => ({ timer: "deadline", betweenMs: [deadlineMs, deadlineMs] })),
  initial: "fetching",
  states: {
    fetching: {
      entry: [countAttempt, { type: "fetchDocument" }],
      on: {
        documentRead: [
          {
            guard: isOverlaysWithServer,
            target: "requesting",
            // The attempts at the enrolment server are counted apart from those at the document.
            actions: assign((_, { document }) => ({ document, servers: serversOf(document), attempts: 0 })),
          },
          {
            target: "failed",
            actions: [
              stopDeadline,
              failedWith("document", "not this overlay's document, or no enrolment server in it"),
            ],
          },
        ],
        documentBad: fail,
        unreachable: [{ guard: isLastAttempt, ...fail }, { target: "pausingFetch" }],
      },
      timers: { deadline: tooLate },
    },
    pausingFetch: {
      entry: startRetry,
      timers: { retry: { target: "fetching" }, deadline: tooLateInPause },
    },
    requesting: {
      entry: { type: "makeRequest" },
      on: { requestMade: { target: "posting", actions: assign((_, { csr }) => ({ csr })) } },
      timers: { deadline: tooLate },
    },
    posting: {
      entry: [
        countAttempt,
        // The document's servers in turn.
        give("post", ({ servers, attempts, csr }) => ({ url: servers[(attempts - 1) % servers.length]!, csr })),
      ],
      on: {
        certified: { target: "checking", actions: assign((_, { certificate }) => ({ certificate })) },
        refused: {
          target: "refused",
          actions: [stopDeadline, give("report", (_, { token }) => ({ outcome: { type: "refused", token } }))],
        },
        answeredBadly: fail,
        unreachable: [{ guard: isLastAttempt, ...fail }, { target: "pausingPost" }],
      },
      timers: { deadline: tooLate },
    },
    pausingPost: {
      entry: startRetry,
      timers: { retry: { target: "posting" }, deadline: tooLateInPause },
    },
    checking: {
      entry: give("check", ({ certificate, document }) => ({ certificate, roots: document?.rootCertificates ?? [] })),
      on: {
        good: [
          {
            guard: hasEnoughNodeIds,
            target: "enrolled",
            actions: [
              stopDeadline,
              give("report", ({ certificate, document }, { nodeIds }) => ({
                outcome: { type: "enrolled", certificate, nodeIds, document: document! },
              })),
            ],
          },
          { target: "failed", actions: [stopDeadline, failedWith("tooFewNodeIds", "fewer Node-IDs than asked for")] },
        ],
        bad: fail,
      },
      timers: { deadline: tooLate },
    },
    enrolled: { type: "final" },
    refused: { type: "final" },
    failed: { type: "final" },
  },
});
