/**
 * Several servers of one company that share one store, and the work there is.
 *
 *   VService --partitionOf--> one of PARTITIONS --held by--> one member at a time
 *
 * A server that has its store for itself holds every partition (`alone`). DECISIONS.md D-235.
 */
import type { Effect, Scope } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import type { Row, StoreFailed } from "./store.ts";

/** A server, from its start until it ends or is taken for dead. Another start is another member. */
export interface Member {
  readonly id: bigint;
  /** Where the others reach its runner; undefined until it listens. */
  readonly address: string | undefined;
  readonly isSelf: boolean;
}
/** A row that the other members are to learn of. */
export interface SharedRow extends Row {
  readonly table: string;
  /** The member that has put it. */
  readonly by: bigint;
}

/** Into how many parts the VServices are divided. What a member holds are whole parts. */
export const PARTITIONS = 32;

/** Of the 32 parts, from 0, the one that a VService belongs to. */
export const partitionOf = (vservice: VServiceId): number => Number(vservice % BigInt(PARTITIONS));

/** What a member does with the parts that it holds. */
export interface Work {
  /** They are ours from now on: reads what the store has of them. */
  readonly acquire: (partitions: ReadonlySet<number>) => Effect.Effect<void, StoreFailed>;
  /** They are to be another's: done when nothing of them is under way here. */
  readonly release: (partitions: ReadonlySet<number>) => Effect.Effect<void>;
}

/** Which members of a company's cluster live, what they have put into the store they share, and whose work is whose. */
export interface ClusterShape {
  readonly self: bigint;
  readonly members: () => ReadonlyArray<Member>;
  /** The shared rows that others have put since the last call; after a failure they come again. */
  readonly changes: Effect.Effect<ReadonlyArray<SharedRow>, StoreFailed>;
  /** False: the store has not been reached for so long that others may take our work. What is under way must end. */
  readonly isSure: () => boolean;
  /** Does the work of the parts that fall to this member, until the scope closes. */
  readonly hold: (work: Work) => Effect.Effect<void, never, Scope.Scope>;
  /** The parts that this member holds now. */
  readonly held: () => ReadonlySet<number>;
}
