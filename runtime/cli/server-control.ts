/**
 * The numbers and calls of a ViPR server, as its operator has them (`vipr numbers`, `vipr calls`): what is switched off stands in
 * `numbers-off` and `calls-off` of its directory.
 */
import { Effect } from "effect";
import { isoOf, type Listed, type ListedOrders, type ShownCalls, type ShownNumber } from "../../actors/admin/mod.ts";
import type { PublishedNumber, ViprOff, ViprOperator, WaitingNumber } from "../../actors/vipr/mod.ts";
import { bytesOfBig, type E164, hexOf, maskE164 } from "../../codecs/shared/mod.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { openSwitchedOff, type SwitchedOff } from "./switched-off.ts";

export interface ServerControl {
  /** For the server to ask. */
  readonly off: ViprOff;
  /** Once it runs. */
  readonly listed: (operator: ViprOperator) => Partial<Readonly<Record<Listed, ListedOrders>>>;
}

export const openServerControl = Effect.fn("server.control")(function* (
  folder: Folder,
): Effect.fn.Return<ServerControl, Stopped> {
  const numbers = yield* openSwitchedOff(folder, "number");
  const calls = yield* openSwitchedOff(folder, "call");
  return {
    off: { number: numbers.has, call: calls.has },
    listed: (operator) => ({ numbers: numberOrders(operator, numbers), calls: callOrders(operator, calls) }),
  };
});

const numberOrders = (operator: ViprOperator, off: SwitchedOff): ListedOrders<ShownNumber> => {
  const shown = ({ number, vservice, endMs, ...others }: PublishedNumber): ShownNumber => ({
    number,
    vservice: hexOf(bytesOfBig(vservice, 8)),
    expires: endMs === undefined ? null : isoOf(endMs),
    disabled: off.has(number),
    ...others,
  });
  /** Switched off or on it is in any case; an overlay that is away has it for as long as it lasts there. */
  const alsoThere = (number: E164, what: "notWithdrawn" | "notPublished", work: Effect.Effect<boolean, string>) =>
    Effect.catch(work, (why) => Effect.as(Effect.logWarning(`vipr.${what}`, maskE164(number), why), true));
  return {
    list: (countMax) =>
      Effect.map(operator.numbers(countMax), ({ some, count }) => ({
        shown: some.map(shown),
        more: count - some.length,
      })),
    show: (number) => Effect.map(operator.number(number), (found) => found && shown(found)),
    disable: (number) =>
      Effect.tap(off.disable(number), (isNew) =>
        isNew ? alsoThere(number, "notWithdrawn", operator.withdraw(number)) : Effect.void,
      ),
    enable: (number) =>
      Effect.tap(off.enable(number), (isNew) =>
        isNew ? alsoThere(number, "notPublished", operator.publish(number)) : Effect.void,
      ),
    forget: operator.forgetNumber,
  };
};

const callOrders = (operator: ViprOperator, off: SwitchedOff): ListedOrders<ShownCalls> => {
  const shown = ({ number, tenant, waiting, dueMs }: WaitingNumber): ShownCalls => ({
    number,
    tenant,
    waiting,
    due: isoOf(dueMs),
    disabled: off.has(number),
  });
  return {
    list: (countMax) =>
      Effect.map(operator.calls, (all) => ({
        shown: all.slice(0, countMax).map(shown),
        more: Math.max(0, all.length - countMax),
      })),
    show: (number) =>
      Effect.map(operator.calls, (all) => {
        const found = all.find((one) => one.number === number);
        if (found !== undefined) return shown(found);
        return off.has(number) ? { number, tenant: "", waiting: 0, due: null, disabled: true } : undefined;
      }),
    disable: off.disable,
    enable: off.enable,
    forget: (number) => Effect.map(operator.forgetCalls(number), (count) => count > 0),
  };
};
