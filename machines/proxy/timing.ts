/**
 * What the four transactions of a proxy have in common: their times, and a timer that comes later each time. RFC 3261 §17.
 * Requirements: RFC 3261 §17.1.1.2.
 */

export interface TransactionInput {
  readonly isReliable: boolean;
  /** The round trip estimate; 500 in the RFC. */
  readonly t1Ms: number;
}
/** RFC 3261 §17.1.2.2: retransmissions come no further apart than this many T1; and what may still be on its way is gone. */
export const T2_T1 = 8;
export const T4_T1 = 10;

/** Of a transaction that sends again what has no answer. */
export interface Retransmitting extends TransactionInput {
  /** What its timer waits next. */
  readonly againMs: number;
}

export const isReliable = ({ isReliable }: TransactionInput): boolean => isReliable;
export const isDatagram = ({ isReliable }: TransactionInput): boolean => !isReliable;

export const send = { type: "send" } as const;

/** Waits for so long, and twice as long the next time, up to `mostMs`. */
export const wait = <T extends string>(timer: T, againMs: number, mostMs = Number.POSITIVE_INFINITY) => ({
  context: { againMs: Math.min(2 * againMs, mostMs) },
  actions: [{ type: "startTimer", timer, ms: againMs } as const],
});

/** Sends, and waits as `wait` does. */
export const sendAndWait = <T extends string>(timer: T, againMs: number, mostMs?: number) => {
  const { context, actions } = wait(timer, againMs, mostMs);
  return { context, actions: [send, ...actions] };
};
