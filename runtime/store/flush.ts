/**
 * Makes safe what SQLite has committed to its write-ahead log: flushed by a thread of the runtime's pool, while the loop goes on.
 *
 *   flush(told) --> pending --> fdatasync of FILE-wal --> told, told, ...
 *   flush(told) --> pending ----- the next one -----------> told, ...
 *
 * SQLite's own flush holds the process up for as long as the disk takes, some milliseconds at each commit. The file is the same
 * one that SQLite has written to, and the system flushes a file whoever asks. DECISIONS.md D-117.
 */
import { closeSync, fdatasync, openSync } from "node:fs";
import { Effect } from "effect";
import { StoreFailed } from "../../actors/ports/mod.ts";
import { outside } from "../outside.ts";

type Told = (fault: StoreFailed | undefined) => void;

export interface Flusher {
  /** `told` when all that was committed before this call is safe, or cannot be made so. Called in the order of the calls. */
  readonly flush: (told: Told) => void;
}

/** Until the scope closes, which waits for what is being flushed. */
export const openFlusher = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new WalFlusher(`${file}-wal`)),
    (flusher) =>
      Effect.andThen(
        Effect.callback<void>((resume) => flusher.whenIdle(() => resume(Effect.void))),
        Effect.sync(() => flusher.close()),
      ),
  );

class WalFlusher implements Flusher {
  private readonly wal: string;
  private fd: number | undefined;
  private pending: Array<Told> = [];
  private isBusy = false;
  private idle: Array<() => void> = [];

  constructor(wal: string) {
    this.wal = wal;
  }

  flush(told: Told): void {
    this.pending.push(told);
    if (!this.isBusy) this.begin();
  }

  whenIdle(then: () => void): void {
    if (this.isBusy) this.idle.push(then);
    else then();
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private begin(): void {
    const batch = this.pending;
    this.pending = [];
    this.isBusy = true;
    Effect.runFork(
      Effect.map(
        outside(() => this.sync()),
        (fault) => this.ended(batch, fault),
      ),
    );
  }

  private ended(batch: ReadonlyArray<Told>, fault: StoreFailed | undefined): void {
    this.isBusy = false;
    for (const told of batch) told(fault);
    if (this.isBusy) return; // whoever was told has written again
    if (this.pending.length > 0) this.begin();
    else for (const then of this.idle.splice(0)) then();
  }

  private sync(): Promise<StoreFailed | undefined> {
    try {
      // Made by the first commit; it is the same file until the database is closed.
      this.fd ??= openSync(this.wal, "r+");
    } catch (cause) {
      return Promise.resolve(faultIn(cause));
    }
    const { fd } = this;
    return new Promise((resolve) => fdatasync(fd, (error) => resolve(error ? faultIn(error) : undefined)));
  }
}

const faultIn = (cause: unknown): StoreFailed =>
  new StoreFailed({ reason: "failed", why: `not flushed: ${(cause as Error).message}` });
