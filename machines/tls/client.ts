/**
 * The client's side of a TLS 1.2 handshake with SRP, and the session after it. RFC 5246 §7.3, RFC 5054 §2.2.
 *
 *    o -- send ClientHello, startTimer --> awaitingServerHello -- ServerHello -->
 *      awaitingServerKeyExchange -- N, g, s, B --> awaitingServerHelloDone            power A = g^a, power g^x
 *                                                    |-- ServerHelloDone --> computing   power premaster
 *      awaitingChangeCipherSpec <-- both powers -----+        send ClientKeyExchange, ChangeCipherSpec, Finished
 *        |-- ChangeCipherSpec --> awaitingFinished -- Finished --> open   stopTimer, secured
 *                                                                  |-- received: data     sendData: send
 *    any -- alert, close, lost, timerFired, any other message -> ended  send alert, stopTimer, ended
 *
 * DECISIONS.md D-020, D-026.
 */
import { bigOf, concat, equalSecrets, utf8 } from "../../codecs/shared/mod.ts";
import {
  bytesOfInteger,
  type SrpGroup,
  type SrpGroupBits,
  srpGroup,
  type TlsServerSrpParams,
} from "../../codecs/tls/mod.ts";
import { type Decision, type Of, setup } from "../kit/mod.ts";
import {
  afterUnit,
  changeCipherSpec,
  endSession,
  handshakeBytes,
  handshakeTimeout,
  hasEnding,
  inAnyState,
  inClear,
  isChangeCipherSpec,
  isFinished,
  isMessage,
  isRequestedPower,
  messageOf,
  onOtherUnit,
  openSession,
  readingWith,
  whileOpen,
  writingWith,
} from "./common.ts";
import { agreedByServer, clientHello, trustedGroup } from "./hello.ts";
import { hashOf, type SessionSecrets, sessionSecrets, verifyData } from "./prf.ts";
import { writeRecords } from "./record.ts";
import { newSession, refuse, type TlsAction, type TlsEvent, type TlsRandomness, type TlsSession } from "./session.ts";
import { clientBase, clientExponent, isPublicValue, premasterOf, privateKeyOf, scrambler } from "./srp.ts";

/** What one handshake of a client needs: its user, its chance, and the groups that it computes in. */
export interface TlsClientInput {
  readonly userName: string;
  readonly password: string;
  readonly randomness: TlsRandomness;
  readonly handshakeTimeoutMs: number;
  /** Groups of fewer bits are refused with insufficient_security. */
  readonly groupBitsMin: SrpGroupBits;
  /** Groups of more bits are refused with insufficient_security too. Default `GROUP_BITS_MAX`. */
  readonly groupBitsMax?: SrpGroupBits;
  /** Talks to stacks that lack extended_master_secret, encrypt_then_mac or renegotiation_info. */
  readonly legacy: boolean;
}

/** The group in which any server may have us compute: 4 ms to 20 ms a power, by the runtime. */
const GROUP_BITS_MAX: SrpGroupBits = 4096;

interface TlsClientContext extends TlsSession {
  readonly input: TlsClientInput;
  readonly serverRandom: Uint8Array;
  /** x, from the salt and the password. */
  readonly privateKey: bigint;
  readonly serverPublic: bigint;
  readonly clientPublic: bigint | undefined;
  readonly verifier: bigint | undefined;
  readonly premaster: bigint | undefined;
  readonly secrets: SessionSecrets | undefined;
}

const empty = new Uint8Array();

const contextOf = (input: TlsClientInput): TlsClientContext => ({
  ...newSession("client", input.randomness),
  input,
  serverRandom: empty,
  privateKey: 0n,
  serverPublic: 0n,
  clientPublic: undefined,
  verifier: undefined,
  premaster: undefined,
  secrets: undefined,
});

const { machine, assign, decide, give } = setup<{
  input: TlsClientInput;
  context: TlsClientContext;
  event: TlsEvent;
  order: TlsAction;
}>();
type Decided<K extends TlsAction["type"]> = Decision<TlsClientContext, Of<TlsAction, K>>;

const isServerHello = (context: TlsClientContext): boolean => isMessage(context, "serverHello");
const isServerKeyExchange = (context: TlsClientContext): boolean => isMessage(context, "serverKeyExchange");
const isServerHelloDone = (context: TlsClientContext): boolean => isMessage(context, "serverHelloDone");
const hasPremaster = ({ ending, premaster }: TlsClientContext): boolean =>
  ending === undefined && premaster !== undefined;

const onPower = { guard: isRequestedPower, actions: decide(["power"], withPower) };

export const tlsClient = machine("tlsClient", {
  context: contextOf,
  initial: "awaitingServerHello",
  always: { guard: hasEnding, target: "ended", actions: [assign(withoutHandshake), endSession] },
  on: inAnyState,
  timers: { handshake: handshakeTimeout },
  states: {
    awaitingServerHello: {
      entry: [
        give("startTimer", ({ input }) => ({ timer: "handshake", ms: input.handshakeTimeoutMs })),
        decide(["send"], sendHello),
      ],
      always: [
        { guard: isServerHello, target: "awaitingServerKeyExchange", actions: assign(acceptHello) },
        onOtherUnit,
      ],
    },
    awaitingServerKeyExchange: {
      always: [
        { guard: isServerKeyExchange, target: "awaitingServerHelloDone", actions: decide(["power"], acceptParams) },
        onOtherUnit,
      ],
    },
    awaitingServerHelloDone: {
      on: { powered: onPower },
      always: [{ guard: isServerHelloDone, target: "computing", actions: assign(afterUnit) }, onOtherUnit],
    },
    computing: {
      on: { powered: onPower },
      always: { guard: hasPremaster, target: "awaitingChangeCipherSpec", actions: decide(["send"], sendFinished) },
    },
    awaitingChangeCipherSpec: {
      always: [
        {
          guard: isChangeCipherSpec,
          target: "awaitingFinished",
          actions: assign((context) => readingWith(context, context.secrets!.server)),
        },
        onOtherUnit,
      ],
    },
    awaitingFinished: {
      always: [{ guard: isFinished, target: "open", actions: assign(checkFinished) }, onOtherUnit],
    },
    open: { entry: openSession, on: whileOpen },
    ended: { type: "final" },
  },
});

function sendHello({ input, randomness }: TlsClientContext): Decided<"send"> {
  const hello = handshakeBytes({ type: "clientHello", body: clientHello(randomness.random, input.userName) });
  return { context: { transcript: hello }, actions: [{ type: "send", bytes: inClear("handshake", hello) }] };
}

function acceptHello(context: TlsClientContext): Partial<TlsClientContext> {
  const hello = messageOf(context, "serverHello").body;
  const agreed = agreedByServer(hello, context.input.legacy);
  if ("ending" in agreed) return agreed;
  return afterUnit({
    ...context,
    serverRandom: hello.random,
    facts: { ...agreed, group: context.input.groupBitsMin },
  });
}

function acceptParams(context: TlsClientContext): Decided<"power"> {
  const params = messageOf(context, "serverKeyExchange").body;
  const { groupBitsMin, groupBitsMax = GROUP_BITS_MAX } = context.input;
  const group = trustedGroup(params, groupBitsMin, groupBitsMax);
  if ("ending" in group) return { context: group };
  const serverPublic = bigOf(params.serverPublic);
  if (!isPublicValue(serverPublic, group)) return { context: refuse("illegalParameter", "B % N = 0, or B beyond N") };
  return askPowers(context, params, group, serverPublic);
}

/** A = g^a, and the verifier v = g^x that the premaster secret needs. RFC 5054 §2.6. */
function askPowers(
  context: TlsClientContext,
  { salt }: TlsServerSrpParams,
  group: SrpGroup,
  serverPublic: bigint,
): Decided<"power"> {
  const { userName, password } = context.input;
  const privateKey = privateKeyOf(salt, utf8(userName), utf8(password));
  const base = group.generator;
  const facts = { ...context.facts!, group: group.bits };
  return {
    context: afterUnit({ ...context, facts, privateKey, serverPublic, asked: ["ours", "verifier"] }),
    actions: [
      { type: "power", id: "ours", base, exponent: bigOf(context.randomness.secret), group: group.bits },
      { type: "power", id: "verifier", base, exponent: privateKey, group: group.bits },
    ],
  };
}

function withPower(context: TlsClientContext, { id, value }: Of<TlsEvent, "powered">): Decided<"power"> {
  if (id === "premaster") return { context: { premaster: value, asked: [] } };
  const clientPublic = id === "ours" ? value : context.clientPublic;
  const verifier = id === "verifier" ? value : context.verifier;
  if (clientPublic === undefined || verifier === undefined)
    return { context: { clientPublic, verifier, asked: context.asked.filter((asked) => asked !== id) } };
  const group = srpGroup(context.facts!.group);
  const scramble = scrambler(clientPublic, context.serverPublic, group);
  const base = clientBase(context.serverPublic, verifier, group);
  const exponent = clientExponent(bigOf(context.randomness.secret), scramble, context.privateKey);
  return {
    context: { clientPublic, verifier, asked: ["premaster"] },
    actions: [{ type: "power", id: "premaster", base, exponent, group: group.bits }],
  };
}

/** ClientKeyExchange, ChangeCipherSpec and Finished in one flight. RFC 5246 §7.3. */
function sendFinished(context: TlsClientContext): Decided<"send"> {
  const exchange = handshakeBytes({
    type: "clientKeyExchange",
    body: { clientPublic: bytesOfInteger(context.clientPublic!) },
  });
  const throughExchange = concat(context.transcript, exchange);
  const sessionHash = hashOf(throughExchange);
  const randoms = { client: context.randomness.random, server: context.serverRandom };
  const secrets = sessionSecrets(premasterOf(context.premaster!), randoms, sessionHash, context.facts!);
  const finished = handshakeBytes({
    type: "finished",
    body: { verifyData: verifyData(secrets.master, "client finished", sessionHash) },
  });
  const { bytes, write } = writeRecords(writingWith(context, secrets.client), "handshake", finished);
  return {
    context: { secrets, write, transcript: concat(throughExchange, finished) },
    actions: [{ type: "send", bytes: concat(inClear("handshake", exchange), changeCipherSpec, bytes) }],
  };
}

function checkFinished(context: TlsClientContext): Partial<TlsClientContext> {
  const expected = verifyData(context.secrets!.master, "server finished", hashOf(context.transcript));
  const isRight = equalSecrets(expected, messageOf(context, "finished").body.verifyData);
  return isRight ? afterUnit(withoutHandshake(context)) : refuse("decryptError", "the server's Finished is wrong");
}

/** Without what only the handshake needs, its secrets first of all. */
function withoutHandshake(context: TlsClientContext): TlsClientContext {
  const { randomness, input } = context;
  const less = { ...randomness, secret: empty };
  return {
    ...context,
    randomness: less,
    serverRandom: empty,
    input: { ...input, password: "", randomness: { ...less, ivKey: empty } },
    privateKey: 0n,
    verifier: undefined,
    premaster: undefined,
    secrets: undefined,
  };
}
