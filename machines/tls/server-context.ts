/** What the server's side of a handshake is given, hears, orders and remembers. */
import type { SrpGroupBits } from "../../codecs/tls/mod.ts";
import type { SrpCredential } from "./credential.ts";
import type { SessionSecrets } from "./prf.ts";
import { newSession, type TlsAction, type TlsChance, type TlsEvent, type TlsSession } from "./session.ts";

export interface TlsServerInput {
  readonly chance: TlsChance;
  /** g^b modulo N for the chance's secret b, where it was computed ahead; else it is asked for. */
  readonly generatorPower?: bigint | undefined;
  /** Secret and the same for all handshakes: makes the salts, and the users that do not exist. */
  readonly seedKey: Uint8Array;
  /** What this server keeps, and so what it simulates. */
  readonly keeps: SrpCredential["type"];
  readonly group: SrpGroupBits;
  readonly handshakeTimeoutMs: number;
  /** Talks to stacks that lack extended_master_secret, encrypt_then_mac or renegotiation_info. */
  readonly legacy: boolean;
  /** Tells who is unknown by unknown_psk_identity, where `legacy` is set too. Default false: they are simulated. */
  readonly tellsUnknown?: boolean;
}

/** The answer to `lookUp`: undefined when nobody bears the name. */
export type TlsServerEvent = TlsEvent | { readonly type: "found"; readonly credential: SrpCredential | undefined };
export type TlsServerAction = TlsAction | { readonly type: "lookUp"; readonly userName: string };

export interface TlsServerContext extends TlsSession {
  readonly input: TlsServerInput;
  readonly clientRandom: Uint8Array;
  readonly userName: Uint8Array;
  readonly isSimulated: boolean;
  readonly salt: Uint8Array;
  readonly verifier: bigint | undefined;
  /** x, where a password is kept and not a verifier. */
  readonly privateKey: bigint | undefined;
  /** g^b */
  readonly generatorPower: bigint | undefined;
  readonly serverPublic: bigint;
  readonly clientPublic: bigint;
  readonly premaster: bigint | undefined;
  readonly secrets: SessionSecrets | undefined;
  /** Of the transcript as it was when the secrets were made: the client's Finished speaks of the same. */
  readonly sessionHash: Uint8Array;
  /** ServerHello, kept until the rest of its flight is known. */
  readonly hello: Uint8Array;
}
const nothingYet = new Uint8Array();

/** Before the first event. */
export const contextOf = (input: TlsServerInput): TlsServerContext => ({
  ...newSession("server", input.chance),
  input,
  userName: nothingYet,
  isSimulated: false,
  salt: nothingYet,
  verifier: undefined,
  privateKey: undefined,
  generatorPower: input.generatorPower,
  serverPublic: 0n,
  clientPublic: 0n,
  premaster: undefined,
  secrets: undefined,
  sessionHash: nothingYet,
  clientRandom: nothingYet,
  hello: nothingYet,
});

/** Without what only the handshake needed. */
export function forgetful(context: TlsServerContext): TlsServerContext {
  const { chance, input } = context;
  const less = { ...chance, secret: nothingYet };
  return {
    ...context,
    chance: less,
    clientRandom: nothingYet,
    userName: nothingYet,
    salt: nothingYet,
    sessionHash: nothingYet,
    hello: nothingYet,
    input: { ...input, chance: { ...less, ivKey: nothingYet }, generatorPower: undefined },
    verifier: undefined,
    privateKey: undefined,
    generatorPower: undefined,
    premaster: undefined,
    secrets: undefined,
  };
}
