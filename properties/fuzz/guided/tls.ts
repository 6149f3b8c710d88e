/**
 * One side of a handshake of TLS-SRP, and what its peer sends: changed flights, in pieces. The machine ends or waits; it never
 * throws, orders nothing after its end, and secures nothing that its peer has not proved.
 */
import { ok } from "node:assert";
import { tlsClient, tlsServer } from "../../../machines/tls/mod.ts";
import { clientInput, rightCredential, serverInput } from "../../tls/inputs.ts";

const PIECES = 3;

/**
 * A power as its host would compute it, or another number: both are below the prime, and with another the handshake fails at
 * its Finished. Real ones take a millisecond, and are known for the flights that were recorded.
 */
type Power = (base: bigint, exponent: bigint) => bigint | undefined;
let known: Power = () => undefined;
export const powersAre = (powers: Power): void => {
  known = powers;
};
const powerOf = (base: bigint, exponent: bigint): bigint => known(base, exponent) ?? (base ^ exponent) | 2n;

export const playTls = (side: "client" | "server") => (bytes: Uint8Array) => {
  const machine: any = side === "client" ? tlsClient : tlsServer;
  let now = machine.start(side === "client" ? clientInput : serverInput);
  const events: Array<object> = Array.from({ length: PIECES }, (_, i) => ({
    type: "received",
    bytes: bytes.subarray((i * bytes.length) / PIECES, ((i + 1) * bytes.length) / PIECES),
  }));
  const answer = (): void => {
    for (const action of now.actions) {
      if (action.type === "power")
        events.unshift({ type: "powered", id: action.id, value: powerOf(action.base, action.exponent) });
      if (action.type === "lookUp") events.unshift({ type: "found", credential: rightCredential });
    }
  };
  answer();
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    const wasDone = machine.isDone(now.snapshot);
    now = machine.step(now.snapshot, event);
    ok(!wasDone || now.actions.length === 0, "orders after its end");
    answer();
  }
};
