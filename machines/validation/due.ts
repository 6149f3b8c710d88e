/**
 * Items in the order in which they are due: calls that wait for their Tv, without a timer each.
 * A binary heap, owned by one actor and changed in place by these functions.
 */
export interface DueQueue<A> {
  readonly heap: Array<{ readonly dueMs: number; readonly order: number; readonly item: A }>;
  readonly max: number;
  lastOrder: number;
}

/** Some 260 bytes each, with the call record. */
export const DUE_MAX = 4_000_000;

export const dueQueue = <A>(max: number = DUE_MAX): DueQueue<A> => ({ heap: [], max, lastOrder: 0 });

/** False: the queue is full, and the item was not added. */
export const schedule = <A>(queue: DueQueue<A>, item: A, dueMs: number): boolean => {
  const { heap } = queue;
  if (heap.length >= queue.max) return false;
  heap.push({ dueMs, order: ++queue.lastOrder, item });
  for (let at = heap.length - 1, up = (at - 1) >> 1; at > 0 && isBefore(heap, at, up); at = up, up = (at - 1) >> 1)
    swap(heap, at, up);
  return true;
};

/** When the next item is due; undefined: the queue is empty. */
export const nextDueMs = <A>({ heap }: DueQueue<A>): number | undefined => heap[0]?.dueMs;

/** Takes the items that are due at `nowMs`, in order, at most `max` of them. */
export const takeDue = <A>(queue: DueQueue<A>, nowMs: number, max: number): ReadonlyArray<A> => {
  const taken: Array<A> = [];
  while (taken.length < max && queue.heap.length > 0 && queue.heap[0]!.dueMs <= nowMs)
    taken.push(takeFirst(queue.heap));
  return taken;
};

/** Leaves out the items that are another's from now on. */
export const dropDue = <A>(queue: DueQueue<A>, isGone: (item: A) => boolean): void => {
  const left = queue.heap.filter(({ item }) => !isGone(item));
  queue.heap.length = 0;
  for (const { item, dueMs } of left.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order))
    schedule(queue, item, dueMs);
};

type Heap = DueQueue<any>["heap"];

const takeFirst = (heap: Heap): any => {
  const { item } = heap[0]!;
  const last = heap.pop()!;
  if (heap.length > 0) heap[0] = last;
  for (
    let at = 0, next = lesserChild(heap, 0);
    next < heap.length && isBefore(heap, next, at);
    next = lesserChild(heap, at)
  ) {
    swap(heap, at, next);
    at = next;
  }
  return item;
};

const lesserChild = (heap: Heap, at: number): number => {
  const left = 2 * at + 1;
  return left + 1 < heap.length && isBefore(heap, left + 1, left) ? left + 1 : left;
};

const isBefore = (heap: Heap, a: number, b: number): boolean => {
  const difference = heap[a]!.dueMs - heap[b]!.dueMs;
  return difference < 0 || (difference === 0 && heap[a]!.order < heap[b]!.order);
};

const swap = (heap: Heap, a: number, b: number): void => {
  [heap[a], heap[b]] = [heap[b]!, heap[a]!];
};
