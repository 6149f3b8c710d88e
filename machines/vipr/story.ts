/**
 * The story of a number: what happened to it here, kept for whoever asks why there is a route, or none.
 *
 *   event, hour --> remember --> story: the last facts, claim by claim what is proved, calls that wait --> storyOf
 *
 * A table that one actor owns and these functions change in place. It decides nothing; the ledger does. Stories are plain
 * JSON, Node-IDs and VServiceIDs in hexadecimal. Numbers are whole: it is the operator who asks.
 */
import { type E164, nodeIdText } from "../../codecs/shared/mod.ts";
import { vserviceText } from "../../codecs/validation/mod.ts";
import { CLAIMS_MAX, type ClaimVerdict, type PvpClaim } from "../validation/mod.ts";
import type { CallName, ViprEvent } from "./events.ts";

export interface Fact {
  readonly atMs: number;
  readonly type: ViprEvent["type"];
  /** As the event has it, in plain JSON. */
  readonly [detail: string]: unknown;
}

/** How far one claim has come. */
export interface ClaimStory {
  readonly nodeId: string;
  readonly vservice: string;
  /** Handshakes that it was given over all calls. */
  readonly tries: number;
  readonly validated: number;
  readonly refused: number;
  /** The last one. */
  readonly method: ClaimVerdict["method"];
  readonly verdict: ClaimVerdict["verdict"];
  /** Of the calls that it proved one after another, up to now. */
  readonly bits: number;
  readonly calls: number;
  /** Bits that it still has to prove; 0 for a route. */
  readonly missingBits: number;
  /** At most this is the chance that somebody who knew nothing of the calls came so far. */
  readonly guessChance: number;
}

/** A call of ours that waits to be validated. */
export interface Waiting {
  readonly call: CallName;
  readonly dueMs: number;
  readonly worthBits: number;
}

export interface Story {
  readonly number: E164;
  readonly requiredBits: number;
  readonly isPublished: boolean;
  readonly sent: number;
  readonly received: number;
  readonly waiting: ReadonlyArray<Waiting>;
  readonly claims: ReadonlyArray<ClaimStory>;
  /** Where its route leads, as it was told last to this server's agents. */
  readonly learned: { readonly domain: string; readonly atMs: number; readonly told: number } | undefined;
  /** The newest, in order; `forgotten` counts those that had to go. */
  readonly facts: ReadonlyArray<Fact>;
  readonly forgotten: number;
}

interface Kept {
  published: boolean;
  sent: number;
  received: number;
  forgotten: number;
  learned: Story["learned"];
  readonly waiting: Map<string, Waiting>;
  readonly claims: Map<string, ClaimStory & { readonly runTries: number }>;
  readonly facts: Array<Fact>;
}

export interface Stories {
  readonly requiredBits: number;
  /** The number heard of last stands last. */
  readonly byNumber: Map<E164, Kept>;
  facts: number;
}

/** Of one number, and of all: the number heard of longest ago is forgotten first. Some 200 bytes a fact. */
export const FACTS_MAX = 64;
export const FACTS_ALL_MAX = 200_000;
const WAITING_MAX = 64;

export const stories = (requiredBits: number): Stories => ({ requiredBits, byNumber: new Map(), facts: 0 });

export const remember = (all: Stories, event: ViprEvent, atMs: number): void => {
  const { byNumber } = all;
  const kept = byNumber.get(event.number) ?? nothingYet();
  byNumber.delete(event.number);
  byNumber.set(event.number, kept);
  note(all, kept, event);
  if (event.type === "learned") kept.learned = { domain: event.domain, atMs, told: event.told };
  kept.facts.push(factOf(event, atMs));
  all.facts += 1;
  if (kept.facts.length > FACTS_MAX) {
    kept.facts.shift();
    kept.forgotten += 1;
    all.facts -= 1;
  }
  while (all.facts > FACTS_ALL_MAX) {
    const [number, oldest] = byNumber.entries().next().value!;
    byNumber.delete(number);
    all.facts -= oldest.facts.length;
  }
};

export const storyOf = ({ byNumber, requiredBits }: Stories, number: E164): Story | undefined => {
  const kept = byNumber.get(number);
  if (kept === undefined) return undefined;
  const { published, sent, received, waiting, claims, learned, facts, forgotten } = kept;
  return {
    number,
    requiredBits,
    isPublished: published,
    sent,
    received,
    waiting: [...waiting.values()].sort((a, b) => a.dueMs - b.dueMs),
    claims: [...claims.values()].map(({ runTries: _, ...claim }) => claim),
    learned,
    facts: [...facts],
    forgotten,
  };
};

const nothingYet = (): Kept => ({
  published: false,
  sent: 0,
  received: 0,
  forgotten: 0,
  learned: undefined,
  waiting: new Map(),
  claims: new Map(),
  facts: [],
});

const note = ({ requiredBits }: Stories, kept: Kept, event: ViprEvent): void => {
  switch (event.type) {
    case "published":
      kept.published = true;
      return;
    case "vcr":
      if (event.direction === "received") kept.received += 1;
      else {
        kept.sent += 1;
        const { call, dueMs = 0, worthBits = 0 } = event;
        if (kept.waiting.size < WAITING_MAX) kept.waiting.set(nameOf(call), { call, dueMs, worthBits });
      }
      return;
    case "lookedUp":
    case "lookUpFailed":
      kept.waiting.delete(nameOf(event.call));
      return;
    case "attempted":
      tried(kept, event, requiredBits);
      return;
    case "proved": {
      const { claim, bits, calls } = event;
      const known = kept.claims.get(keyOf(claim));
      if (known === undefined) return;
      const missingBits = Math.max(0, requiredBits - bits);
      kept.claims.set(keyOf(claim), { ...known, bits, calls, missingBits, guessChance: chanceOf(known, bits) });
      return;
    }
  }
};

/** A call that was not proved ends the row of those that were; whoever was not reached was not asked. */
const tried = (kept: Kept, { attempt, tries }: ViprEvent & { readonly type: "attempted" }, requiredBits: number) => {
  const key = keyOf(attempt);
  const before = kept.claims.get(key);
  if (before === undefined && kept.claims.size >= CLAIMS_MAX) kept.claims.delete(kept.claims.keys().next().value!);
  const { method, verdict } = attempt;
  const isProof = verdict === "validated";
  const isFailure = verdict === "refused" || verdict === "broken";
  const bits = isFailure ? 0 : (before?.bits ?? 0);
  const claim = {
    nodeId: nodeIdText(attempt.nodeId),
    vservice: vserviceText(attempt.vservice),
    tries: (before?.tries ?? 0) + (verdict === "unreachable" ? 0 : tries),
    validated: (before?.validated ?? 0) + (isProof ? 1 : 0),
    refused: (before?.refused ?? 0) + (isFailure ? 1 : 0),
    method,
    verdict,
    bits,
    calls: isFailure ? 0 : (before?.calls ?? 0),
    missingBits: Math.max(0, requiredBits - bits),
    runTries: isFailure ? 1 : (before?.runTries ?? 1) * (isProof ? tries : 1),
  };
  kept.claims.set(key, { ...claim, guessChance: chanceOf(claim, bits) });
};

/**
 * A row of right guesses may begin at each of its tries, and each call after the first may give it two guesses instead of
 * one. What it did not have to guess counts for nothing: no bits, no bound.
 */
const chanceOf = ({ tries, runTries }: { readonly tries: number; readonly runTries: number }, bits: number): number =>
  Math.min(1, tries * runTries * 2 ** -bits);

const nameOf = ({ startMs, stopMs }: CallName): string => `${startMs}/${stopMs}`;
const keyOf = ({ nodeId, vservice }: PvpClaim): string => `${nodeIdText(nodeId)}/${vserviceText(vservice)}`;

const factOf = ({ number: _, ...event }: ViprEvent, atMs: number): Fact => {
  const plain = { atMs, ...event } as Record<string, unknown>;
  if (event.type === "lookedUp") plain.claimants = event.claimants.map(plainClaim);
  if (event.type === "proved") plain.claim = plainClaim(event.claim);
  if (event.type === "attempted") {
    const { method, verdict, bits } = event.attempt;
    const why = "why" in event.attempt ? { why: event.attempt.why } : {};
    const code = "code" in event.attempt ? { code: event.attempt.code } : {};
    plain.attempt = { ...plainClaim(event.attempt), method, verdict, bits, ...why, ...code };
  }
  return plain as Fact;
};

const plainClaim = ({ nodeId, vservice }: PvpClaim) => ({
  nodeId: nodeIdText(nodeId),
  vservice: vserviceText(vservice),
});
