/**
 * A client's connection: what a turn of the loop has for it leaves in one write, and whoever sends never waits.
 *
 *   send, send ... --> unsent --(the turn is over)--> one put --> the transport
 *                                                      +-- more waits there than may: closed, as `notReading`
 *
 * So a client that asks and does not read costs what it may have unread, and nobody else anything.
 */
import { concat } from "../../codecs/shared/mod.ts";
import type { DirectStream } from "../ports/mod.ts";
import type { VapClosed } from "./events.ts";

/** What the transport has not taken, before a connection counts as one that does not read. One turn's answers may go over it. */
export const UNREAD_BYTES_MAX = 262_144;

export interface VapConnection {
  readonly id: number;
  /** The client's address. */
  readonly host: string;
  /** Nothing that comes is looked at any more. */
  readonly isClosed: boolean;
  readonly send: (bytes: Uint8Array) => void;
  /** After everything that was sent before. */
  readonly close: (reason: VapClosed, why?: string) => void;
}

export interface ConnectionParts {
  /** Runs it when the turn of the loop is over: over TLS a turn brings many records, and their answers leave together. */
  readonly later: (flush: () => void) => void;
  readonly direct: DirectStream;
  /** Called for each message that is sent. */
  readonly sent?: (bytes: Uint8Array) => void;
  /** Called once, when we close it; ends the stream. */
  readonly closed: (reason: VapClosed, why: string) => void;
}

export const openConnection = (
  id: number,
  host: string,
  { direct, closed, later, sent }: ConnectionParts,
): VapConnection => {
  let unsent: Array<Uint8Array> = [];
  let isClosed = false;
  const close = (reason: VapClosed, why = ""): void => {
    if (isClosed) return;
    flush();
    if (isClosed) return;
    isClosed = true;
    closed(reason, why);
  };
  const flush = (): void => {
    if (unsent.length === 0) return;
    const bytes = unsent.length === 1 ? unsent[0]! : concat(...unsent);
    unsent = [];
    if (direct.put(bytes, UNREAD_BYTES_MAX) || isClosed) return;
    isClosed = true;
    closed("notReading", `${UNREAD_BYTES_MAX} bytes are not read`);
  };
  return {
    id,
    host,
    get isClosed() {
      return isClosed;
    },
    send: (bytes) => {
      if (isClosed) return;
      sent?.(bytes);
      if (unsent.length === 0) later(flush);
      unsent.push(bytes);
    },
    close,
  };
};
