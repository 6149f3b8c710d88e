/** The machine reloadKeeper in a simulated node: each order performed as actors/reload/keeper.ts performs it. */
import { errorBody, everything, type Request, toResource } from "../../codecs/reload/mod.ts";
import {
  copyOutcomeOf,
  heldBy,
  type KeeperAction,
  type KeeperContext,
  type KeeperEvent,
  type KeeperSettings,
  reloadKeeper,
} from "../../machines/reload/mod.ts";
import { type Board, exactly, type Shared } from "./requests.ts";
import type { Timers } from "./timers.ts";

type Copy = Extract<KeeperAction, { readonly type: "copy" }>;
type Inquiry = Extract<KeeperAction, { readonly type: "inquire" }>;

export interface KeeperHooks {
  readonly isAlive: () => boolean;
  readonly handedOver: (to: bigint) => void;
}

export interface HostedKeeper {
  readonly context: () => KeeperContext;
  readonly tell: (event: KeeperEvent) => void;
  readonly start: (settings: KeeperSettings) => void;
}

export const hostKeeper = (shared: Shared, board: Board, timers: Timers, hooks: KeeperHooks): HostedKeeper => {
  const { agenda, steps } = shared;
  let keeper = reloadKeeper.resume("keeping", {} as KeeperContext);

  const tell = (event: KeeperEvent) => {
    if (!hooks.isAlive()) return;
    steps.keeper++;
    const made = reloadKeeper.step(keeper, event);
    keeper = made.snapshot;
    made.actions.forEach(perform);
  };

  const copied = (to: bigint | undefined, marks: Copy["marks"], outcome: ReturnType<typeof copyOutcomeOf>) =>
    tell({ type: "copied", to, marks, outcome, atMs: agenda.nowMs });
  const copy = ({ to, body, marks, certificates }: Copy) =>
    board.ask(
      to === undefined ? [toResource(body.resource)] : exactly(to),
      { type: "storeReq", value: body },
      { certificates: certificates.length },
      ({ outcome }) => copied(to, marks, copyOutcomeOf(outcome)),
    );
  const inquire = ({ to, resource, marks }: Inquiry) => {
    const kinds = [...new Set(marks.map(({ kind }) => kind))];
    const specifiers = kinds.map((kind) => ({ kind, generation: 0n, specifier: everything(kind) }));
    const body: Request = { type: "statReq", value: { resource, specifiers } };
    board.ask(to === undefined ? [toResource(resource)] : exactly(to), body, {}, ({ outcome }) => {
      const held = heldBy(outcome, marks);
      copied(to, held, held.length > 0 ? "stored" : "unanswered");
    });
  };
  const perform = (action: KeeperAction): void => {
    switch (action.type) {
      case "answer":
        board.answer(action.reply, action.body, action.certificates.length);
        break;
      case "refuse":
        board.answer(action.reply, errorBody(action.error, action.info));
        break;
      case "copy":
        copy(action);
        break;
      case "inquire":
        inquire(action);
        break;
      case "handedOver": {
        const { to } = action;
        agenda.after(0, () => hooks.handedOver(to));
        break;
      }
      case "startTimer": {
        const { timer, ms } = action;
        timers.start(`keeper ${timer}`, ms, () => tell({ type: "timerFired", timer, atMs: agenda.nowMs }));
        break;
      }
      case "stopTimer":
        timers.stop(`keeper ${action.timer}`);
    }
  };

  return {
    context: () => keeper.context,
    tell,
    start: (settings) => {
      const begun = reloadKeeper.start(settings);
      keeper = begun.snapshot;
      begun.actions.forEach(perform);
    },
  };
};
