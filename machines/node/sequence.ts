/**
 * Requests that survive a change of the configuration: one that was refused for its sequence is repeated when the newer
 * document has had time to arrive, one for an unknown Kind when that node has been sent the Kind. RFC 6940 §6.3.2.1,
 * §7.4.1.2.
 */
import { errorCode, toNode, UnknownKinds } from "../../codecs/reload/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import type { ReloadOutcome, Signers } from "../reload/mod.ts";
import type { Core } from "./core.ts";
import { beginRequest } from "./requests.ts";
import type { Asker, EndedRequest } from "./work.ts";

const ATTEMPTS_MAX = 4;
/** How long a refused request waits for the newer document to come here, and for ours to reach the node that refused. */
const NEWER_MS = 3_000;
const TAKEN_MS = 500;

export const TIMER = "repeat";

/** False where the request has ended for good. */
export const repeatLater = (core: Core, ended: EndedRequest): boolean => {
  const { asker, to, attempt, outcome } = ended;
  const isOurs = asker.type !== "certificate" && asker.type !== "kinds" && to.body.type !== "configUpdateReq";
  if (outcome.type !== "refused" || !isOurs || attempt >= ATTEMPTS_MAX) return false;
  const { signer, error } = outcome;
  if (error.code === errorCode.configTooOld) return wait(core, ended, true, NEWER_MS);
  if (error.code === errorCode.configTooNew) return wait(core, ended, false, TAKEN_MS);
  if (error.code !== errorCode.unknownKind || attempt > 1) return false;
  const kinds = decode(UnknownKinds, error.info);
  const blocks = core.overlay.kinds.flatMap(({ kind, signedBlock }) =>
    kinds.ok && kinds.value.includes(kind) && signedBlock !== undefined ? [signedBlock] : [],
  );
  if (blocks.length === 0) return false; // an unsigned Kind is accepted by no node
  //# "A node which receives this error MUST generate a ConfigUpdate message which contains the appropriate Kind definition" (RFC 6940 §7.4.1.2)
  const body = { type: "configUpdateReq", value: { type: "kind", data: blocks } } as const;
  beginRequest(core, { type: "kinds", repeat: keep(core, ended, false) }, { destinations: [toNode(signer)], body });
  return true;
};

const keep = (core: Core, ended: EndedRequest, isBehind: boolean): number => {
  core.repeats.set(++core.tokens, { ended, isBehind });
  return core.tokens;
};
const wait = (core: Core, ended: EndedRequest, isBehind: boolean, ms: number): true => {
  core.orders.push({ type: "startTimer", timer: `${TIMER} ${keep(core, ended, isBehind)}`, ms });
  return true;
};

export const repeat = (core: Core, id: number): void => {
  const found = core.repeats.get(id);
  if (found === undefined) return;
  core.repeats.delete(id);
  const { asker, to, attempt } = found.ended;
  beginRequest(core, asker, to, attempt + 1);
};

/** The node that lacked a Kind has answered what we sent it. Undefined: repeated; else the request ends as it was refused. */
export const kindsAnswered = (
  core: Core,
  id: number,
  outcome: ReloadOutcome,
): { readonly asker: Asker; readonly outcome: ReloadOutcome; readonly signers: Signers } | undefined => {
  const found = core.repeats.get(id);
  if (found === undefined) return undefined;
  if (outcome.type === "answer") {
    repeat(core, id);
    return undefined;
  }
  core.repeats.delete(id);
  return { asker: found.ended.asker, outcome: found.ended.outcome, signers: [] };
};

/** A newer configuration is in force. */
export const repeatAll = (core: Core): void => {
  for (const [id, { isBehind }] of [...core.repeats])
    if (isBehind) {
      core.orders.push({ type: "stopTimer", timer: `${TIMER} ${id}` });
      repeat(core, id);
    }
};

/** The owner waits no more. */
export const forget = (core: Core, ref: number): void => {
  for (const [id, { ended }] of core.repeats)
    if (ended.asker.type === "owner" && ended.asker.ref === ref) {
      core.repeats.delete(id);
      core.orders.push({ type: "stopTimer", timer: `${TIMER} ${id}` });
    }
};
