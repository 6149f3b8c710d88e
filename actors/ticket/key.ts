/** An epoch's key, derived once from its password behind the Keys port. docs/protocol/ticket.md#keys. */
import { Effect } from "effect";
import { KEY_BYTES, KEY_ROUNDS, keySalt } from "../../machines/ticket/mod.ts";
import { Keys } from "../ports/mod.ts";

/** What a ViPR server and its border elements share. */
export interface TicketSecret {
  /** 1 to 255, raised at each change of password. */
  readonly epoch: number;
  readonly password: string;
}

export const epochKey = Effect.map(
  Effect.service(Keys),
  (keys) => (secret: TicketSecret) => keys.derive(secret.password, keySalt(secret.epoch), KEY_ROUNDS, KEY_BYTES),
);
