/**
 * What a server's operator may look at and switch off: numbers that call agents publish, and calls that wait for validation.
 *
 *   a number that is off    out of the overlay, not stored there when it is published, no ticket is granted for it
 *   calls that are off      each is dropped when it is due
 *
 * Who is off is asked each time, and kept by the caller (runtime/cli/server-control.ts). DECISIONS.md D-244.
 */
import { Effect } from "effect";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import type { VapPublisher } from "../vap/mod.ts";
import type { Originating } from "./originating.ts";
import type { Publishing } from "./publishing.ts";
import type { Services } from "./services.ts";

/** What the operator has switched off: numbers of ours, which are not published, and numbers to which calls are not validated. */
export interface ViprOff {
  readonly number: (number: E164) => boolean;
  readonly call: (number: E164) => boolean;
}
export const nothingOff: ViprOff = { number: () => false, call: () => false };

/** A number that a call agent has published here. */
export interface PublishedNumber {
  readonly number: E164;
  readonly vservice: VServiceId;
  readonly domain: string;
  readonly tenant: string;
  /** Until when the overlay stores it, in milliseconds since 1970; undefined: it does not. */
  readonly endMs: number | undefined;
}
/** Calls to one number that wait for their validation. */
export interface WaitingNumber {
  readonly number: E164;
  readonly tenant: string;
  /** Calls, and when the first of them is due, in milliseconds since 1970. */
  readonly waiting: number;
  readonly dueMs: number;
}

/** What an operator may look at and order of a running server, by number: `vipr numbers` and `vipr calls`. */
export interface ViprOperator {
  /** So many at most, and how many there are. */
  readonly numbers: (
    countMax: number,
  ) => Effect.Effect<{ readonly some: ReadonlyArray<PublishedNumber>; readonly count: number }>;
  readonly number: (number: E164) => Effect.Effect<PublishedNumber | undefined>;
  /** Out of the overlay; the VServices have it still. Fails with why the overlay has it still. */
  readonly withdraw: (number: E164) => Effect.Effect<boolean, string>;
  /** Into the overlay again, for each VService that has it. */
  readonly publish: (number: E164) => Effect.Effect<boolean, string>;
  /** Until a call agent publishes it again. */
  readonly forgetNumber: (number: E164) => Effect.Effect<boolean, string>;
  /** By number, the first that is due in front. */
  readonly calls: Effect.Effect<ReadonlyArray<WaitingNumber>>;
  /** Those that wait and are not being validated yet; how many there were. */
  readonly forgetCalls: (number: E164) => Effect.Effect<number>;
}

export interface OperatedBy {
  readonly services: Pick<Services, "published" | "vservicesOf" | "dropNumber" | "document">;
  readonly publishing: Pick<Publishing, "endMs" | "withdraw">;
  readonly publisher: Pick<VapPublisher, "publish">;
  readonly originating: Pick<Originating, "waiting" | "forget">;
  readonly tenantOf: (vservice: VServiceId) => string;
}

export const viprOperator = ({ services, publishing, publisher, originating, tenantOf }: OperatedBy): ViprOperator => {
  const shown = (vservice: VServiceId, number: E164): Effect.Effect<PublishedNumber> =>
    Effect.map(publishing.endMs(vservice, number), (endMs) => ({
      number,
      vservice,
      domain: services.document(vservice)?.domain ?? "",
      tenant: tenantOf(vservice),
      endMs,
    }));
  const ofEach = (number: E164, work: (vservice: VServiceId) => Effect.Effect<void, { readonly why: string }>) =>
    Effect.suspend(() => {
      const vservices = services.vservicesOf(number);
      const all = Effect.forEach(vservices, work, { discard: true });
      return Effect.mapError(Effect.as(all, vservices.length > 0), ({ why }) => why);
    });
  const withdraw: ViprOperator["withdraw"] = (number) =>
    ofEach(number, (vservice) => publishing.withdraw(vservice, number));

  return {
    numbers: Effect.fnUntraced(function* (countMax) {
      const { some, count } = services.published(countMax);
      return { some: yield* Effect.forEach(some, ({ vservice, number }) => shown(vservice, number)), count };
    }),
    number: Effect.fnUntraced(function* (number) {
      const [vservice] = services.vservicesOf(number);
      return vservice === undefined ? undefined : yield* shown(vservice, number);
    }),
    withdraw,
    publish: (number) => ofEach(number, (vservice) => publisher.publish(vservice, number)),
    forgetNumber: (number) =>
      Effect.tap(withdraw(number), () =>
        Effect.sync(() => {
          for (const vservice of services.vservicesOf(number)) services.dropNumber(vservice, number);
        }),
      ),
    calls: Effect.map(originating.waiting, (all) =>
      [...all].map(([number, { vservice, ...waits }]) => ({ number, tenant: tenantOf(vservice), ...waits })),
    ),
    forgetCalls: originating.forget,
  };
};
