/** The machine reloadStorage in a simulated node: each order performed as actors/reload/storage.ts performs it. */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { errorBody, everything, type Request, toResource } from "../../codecs/reload/mod.ts";
import {
  confirmedVersions,
  copyOutcomeOf,
  reloadStorage,
  type ValueStorageAction,
  type ValueStorageContext,
  type ValueStorageEvent,
  type ValueStorageSettings,
} from "../../machines/reload/mod.ts";
import { type Dispatcher, exactly, type Shared } from "./dispatcher.ts";
import type { Timers } from "./timers.ts";

type Copy = Extract<ValueStorageAction, { readonly type: "copy" }>;
type Inquiry = Extract<ValueStorageAction, { readonly type: "inquire" }>;

export interface StorageHooks {
  readonly isAlive: () => boolean;
  readonly handedOver: (to: NodeId) => void;
}

export interface HostedStorage {
  readonly context: () => ValueStorageContext;
  readonly tell: (event: ValueStorageEvent) => void;
  readonly start: (settings: ValueStorageSettings) => void;
}

export const hostStorage = (
  shared: Shared,
  dispatcher: Dispatcher,
  timers: Timers,
  hooks: StorageHooks,
): HostedStorage => {
  const { agenda, steps } = shared;
  let storage = reloadStorage.resume("keeping", {} as ValueStorageContext);

  const tell = (event: ValueStorageEvent) => {
    if (!hooks.isAlive()) return;
    steps.storage++;
    const made = reloadStorage.step(storage, event);
    storage = made.snapshot;
    made.actions.forEach(perform);
  };

  const copied = (to: NodeId | undefined, versions: Copy["versions"], outcome: ReturnType<typeof copyOutcomeOf>) =>
    tell({ type: "copied", to, versions, outcome, atMs: agenda.nowMs });
  const copy = ({ to, body, versions, certificates }: Copy) =>
    dispatcher.ask(
      to === undefined ? [toResource(body.resource)] : exactly(to),
      { type: "storeReq", value: body },
      { certificates: certificates.length },
      ({ outcome }) => copied(to, versions, copyOutcomeOf(outcome)),
    );
  const inquire = ({ to, resource, versions }: Inquiry) => {
    const kinds = [...new Set(versions.map(({ kind }) => kind))];
    const specifiers = kinds.map((kind) => ({ kind, generation: 0n, specifier: everything(kind) }));
    const body: Request = { type: "statReq", value: { resource, specifiers } };
    dispatcher.ask(to === undefined ? [toResource(resource)] : exactly(to), body, {}, ({ outcome }) => {
      const held = confirmedVersions(outcome, versions);
      copied(to, held, held.length > 0 ? "stored" : "unanswered");
    });
  };
  const perform = (action: ValueStorageAction): void => {
    switch (action.type) {
      case "answer":
        dispatcher.answer(action.reply, action.body, action.certificates.length);
        break;
      case "refuse":
        dispatcher.answer(action.reply, errorBody(action.error, action.info));
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
        timers.start(`storage ${timer}`, ms, () => tell({ type: "timerFired", timer, atMs: agenda.nowMs }));
        break;
      }
      case "stopTimer":
        timers.stop(`storage ${action.timer}`);
    }
  };

  return {
    context: () => storage.context,
    tell,
    start: (settings) => {
      const begun = reloadStorage.start(settings);
      storage = begun.snapshot;
      begun.actions.forEach(perform);
    },
  };
};
