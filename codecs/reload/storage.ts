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

/** The bytes of a value; `exists` false: there is none, or it is removed. RFC 6940 §7.4.1.3. */
export const DataValue = struct("DataValue", "RFC 6940 §7.2", { exists: boolean, value: opaque(u32) });
export type DataValue = TypeOf<typeof DataValue>;
/** A value at an index, from 0; 2^32-1 in a Store appends it. */
export const ArrayEntry = struct("ArrayEntry", "RFC 6940 §7.2.2", { index: u32, value: DataValue });
export type ArrayEntry = TypeOf<typeof ArrayEntry>;
/** A value under a key of up to 65,535 bytes. */
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
/** A value in the form of its Kind's data model. */
export type StoredDataValue = DataValue | ArrayEntry | DictionaryEntry;
/** A value as it was stored: when, for how long, and by whom it is signed. */
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

/** Values of one Kind to store. `generation`: the counter that the sender expects there, or 0; of a copy, the counter itself. */
export const StoreKindData = struct("StoreKindData", "RFC 6940 §7.4.1.1", { kind: u32, generation: u64, values });
export type StoreKindData = TypeOf<typeof StoreKindData>;
/** Values for one resource. */
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
/** For each Kind its new generation, and the nodes that have copies. */
export const StoreAns = struct("StoreAns", "RFC 6940 §7.4.1.2", { kinds: vector(StoreKindResponse, u16) });
export type StoreAns = TypeOf<typeof StoreAns>;
/** The error_info of Error_Unknown_Kind, §7.4.1.2. */
export const UnknownKinds = vector(u32, u8);

/** Indices, both ends included; -1, which is 0xffffffff, is the last element. */
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
/**
 * Which values of a Kind are wanted. `generation`: the one known already, so that they come only where it has changed; 0:
 * in any case.
 */
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
/** The values of a Kind, with its generation counter; bytes for a Kind that we do not know. */
export const FetchKindResponse = struct("FetchKindResponse", "RFC 6940 §7.4.2.2", {
  kind: u32,
  generation: u64,
  values,
});
export type FetchKindResponse = TypeOf<typeof FetchKindResponse>;
/** One response for each Kind that was asked for. */
export const FetchAns = struct("FetchAns", "RFC 6940 §7.4.2.2", { kinds: vector(FetchKindResponse, u32) });
export type FetchAns = TypeOf<typeof FetchAns>;

/** Length in bytes and digest of a value, in place of the value. The digest covers its 4 bytes of length too. */
export const MetaData = struct("MetaData", "RFC 6940 §7.4.3.2", {
  exists: boolean,
  valueLength: u32,
  hashAlgorithm: u8,
  hash: opaque(u8),
});
export type MetaData = TypeOf<typeof MetaData>;
const ArrayEntryMeta = struct("ArrayEntryMeta", "RFC 6940 §7.4.3.2", { index: u32, value: MetaData });
const DictionaryEntryMeta = struct("DictionaryEntryMeta", "RFC 6940 §7.4.3.2", { key: opaque(u16), value: MetaData });
/** MetaData in the form of its Kind's data model. */
export type MetaDataValue = MetaData | TypeOf<typeof ArrayEntryMeta> | TypeOf<typeof DictionaryEntryMeta>;
/** As `Stored`, without a signature: ms since 1970, seconds. */
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
/** What a Fetch would give, with MetaData for the values. */
export const StatAns = struct("StatAns", "RFC 6940 §7.4.3.2", { kinds: vector(StatKindResponse, u32) });
export type StatAns = TypeOf<typeof StatAns>;

/** Asks for the resource closest to this one that has values of these Kinds, each of which may stand once. */
export const FindReq = struct("FindReq", "RFC 6940 §7.4.4.1", { resource: ResourceId, kinds: vector(u32, u8) });
export type FindReq = TypeOf<typeof FindReq>;
const FindKindData = struct("FindKindData", "RFC 6940 §7.4.4.2", { kind: u32, closest: ResourceId });
/** The closest resource for each Kind. */
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
