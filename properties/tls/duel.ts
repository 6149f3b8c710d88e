/** A client's and a server's machine, joined without a network: every byte may be cut, changed or looked at on its way. */

import { concat } from "../../codecs/shared/mod.ts";
import type { SrpGroupBits } from "../../codecs/tls/mod.ts";
import { srpGroup } from "../../codecs/tls/mod.ts";
import {
  type PowerId,
  type SrpCredential,
  type TlsClientInput,
  type TlsFacts,
  type TlsOutcome,
  type TlsServerAction,
  type TlsServerInput,
  tlsClient,
  tlsServer,
} from "../../machines/tls/mod.ts";
import { powerHere } from "../../runtime/arithmetic.ts";
import { clientInput, rightCredential, serverInput } from "./inputs.ts";

export { clientInput, rightCredential, serverInput } from "./inputs.ts";

export type Side = "client" | "server";

export interface DuelOptions {
  readonly client?: Partial<TlsClientInput>;
  readonly server?: Partial<TlsServerInput>;
  readonly credential?: SrpCredential | undefined;
  /** What each side says once it is secured. */
  readonly says?: { readonly [S in Side]?: ReadonlyArray<Uint8Array> };
  /** What becomes of a piece on its way; `count` numbers the pieces of one direction. */
  readonly carry?: (from: Side, bytes: Uint8Array, count: number) => ReadonlyArray<Uint8Array>;
  /** Replaces a power's value on its way back. */
  readonly powered?: (side: Side, id: PowerId, value: bigint) => bigint;
  /** Sees each machine's context as it is when what it sends is on its way. */
  readonly sees?: (side: Side, context: any) => void;
  /** Sees each event before a machine takes it. */
  readonly tells?: (side: Side, event: unknown) => void;
  /** Who hangs up when there is nothing left to do. Default: nobody. */
  readonly closes?: Side;
}

export interface Duelist {
  readonly sent: Array<Uint8Array>;
  readonly heard: Array<Uint8Array>;
  facts: TlsFacts | undefined;
  outcome: TlsOutcome | undefined;
  lookedUp: string | undefined;
}

const powers = new Map<string, bigint>();
const keyOf = (base: bigint, exponent: bigint, bits: SrpGroupBits): string =>
  `${bits};${base.toString(36)};${exponent.toString(36)}`;
/** One that some duel here has needed. */
export const knownPower = (base: bigint, exponent: bigint, bits: SrpGroupBits): bigint | undefined =>
  powers.get(keyOf(base, exponent, bits));
/** Each power once: the same handshake is played many times. */
export const power = (base: bigint, exponent: bigint, bits: SrpGroupBits): bigint => {
  const key = keyOf(base, exponent, bits);
  const known = powers.get(key) ?? powerHere(base, exponent, srpGroup(bits));
  if (powers.size < 10_000) powers.set(key, known);
  return known;
};

type Machine = typeof tlsClient | typeof tlsServer;
interface Seat {
  readonly machine: Machine;
  snapshot: any;
}

export const duel = (options: DuelOptions = {}): { readonly [S in Side]: Duelist } => {
  const newcomer = (): Duelist => ({
    sent: [],
    heard: [],
    facts: undefined,
    outcome: undefined,
    lookedUp: undefined,
  });
  const found = { client: newcomer(), server: newcomer() };
  const credential = "credential" in options ? options.credential : rightCredential;
  const events: Array<{ readonly to: Side; readonly event: any }> = [];
  const counts = { client: 0, server: 0 };
  const seats: { readonly [S in Side]: Seat } = {
    client: { machine: tlsClient, snapshot: undefined },
    server: { machine: tlsServer, snapshot: undefined },
  };

  const perform = (side: Side, action: TlsServerAction): void => {
    const self = found[side];
    const other = side === "client" ? "server" : "client";
    switch (action.type) {
      case "send": {
        self.sent.push(action.bytes);
        const pieces = options.carry?.(side, action.bytes, counts[side]++) ?? [action.bytes];
        for (const bytes of pieces) events.push({ to: other, event: { type: "received", bytes } });
        return;
      }
      case "power": {
        const value = power(action.base, action.exponent, action.group);
        const shown = options.powered?.(side, action.id, value) ?? value;
        events.push({ to: side, event: { type: "powered", id: action.id, value: shown } });
        return;
      }
      case "lookUp":
        self.lookedUp = action.userName;
        events.push({ to: side, event: { type: "found", credential } });
        return;
      case "secured": {
        const { type: _, ...facts } = action;
        self.facts = facts;
        for (const bytes of options.says?.[side] ?? []) events.push({ to: side, event: { type: "sendData", bytes } });
        return;
      }
      case "data":
        self.heard.push(action.bytes);
        return;
      case "ended":
        self.outcome = action.outcome;
        return;
    }
  };
  const take = (side: Side, step: { readonly snapshot: any; readonly actions: ReadonlyArray<TlsServerAction> }) => {
    seats[side].snapshot = step.snapshot;
    options.sees?.(side, step.snapshot.context);
    for (const action of step.actions) perform(side, action);
  };
  const tell = (side: Side, event: any) => {
    const { machine, snapshot } = seats[side];
    options.tells?.(side, event);
    if (!machine.isDone(snapshot)) take(side, machine.step(snapshot, event as never));
  };

  take("server", tlsServer.start({ ...serverInput, ...options.server }));
  take("client", tlsClient.start({ ...clientInput, ...options.client }));
  const run = () => {
    for (let next = events.shift(); next !== undefined; next = events.shift()) tell(next.to, next.event);
  };
  run();
  if (options.closes !== undefined) {
    tell(options.closes, { type: "close" });
    run();
  }
  return found;
};

export const allHeard = ({ heard }: Duelist): Uint8Array => concat(...heard);
