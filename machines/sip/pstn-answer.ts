/**
 * A call that reaches our call agent over the telephone network: watched, so that its record can be told.
 * docs/protocol/sip.md#call-records.
 *
 *    o --> ringing -- pstnAnswered --> talking -- pstnEnded: upload --> done
 *             +------- pstnFailed -------+-----------------------------> done
 */
import { type E164, type UnixMs, unixMs, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import { type Note, setup } from "../kit/mod.ts";

export interface PstnAnswerInput {
  /** As the network delivered it: may be missing or wrong. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  readonly vservice: VServiceId;
}

export type PstnAnswerEvent =
  | { readonly type: "pstnAnswered"; readonly atMs: UnixMs }
  | { readonly type: "pstnEnded"; readonly atMs: UnixMs }
  | { readonly type: "pstnFailed"; readonly why: string };

export type PstnAnswerAction = { readonly type: "upload"; readonly vcr: Vcr } | Note;

interface Context extends PstnAnswerInput {
  readonly startMs: UnixMs;
}
const { machine, assign, give } = setup<{
  input: PstnAnswerInput;
  context: Context;
  event: PstnAnswerEvent;
  order: PstnAnswerAction;
}>();

export const pstnAnswer = machine("pstnAnswer", {
  context: (input) => ({ ...input, startMs: unixMs(0) }),
  initial: "ringing",
  states: {
    ringing: {
      on: {
        pstnAnswered: { target: "talking", actions: assign((_, { atMs }) => ({ startMs: atMs })) },
        pstnFailed: { target: "done" },
      },
    },
    talking: {
      on: {
        pstnEnded: {
          target: "done",
          actions: give("upload", (context, { atMs }) => ({ vcr: recordOf(context, atMs) })),
        },
        pstnFailed: { target: "done" },
      },
    },
    done: { type: "final" },
  },
});

function recordOf({ calling, called, vservice, startMs }: Context, endMs: UnixMs): Vcr {
  return { direction: "received", calling, called, startMs, stopMs: unixMs(Math.max(startMs, endMs)), vservice };
}
