/**
 * One call followed from its dialling over the telephone network to its ringing over the Internet, and one theft to its refusal:
 * each step in a sentence, when it happens. The page draws where in the picture it happens, by the step's name.
 *
 * DECISIONS.md D-315.
 *
 *   dialled -> recorded -> lookedUp -> proved -> routed -> rang          stolen -> doubted -> refused -> kept
 */
import { Clock, Effect } from "effect";
import { type E164, maskE164 } from "../../codecs/shared/mod.ts";
import { THIEF } from "./adversaries.ts";
import type { Chosen } from "./story-choice.ts";
import type { Chapter, StoryStep } from "./story-steps.ts";
import type { DemoListener } from "./watcher.ts";

export interface DemoStory {
  /** The listener, with the story followed in what it is told. */
  readonly listener: DemoListener;
  /** From now on these two calls are followed; undefined: the calls tell none of the two. */
  readonly follow: (chosen: Chosen) => Effect.Effect<void>;
  readonly steps: () => ReadonlyArray<StoryStep>;
}

type Told = Readonly<Record<string, unknown>>;
/** What may come next: a step's name, and what is said when this has happened; undefined: it has not. */
type Next = readonly [name: string, said: (domain: string, event: Told) => string | undefined];

const bitsOf = (value: unknown): string => Number(value).toFixed(1);

/** Of a call of `from` to a number of `to`. */
const callSteps = (from: string, to: string, number: string): ReadonlyArray<Next> => [
  ["dialled", () => undefined],
  [
    "recorded",
    (domain, { type, direction }) =>
      domain === from && type === "vcr" && direction === "sent"
        ? `Both exchanges have recorded when it began and ended; nobody else knows. ${from}'s call agent gives its record to its ViPR server, which waits a random time, so that nobody learns from the question when somebody has phoned.`
        : undefined,
  ],
  [
    "lookedUp",
    (domain, { type, claims }) =>
      domain === from && type === "lookedUp"
        ? `${from} asks the overlay who claims ${number}: ${claims === 1 ? "one company does" : `${claims} do`}. A claim alone is worth nothing.`
        : undefined,
  ],
  [
    "proved",
    (domain, { type, verdict, method, bits }) =>
      domain === from && type === "attempted" && verdict === "validated"
        ? `The claimant proves that it received that call, without either telling the other when it was: a TLS-SRP handshake whose password both make from the call's times. By method ${String(method)} the proof is worth ${bitsOf(bits)} bits.`
        : undefined,
  ],
  [
    "routed",
    (domain, { type }) =>
      domain === from && type === "learned"
        ? `That is enough. ${to} hands over its SIP address and a ticket, good for this number and for ${from} alone: ${from}'s call agent has a route.`
        : undefined,
  ],
  [
    "rang",
    (domain, { type, via }) =>
      domain === from && type === "called" && via === "sip"
        ? `The same number is dialled again. This time the call goes over the Internet, from border element to border element, with that ticket, and the telephone rings; the telephone network has no part in it.`
        : undefined,
  ],
];

const theftSteps = (from: string, to: string, number: string, thieves: ReadonlySet<string>): ReadonlyArray<Next> => [
  ["stolen", () => undefined],
  [
    "doubted",
    (domain, { type, claims }) =>
      domain === from && type === "lookedUp" && Number(claims) > 1
        ? `${from} has called that number over the telephone network, and now asks the overlay who claims it: ${String(claims)} do, the owner and the thief. Both are asked to prove the call.`
        : undefined,
  ],
  [
    "refused",
    (domain, { type, verdict, nodeId }) =>
      domain === from &&
      type === "attempted" &&
      thieves.has(String(nodeId)) &&
      (verdict === "refused" || verdict === "declined")
        ? `The thief has never received the call, does not know its times, and cannot make the password: ${String(verdict)}. It learns nothing by trying.`
        : undefined,
  ],
  [
    "kept",
    (domain, { type, via }) =>
      domain === from && type === "called"
        ? via === "sip"
          ? `${from} dials ${number} again: the call goes over the Internet to ${to}, the owner, who could prove it.`
          : `${from} dials ${number} again: there is no route yet, and the call takes the telephone network, which leads to the owner.`
        : undefined,
  ],
];

interface Following {
  readonly chapter: Chapter;
  readonly number: E164;
  readonly from: string;
  readonly to: string;
  readonly steps: ReadonlyArray<Next>;
  at: number;
}

export const makeStory = (inner: DemoListener): DemoStory => {
  const told: Array<StoryStep> = [];
  let following: ReadonlyArray<Following> = [];
  const tell = (one: Following, text: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (atMs) => {
      const { chapter, from, to, steps } = one;
      const step = { chapter, n: one.at + 1, name: steps[one.at]![0], text, atMs, from, to };
      one.at += 1;
      told.push(step);
      return inner.step(step);
    });
  const happened = (domain: string, event: Told) =>
    Effect.forEach(
      following.filter(({ number, at, steps }) => event.number === number && at < steps.length),
      (one) => {
        const text = one.steps[one.at]![1](domain, event);
        return text === undefined ? Effect.void : tell(one, text);
      },
      { discard: true },
    );
  const begin = (one: Following, text: string) => {
    following = [...following, one];
    return tell(one, text);
  };
  return {
    listener: {
      ...inner,
      event: (domain, event) => Effect.andThen(inner.event(domain, event), happened(domain, event)),
    },
    follow: Effect.fnUntraced(function* ({ call, theft, thieves }: Chosen) {
      if (call !== undefined) {
        const { number, from, to } = call;
        const masked = maskE164(number);
        yield* begin(
          { chapter: "call", number, from, to, steps: callSteps(from, to, masked), at: 0 },
          `A telephone of ${from} dials ${masked}, a number of ${to}. The two companies have never heard of each other: there is no route, and the call goes over the telephone network.`,
        );
      }
      if (theft !== undefined) {
        const { number, from, to } = theft;
        const masked = maskE164(number);
        yield* begin(
          { chapter: "theft", number, from, to, steps: theftSteps(from, to, masked, thieves), at: 0 },
          `${THIEF} publishes ${masked} in the overlay as if it were its own. It belongs to ${to}. Anybody may claim anything there.`,
        );
      }
    }),
    steps: () => told,
  };
};
