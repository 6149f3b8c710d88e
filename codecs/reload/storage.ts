/**
 * Stored values, and the messages Store, Fetch, Stat and Find. RFC 6940 §7.
 * The data model is not on the wire: the Kind implies it (registry.ts). Values of a Kind that we do not know stay bytes.
 */
import { NodeId } from "../shared/mod.ts";
import {
  boolean,
  empty,
  encode,
  i32,
  lengthOf,
  lengthOfAfter,
  opaque,
  rest,
  selectBy,
  struct,
  type TypeOf,
  u8,
  u16,
  u32,
  u64,
  vector,
  type Wire,
} from "../wire/mod.ts";
import { ResourceId } from "./forwarding.ts";
import { modelOfKind } from "./registry.ts";
import { Signature } from "./security.ts";

export const DataValue = struct("DataValue", "RFC 6940 §7.2", { exists: boolean, value: opaque(u32) });
export type DataValue = TypeOf<typeof DataValue>;
export const ArrayEntry = struct("ArrayEntry", "RFC 6940 §7.2.2", { index: u32, value: DataValue });
export type ArrayEntry = TypeOf<typeof ArrayEntry>;
export const DictionaryEntry = struct("DictionaryEntry", "RFC 6940 §7.2.3", { key: opaque(u16), value: DataValue });
export type DictionaryEntry = TypeOf<typeof DictionaryEntry>;

/** What the three data models have in common. `V`: the value, with its place (key or index) where the model has one. */
export interface Stored<V> {
  /** Milliseconds since 1970, by the clock of the node that stored it. */
  readonly storageTime: bigint;
  /** Seconds, from when the peer received it. */
  readonly lifetime: number;
  readonly value: V;
  readonly signature: Signature;
}
export type StoredDataValue = DataValue | ArrayEntry | DictionaryEntry;
export type StoredData = Stored<StoredDataValue>;

const storedData = <V>(value: Wire<V>): Wire<Stored<V>> =>
  struct("StoredData", "RFC 6940 §7", {
    length: lengthOfAfter(u32), // "in bytes, excluding the size of length itself"
    storageTime: u64,
    lifetime: u32,
    value,
    signature: Signature,
  }) as Wire<Stored<V>>;

/** Values of a Kind: a list in the Kind's data model, or bytes when we do not know the Kind. */
export type Values = ReadonlyArray<StoredData> | Uint8Array;
const values = selectBy(
  "kind",
  modelOfKind,
  {
    single: vector(storedData(DataValue), u32),
    array: vector(storedData(ArrayEntry), u32),
    dictionary: vector(storedData(DictionaryEntry), u32),
  },
  { otherwise: opaque(u32) },
) as Wire<Values>;

export const StoreKindData = struct("StoreKindData", "RFC 6940 §7.4.1.1", { kind: u32, generation: u64, values });
export type StoreKindData = TypeOf<typeof StoreKindData>;
export const StoreReq = struct("StoreReq", "RFC 6940 §7.4.1.1", {
  resource: ResourceId,
  replica: u8, // 0: a Store by the value's owner; from 1: the number of the copy, §10.4
  kinds: vector(StoreKindData, u32),
});
export type StoreReq = TypeOf<typeof StoreReq>;

export const StoreKindResponse = struct("StoreKindResponse", "RFC 6940 §7.4.1.2", {
  kind: u32,
  generation: u64,
  replicas: vector(NodeId, u16),
});
export const StoreAns = struct("StoreAns", "RFC 6940 §7.4.1.2", { kinds: vector(StoreKindResponse, u16) });
export type StoreAns = TypeOf<typeof StoreAns>;
/** The error_info of Error_Unknown_Kind, §7.4.1.2. */
export const UnknownKinds = vector(u32, u8);

export const ArrayRange = struct("ArrayRange", "RFC 6940 §7.4.2.1", { first: i32, last: i32 });
export type ArrayRange = TypeOf<typeof ArrayRange>;
/** Ranges of an array, keys of a dictionary (none: all of them), nothing for a single value. */
export type Specifier = {} | ReadonlyArray<ArrayRange> | ReadonlyArray<Uint8Array> | Uint8Array;
/** All values of a Kind. */
export const everything = (kind: number): Specifier => {
  switch (modelOfKind(kind)) {
    case "array":
      return [{ first: 0, last: -1 }]; // "0xffffffff is used to indicate the final element"
    case "dictionary":
      return [];
    case "single":
      return {};
    default:
      return new Uint8Array();
  }
};
export const StoredDataSpecifier = struct("StoredDataSpecifier", "RFC 6940 §7.4.2.1", {
  kind: u32,
  generation: u64,
  length: lengthOf("specifier", u16),
  specifier: selectBy(
    "kind",
    modelOfKind,
    { single: empty, array: vector(ArrayRange, u16), dictionary: vector(opaque(u16), u16) },
    { otherwise: rest },
  ) as Wire<Specifier>,
});
export type StoredDataSpecifier = TypeOf<typeof StoredDataSpecifier>;

/** Also the request of Stat, §7.4.3.1. */
export const FetchReq = struct("FetchReq", "RFC 6940 §7.4.2.1", {
  resource: ResourceId,
  specifiers: vector(StoredDataSpecifier, u16),
});
export type FetchReq = TypeOf<typeof FetchReq>;
export const FetchKindResponse = struct("FetchKindResponse", "RFC 6940 §7.4.2.2", {
  kind: u32,
  generation: u64,
  values,
});
export type FetchKindResponse = TypeOf<typeof FetchKindResponse>;
export const FetchAns = struct("FetchAns", "RFC 6940 §7.4.2.2", { kinds: vector(FetchKindResponse, u32) });
export type FetchAns = TypeOf<typeof FetchAns>;

export const MetaData = struct("MetaData", "RFC 6940 §7.4.3.2", {
  exists: boolean,
  valueLength: u32,
  hashAlgorithm: u8,
  hash: opaque(u8),
});
export type MetaData = TypeOf<typeof MetaData>;
const ArrayEntryMeta = struct("ArrayEntryMeta", "RFC 6940 §7.4.3.2", { index: u32, value: MetaData });
const DictionaryEntryMeta = struct("DictionaryEntryMeta", "RFC 6940 §7.4.3.2", { key: opaque(u16), value: MetaData });
export type MetaDataValue = MetaData | TypeOf<typeof ArrayEntryMeta> | TypeOf<typeof DictionaryEntryMeta>;
export interface StoredMeta<V> {
  readonly storageTime: bigint;
  readonly lifetime: number;
  readonly metadata: V;
}
const storedMeta = <V>(metadata: Wire<V>): Wire<StoredMeta<V>> =>
  struct("StoredMetaData", "RFC 6940 §7.4.3.2", {
    valueLength: lengthOfAfter(u32),
    storageTime: u64,
    lifetime: u32,
    metadata,
  }) as Wire<StoredMeta<V>>;
const metadataValues = selectBy(
  "kind",
  modelOfKind,
  {
    single: vector(storedMeta(MetaData), u32),
    array: vector(storedMeta(ArrayEntryMeta), u32),
    dictionary: vector(storedMeta(DictionaryEntryMeta), u32),
  },
  { otherwise: opaque(u32) },
) as Wire<ReadonlyArray<StoredMeta<MetaDataValue>> | Uint8Array>;
export const StatKindResponse = struct("StatKindResponse", "RFC 6940 §7.4.3.2", {
  kind: u32,
  generation: u64,
  values: metadataValues,
});
export const StatAns = struct("StatAns", "RFC 6940 §7.4.3.2", { kinds: vector(StatKindResponse, u32) });
export type StatAns = TypeOf<typeof StatAns>;

export const FindReq = struct("FindReq", "RFC 6940 §7.4.4.1", { resource: ResourceId, kinds: vector(u32, u8) });
export type FindReq = TypeOf<typeof FindReq>;
const FindKindData = struct("FindKindData", "RFC 6940 §7.4.4.2", { kind: u32, closest: ResourceId });
export const FindAns = struct("FindAns", "RFC 6940 §7.4.4.2", { results: vector(FindKindData, u16) });
export type FindAns = TypeOf<typeof FindAns>;

/**
 * The bytes of a StoredDataValue, as a signature covers them. In arrays "the index value in the array is set to zero
 * before the signature is computed", §7.4.2.2: a node that appends does not know the index.
 */
export const signedBytesOf = (value: StoredDataValue): Uint8Array => {
  if ("key" in value) return encode(DictionaryEntry, value);
  return "index" in value ? encode(ArrayEntry, { ...value, index: 0 }) : encode(DataValue, value);
};

/** The innermost value, whatever the data model. */
export const dataValueOf = (value: StoredDataValue): DataValue =>
  "key" in value || "index" in value ? value.value : value;
