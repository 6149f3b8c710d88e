/**
 * Answers from what is stored here: Fetch, Stat, Find, Probe. RFC 6940 §6.4.2.5, §7.4.2 to §7.4.4.
 * Requirements: RFC 6940 §6.4.2.5.2, §7.4.1.2, §7.4.4.1, §7.4.4.2.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type ArrayRange,
  type Body,
  type DataModel,
  dataValueOf,
  hashAlgorithm,
  type MetaData,
  type MetaDataValue,
  noSignature,
  type ProbeInformation,
  type Specifier,
  type StoredData,
  type StoredDataSpecifier,
  type StoredDataValue,
  UnknownKinds,
} from "../../codecs/reload/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import { encode, opaque, u32 } from "../../codecs/wire/mod.ts";
import type { Of } from "../kit/mod.ts";
import { kindOf, refuseStored } from "./admit.ts";
import { distance, isResponsible, ownedFraction } from "./ring.ts";
import { NOT_RESPONSIBLE } from "./route.ts";
import type {
  StoredEntry,
  StoredKind,
  ValueStorageAction,
  ValueStorageContext,
  ValueStorageDecision,
  ValueStorageEvent,
} from "./storage-types.ts";
import { aged, isLive, keyOf, resourceAtKey, resourcesOf } from "./value-table.ts";

type LookedUp = ValueStorageDecision<"answer" | "refuse" | "count">;

const LAST = -1; // int32 of 0xffffffff: "used to indicate the final element", §7.4.2.1

interface Found {
  readonly kind: number;
  readonly generation: bigint;
  readonly values: ReadonlyArray<StoredData>;
  readonly certificates: ReadonlyArray<Uint8Array>;
}

export const fetch = (context: ValueStorageContext, event: Of<ValueStorageEvent, "fetchReq">): LookedUp =>
  answering(context, event, (found) => ({
    type: "fetchAns",
    value: { kinds: found.map(({ kind, generation, values }) => ({ kind, generation, values })) },
  }));

export const stat = (context: ValueStorageContext, event: Of<ValueStorageEvent, "statReq">): LookedUp =>
  answering(context, event, (found) => ({
    type: "statAns",
    value: { kinds: found.map(({ kind, generation, values }) => ({ kind, generation, values: values.map(metaOf) })) },
  }));

const answering = (
  context: ValueStorageContext,
  { asked, body, type }: Of<ValueStorageEvent, "fetchReq" | "statReq">,
  bodyOf: (found: ReadonlyArray<Found>) => Body,
): LookedUp => {
  const strangers = body.specifiers.filter(({ kind }) => kindOf(context.settings, kind) === undefined);
  if (strangers.length > 0) {
    const info = encode(
      UnknownKinds,
      strangers.slice(0, 63).map(({ kind }) => kind),
    );
    return refuseStored(asked, { error: "unknownKind", info });
  }
  const resource = resourceAtKey(context.valueTable, keyOf(body.resource));
  const found = body.specifiers.map((specifier) =>
    find(resource?.kinds[specifier.kind], specifier, kindOf(context.settings, specifier.kind)!.model, asked.atMs),
  );
  // Stat answers with metadata, without signatures: no certificate is needed to read it.
  const certificates = type === "statReq" ? [] : [...new Set(found.flatMap((kind) => kind.certificates))];
  return { actions: [{ type: "answer", reply: asked.reply, body: bodyOf(found), certificates }] };
};

const find = (held: StoredKind | undefined, asked: StoredDataSpecifier, model: DataModel, atMs: number): Found => {
  const { kind } = asked;
  const { generation, entries } = held ?? { generation: 0n, entries: {} };
  // "If the generation counter in the request matches the stored counter, ... no StoredData values", §7.4.2.1.
  if (asked.generation !== 0n && asked.generation === generation)
    return { kind, generation, values: [], certificates: [] };
  const live = Object.entries(entries).filter(([, entry]) => isLive(entry, atMs));
  const chosen = choose(new Map(live), asked.specifier, model);
  return {
    kind,
    generation,
    values: chosen.map((item) => ("data" in item ? aged(item, atMs) : nothing(item))),
    certificates: chosen.flatMap((item) => ("data" in item ? [item.signer.certificate] : [])),
  };
};

/** Values we have, and the places asked for at which there is none. */
const choose = (
  live: ReadonlyMap<string, StoredEntry>,
  specifier: Specifier,
  model: DataModel,
): ReadonlyArray<StoredEntry | StoredDataValue> => {
  const absent = { exists: false, value: new Uint8Array() };
  switch (model) {
    case "single":
      return [live.get("") ?? absent];
    case "dictionary": {
      const keys = specifier as ReadonlyArray<Uint8Array>;
      return keys.length === 0 ? [...live.values()] : keys.map((key) => live.get(hexOf(key)) ?? { key, value: absent });
    }
    case "array": {
      const end = [...live.keys()].reduce((last, place) => Math.max(last, Number(place)), -1);
      return indicesIn(specifier as ReadonlyArray<ArrayRange>, end).map(
        (index) => live.get(String(index)) ?? { index, value: absent },
      );
    }
  }
};

/** The indices of the ranges that lie within the array: gaps among them, nothing past its end. */
const indicesIn = (ranges: ReadonlyArray<ArrayRange>, end: number): ReadonlyArray<number> => {
  const indices = new Set<number>();
  for (const { first, last } of ranges) {
    const to = last === LAST ? end : Math.min(last, end);
    for (let index = first === LAST ? end : first; index >= 0 && index <= to; index++) indices.add(index);
  }
  return [...indices];
};

/** "a synthetic value with "exists" set to False and has an empty signature", §7.4.2.2. */
const nothing = (value: StoredDataValue): StoredData => ({
  storageTime: 0n,
  lifetime: 0,
  value,
  signature: noSignature,
});

const LengthThenValue = opaque(u32);
const metaOf = ({ storageTime, lifetime, value }: StoredData) => {
  const { exists, value: bytes } = dataValueOf(value);
  const meta: MetaData = {
    exists,
    valueLength: bytes.length,
    hashAlgorithm: hashAlgorithm.sha256,
    hash: sha256(encode(LengthThenValue, bytes)), // "including its 4 leading length bytes", §7.4.3.2
  };
  const metadata: MetaDataValue =
    "key" in value ? { key: value.key, value: meta } : "index" in value ? { index: value.index, value: meta } : meta;
  return { storageTime, lifetime, metadata };
};

/** The nearest resource at or after the one named that holds the Kind; empty when there is none. §7.4.4. */
export const findClosest = (
  context: ValueStorageContext,
  { asked, body }: Of<ValueStorageEvent, "findReq">,
): LookedUp => {
  const from = bigOf(body.resource);
  if (!isResponsible(context.view, from)) return refuseStored(asked, { error: "notFound", info: NOT_RESPONSIBLE });
  if (new Set(body.kinds).size < body.kinds.length)
    return refuseStored(asked, { error: "invalidMessage", info: "a Kind stands twice" });
  const closest = new Map<number, Uint8Array>();
  for (const [, resource] of resourcesOf(context.valueTable))
    for (const kind of body.kinds) {
      const held = closest.get(kind);
      const isNearer = held === undefined || distance(from, bigOf(resource.id)) < distance(from, bigOf(held));
      if (resource.kinds[kind] !== undefined && isNearer) closest.set(kind, resource.id);
    }
  const results = body.kinds.map((kind) => ({ kind, closest: closest.get(kind) ?? new Uint8Array() }));
  return {
    actions: [{ type: "answer", reply: asked.reply, body: { type: "findAns", value: { results } }, certificates: [] }],
  };
};

/** "SHOULD include any values that the requesting node requested and that it recognizes ... in the requested order". */
export const probe = (
  context: ValueStorageContext,
  { asked, body }: Of<ValueStorageEvent, "probeReq">,
): Omit<Of<ValueStorageAction, "answer">, "type"> => {
  const information = body.requested.flatMap((type): ReadonlyArray<ProbeInformation> => {
    switch (type) {
      case "responsibleSet":
        return [{ type, value: Math.round(ownedFraction(context.view) * 1e9) }];
      case "numResources":
        return [{ type, value: context.valueTable.resources }];
      case "uptime":
        return [{ type, value: Math.max(0, Math.floor((asked.atMs - context.settings.startedMs) / 1000)) }];
      default:
        return [];
    }
  });
  return { reply: asked.reply, body: { type: "probeAns", value: { information } }, certificates: [] };
};
