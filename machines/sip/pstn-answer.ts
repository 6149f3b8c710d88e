/**
 * A call that reaches our call agent over the telephone network: watched, so that its record can be told.
 * docs/protocol/sip.md#call-records.
 *
 *    o --> ringing -- pstnAnswered --> talking -- pstnEnded: upload --> done
 *             +------- pstnFailed -------+-----------------------------> done
 */
import { setup } from "xstate";
import { type E164, ntpFromMs, type Vcr } from "../../codecs/shared/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";

export interface PstnAnswerInput {
  /** As the network delivered it: may be missing or wrong. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  readonly vservice: bigint;
}

export type PstnAnswerEvent =
  | { readonly type: "pstnAnswered"; readonly atMs: number }
  | { readonly type: "pstnEnded"; readonly atMs: number }
  | { readonly type: "pstnFailed"; readonly why: string };

export type PstnAnswerAction =
  | { readonly type: "upload"; readonly vcr: Vcr }
  | { readonly type: "note"; readonly unexpected: string };

interface Context extends PstnAnswerInput {
  readonly startMs: number;
}
type At = { readonly atMs: number };

export const pstnAnswer = machineOf<PstnAnswerAction>()(
  setup({
    types: { input: {} as PstnAnswerInput, context: {} as Context, events: {} as PstnAnswerEvent },
    actions: declared<PstnAnswerAction>({ upload: true, note: true }),
  }).createMachine({
    id: "pstnAnswer",
    context: ({ input }) => ({ ...input, startMs: 0 }),
    initial: "ringing",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      ringing: {
        on: {
          pstnAnswered: {
            target: "talking",
            actions: decide((_: Context, { atMs }: At) => ({ context: { startMs: atMs } })),
          },
          pstnFailed: "done",
        },
      },
      talking: { on: { pstnEnded: { target: "done", actions: decide(upload) }, pstnFailed: "done" } },
      done: { type: "final" },
    },
  }),
);

function upload({ calling, called, vservice, startMs }: Context, { atMs }: At) {
  const [start, stop] = [ntpFromMs(startMs), ntpFromMs(Math.max(startMs, atMs))];
  const vcr: Vcr = { direction: "received", calling, called, start, stop, vservice };
  return { actions: [{ type: "upload" as const, vcr }] };
}
