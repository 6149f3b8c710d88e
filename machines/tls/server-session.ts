/** Input, events, orders and context of the server's side of a handshake. */
import type { SrpGroupBits } from "../../codecs/tls/mod.ts";
import type { SrpCredential } from "./credential.ts";
import type { SessionSecrets } from "./prf.ts";
import { newSession, type TlsAction, type TlsEvent, type TlsRandomness, type TlsSession } from "./session.ts";

/** What one handshake of a server needs; `handshakeTimeoutMs` in ms, `group` in bits of N. */
export interface TlsServerInput {
  readonly randomness: TlsRandomness;
  /** g^b modulo N for the secret b in `chance`, if it was computed ahead; otherwise it is ordered. */
  readonly generatorPower?: bigint | undefined;
  /** Secret, and the same for all handshakes: salts are made from it, and what simulates unknown users. */
  readonly seedKey: Uint8Array;
  /** What this server stores of its users, and so what it simulates for unknown ones. */
  readonly storedAs: SrpCredential["type"];
  readonly group: SrpGroupBits;
  readonly handshakeTimeoutMs: number;
  /** Talks to stacks that lack extended_master_secret, encrypt_then_mac or renegotiation_info. */
  readonly legacy: boolean;
  /** Refuses unknown users with unknown_psk_identity, if `legacy` is set too. Default false: they are simulated. */
  readonly refusesUnknown?: boolean;
}

/** `found` answers `lookUp`; undefined: no such user. */
export type TlsServerEvent = TlsEvent | { readonly type: "found"; readonly credential: SrpCredential | undefined };
/** `lookUp` asks what is stored of a user, once per handshake; `found` answers it. */
export type TlsServerAction = TlsAction | { readonly type: "lookUp"; readonly userName: string };

export interface TlsServerContext extends TlsSession {
  readonly input: TlsServerInput;
  readonly clientRandom: Uint8Array;
  readonly userName: Uint8Array;
  readonly isSimulated: boolean;
  readonly salt: Uint8Array;
  readonly verifier: bigint | undefined;
  /** x, if the server stores a password and not a verifier. */
  readonly privateKey: bigint | undefined;
  /** g^b */
  readonly generatorPower: bigint | undefined;
  readonly serverPublic: bigint;
  readonly clientPublic: bigint;
  readonly premaster: bigint | undefined;
  readonly secrets: SessionSecrets | undefined;
  /** Hash of the transcript from which the secrets were made; the client's Finished covers the same. */
  readonly sessionHash: Uint8Array;
  /** ServerHello, sent with the rest of its flight once B is known. */
  readonly hello: Uint8Array;
}
const empty = new Uint8Array();

/** Before the first event. */
export const contextOf = (input: TlsServerInput): TlsServerContext => ({
  ...newSession("server", input.randomness),
  input,
  userName: empty,
  isSimulated: false,
  salt: empty,
  verifier: undefined,
  privateKey: undefined,
  generatorPower: input.generatorPower,
  serverPublic: 0n,
  clientPublic: 0n,
  premaster: undefined,
  secrets: undefined,
  sessionHash: empty,
  clientRandom: empty,
  hello: empty,
});

/** Without what only the handshake needs, its secrets first of all. */
export function withoutHandshake(context: TlsServerContext): TlsServerContext {
  const { randomness, input } = context;
  const less = { ...randomness, secret: empty };
  return {
    ...context,
    randomness: less,
    clientRandom: empty,
    userName: empty,
    salt: empty,
    sessionHash: empty,
    hello: empty,
    input: { ...input, randomness: { ...less, ivKey: empty }, generatorPower: undefined },
    verifier: undefined,
    privateKey: undefined,
    generatorPower: undefined,
    premaster: undefined,
    secrets: undefined,
  };
}
