/**
 * The machine that stores values for others, reload/storage.ts, in its node. RFC 6940 §7.
 *
 *   requests, the ring, copies done, timers --> step --> answer, refuse --> messages     copy, inquire --> requests of ours
 *                                                    --> save --> disk.ts: on disk before it is acknowledged
 *
 * DECISIONS.md D-268.
 */
import { type BodyOf, errorBody, everything, type Request, toNode, toResource } from "../../codecs/reload/mod.ts";
import type { Of } from "../kit/mod.ts";
import {
  type Asked,
  confirmedVersions,
  copyOutcomeOf,
  type ReloadOutcome,
  reloadStorage,
  type Signers,
  type ValueStorageAction,
  type ValueStorageEvent,
  type ValueStorageSettings,
} from "../reload/mod.ts";
import { answer } from "./arriving.ts";
import { type Core, note, startOf, stepped } from "./core.ts";
import {
  type AfterSave,
  after,
  isDiskFull,
  makeDisk,
  nextBatch,
  type StorageState,
  save,
  undone,
  written,
} from "./disk.ts";
import { beginRequest } from "./requests.ts";
import type { Asker } from "./work.ts";

export const TIMER = "storage";
type Step = ReturnType<typeof reloadStorage.start>;

const STORAGE_REQUESTS: ReadonlySet<string> = new Set(["storeReq", "fetchReq", "statReq", "findReq", "probeReq"]);
export const isStorageRequest = ({ type }: Request): boolean => STORAGE_REQUESTS.has(type);

export const startStorage = (core: Core, settings: ValueStorageSettings, isDurable: boolean): void => {
  const step = stepped(core, reloadStorage.id, "", startOf(settings), reloadStorage.start(settings));
  core.storage = { snapshot: step.snapshot, disk: isDurable ? makeDisk() : undefined, refusals: {} };
  perform(core, core.storage, step);
};

export const tellStorage = (core: Core, event: ValueStorageEvent): void => {
  const { storage } = core;
  if (storage === undefined) return;
  perform(core, storage, stepped(core, reloadStorage.id, "", event, reloadStorage.step(storage.snapshot, event)));
};

export const storageServes = (
  core: Core,
  asked: Asked,
  request: Request,
  signers: Signers,
  users: ReadonlyArray<string>,
): void => {
  const { storage } = core;
  if (storage === undefined) return;
  if (request.type !== "storeReq") {
    tellStorage(core, { type: request.type, asked, body: request.value } as ValueStorageEvent);
    return;
  }
  if (storage.disk !== undefined && isDiskFull(storage.disk)) {
    count(storage, "disk");
    answer(core, asked.reply, errorBody("dataTooLarge", "disk"), []);
    return;
  }
  tellStorage(core, { type: "storeReq", asked, body: request.value, signers, users });
};

export const storageTimer = (core: Core, timer: string): void =>
  tellStorage(core, { type: "timerFired", timer, atMs: core.nowMs } as ValueStorageEvent);

/** Writes what the event that is being handled has changed. */
export const writeChanges = (core: Core): void => {
  const batch = core.storage?.disk === undefined ? undefined : nextBatch(core.storage.disk);
  if (batch === undefined) return;
  if (batch.isDoomed) core.work.push({ type: "stored", isStored: false });
  else core.orders.push({ type: "store", changes: batch.changes });
};

/** The disk has taken the changes, or has failed to. */
export const stored = (core: Core, isStored: boolean): void => {
  const { storage } = core;
  if (storage?.disk === undefined) return;
  const { afters, was } = written(storage.disk, isStored);
  if (was !== undefined) tellStorage(core, { type: "unsaved", was });
  for (const act of afters) afterSave(core, storage, act, isStored);
};

const count = ({ refusals }: StorageState, why: string): void => {
  refusals[why] = (refusals[why] ?? 0) + 1;
};

const perform = (core: Core, storage: StorageState, { snapshot, actions }: Step): void => {
  storage.snapshot = snapshot;
  for (const action of actions) performOne(core, storage, action);
};

const performOne = (core: Core, storage: StorageState, action: ValueStorageAction): void => {
  switch (action.type) {
    case "answer":
      // A Store is acknowledged when its values are on disk, and refused when they cannot be saved.
      if (action.body.type === "storeAns") onDisk(core, storage, action);
      else answer(core, action.reply, action.body, action.certificates);
      return;
    case "refuse":
      answer(core, action.reply, errorBody(action.error, action.info), []);
      return;
    case "copy":
      onDisk(core, storage, action);
      return;
    case "inquire":
      inquire(core, action);
      return;
    case "save":
      if (storage.disk !== undefined) save(storage.disk, core.settings.self, action);
      return;
    case "undone":
      if (storage.disk !== undefined) undone(storage.disk);
      return;
    case "handedOver":
      core.work.push({ type: "peer", event: { type: "handedOver", to: action.to, atMs: core.nowMs } });
      return;
    case "count":
      count(storage, action.refused);
      return;
    case "startTimer":
      core.orders.push({ type: "startTimer", timer: `${TIMER} ${action.timer}`, ms: action.ms });
      return;
    case "stopTimer":
      core.orders.push({ type: "stopTimer", timer: `${TIMER} ${action.timer}` });
      return;
    case "note":
      note(core, "debug", "reload.storage.unexpected", { unexpected: action.unexpected });
  }
};

const onDisk = (core: Core, storage: StorageState, act: AfterSave): void => {
  const isStored = storage.disk === undefined ? true : after(storage.disk, act);
  if (isStored !== undefined) afterSave(core, storage, act, isStored);
};

const afterSave = (core: Core, storage: StorageState, act: AfterSave, isStored: boolean): void => {
  if (act.type === "copy") {
    const { to, body, versions, certificates } = act;
    const asker = { type: "copy", to, versions } as const;
    // What it copies could not be saved here: the copy is not sent.
    if (!isStored) core.work.push({ type: "ended", asker, outcome: { type: "lost", why: "disk" }, signers: [] });
    else {
      const target = to === undefined ? toResource(body.resource) : toNode(to);
      beginRequest(core, asker, { destinations: [target], body: { type: "storeReq", value: body }, certificates });
    }
    return;
  }
  if (isStored) answer(core, act.reply, act.body, act.certificates);
  else {
    count(storage, "disk");
    answer(core, act.reply, errorBody("dataTooLarge", "disk"), []);
  }
};

/** Asks which of these versions a node has; or, where it may have newer ones, fetches them. */
const inquire = (core: Core, { to, resource, versions, isNewer }: Of<ValueStorageAction, "inquire">): void => {
  const kinds = [...new Set(versions.map(({ kind }) => kind))];
  const specifiers: BodyOf<"fetchReq">["specifiers"] = kinds.map((kind) => ({
    kind,
    generation: 0n,
    specifier: everything(kind),
  }));
  const destinations = [to === undefined ? toResource(resource) : toNode(to)];
  const value = { resource, specifiers };
  if (isNewer)
    beginRequest(core, { type: "recall", to, resource, versions }, { destinations, body: { type: "fetchReq", value } });
  else beginRequest(core, { type: "inquiry", to, versions }, { destinations, body: { type: "statReq", value } });
};

/** A request of the storage's has ended. */
export const storageAnswered = (
  core: Core,
  asker: Asker & { readonly type: "copy" | "inquiry" | "recall" },
  outcome: ReloadOutcome,
  signers: Signers,
): void => {
  const { nowMs: atMs } = core;
  const { to, versions } = asker;
  if (asker.type === "copy") {
    tellStorage(core, { type: "copied", to, versions, outcome: copyOutcomeOf(outcome), atMs });
    return;
  }
  if (asker.type === "inquiry") {
    const confirmed = confirmedVersions(outcome, versions);
    const found = confirmed.length > 0 ? "stored" : "unanswered";
    tellStorage(core, { type: "copied", to, versions: confirmed, outcome: found, atMs });
    return;
  }
  const fetched = outcome.type === "answer" && outcome.body.type === "fetchAns" ? outcome.body.value : undefined;
  const kinds = fetched?.kinds ?? [];
  tellStorage(core, { type: "recalled", to, resource: asker.resource, versions, kinds, signers, atMs });
};
