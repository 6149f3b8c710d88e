/**
 * First in, first out, where the first is looked at often: a Map's own order would do, but walks over what was deleted at its
 * front, each time.
 */

export interface Fifo<T> {
  items: Array<T>;
  /** Of the first one that is still in it. */
  head: number;
}

/** What has gone out is cleared away when it is so many, and half of all. */
const GONE_MAX = 1_024;

export const fifo = <T>(): Fifo<T> => ({ items: [], head: 0 });

export const putLast = <T>(queue: Fifo<T>, item: T): void => {
  queue.items.push(item);
};

export const firstOf = <T>(queue: Fifo<T>): T | undefined => queue.items[queue.head];

export const takeFirst = <T>(queue: Fifo<T>): void => {
  queue.head += 1;
  if (queue.head < GONE_MAX || 2 * queue.head < queue.items.length) return;
  queue.items = queue.items.slice(queue.head);
  queue.head = 0;
};
