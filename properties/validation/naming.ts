/** The terminator's answer to a user name, from its own store and machine: which password it gives, and who pays for a failure. */
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import { parseUserName, printUserName } from "../../codecs/validation/mod.ts";
import { type CallStore, pvpTerminator, tryableFor } from "../../machines/validation/mod.ts";

export interface Answer {
  /** Undefined: none, the handshake is simulated. */
  readonly password: string | undefined;
  /** Calls against which a wrong password counts. */
  readonly charged: ReadonlyArray<number>;
}

export const answerTo = (store: CallStore, said: PvpUserName): Answer => {
  const name = parseUserName(printUserName(said));
  if (!name.ok) throw new Error(name.error.why);
  const { nodeIds, roundMs } = store;
  const begun = pvpTerminator.start({ nodeIds, roundMs });
  const named = pvpTerminator.step(begun.snapshot, { type: "named", userName: printUserName(said) });
  const candidates = tryableFor(store, name.value);
  const given = pvpTerminator.step(named.snapshot, { type: "candidates", candidates });
  const passwords = given.actions.flatMap((order) => (order.type === "give" ? [order.password] : []));
  if (passwords.length !== 1) throw new Error(`${passwords.length} passwords for one name`);
  const failed = pvpTerminator.step(given.snapshot, { type: "failed", isWrongPassword: true, why: "" });
  const charged = failed.actions.flatMap((order) => (order.type === "charge" ? order.failed.map(({ id }) => id) : []));
  return { password: passwords[0], charged };
};
