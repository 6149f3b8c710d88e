/**
 * The server's side of a TLS 1.2 handshake with SRP, and the session after it. RFC 5246 §7.3, RFC 5054 §2.2.
 *
 *    o -- startTimer --> awaitingClientHello -- ClientHello --> lookingUp    lookUp
 *       preparing <-- found ------------------------------------+            power g^x, power g^b unless it is there
 *        |-- both powers --> awaitingClientKeyExchange           send ServerHello, N g s B, ServerHelloDone
 *                             |-- A --> computing                power v^u = g^(ux), then power premaster
 *       awaitingChangeCipherSpec <-- premaster --+
 *        |-- ChangeCipherSpec --> awaitingFinished -- Finished --> open   send both, stopTimer, secured
 *                                                                   |-- received: data    sendData: send
 *    any -- alert, close, lost, timerFired, any other message -> ended  send alert, stopTimer, ended
 *
 * An unknown user name goes the same way, with a salt and a password made from a secret of ours: what the peer sees, and
 * when, is what it would see with a wrong password. RFC 5054 §2.5.1.3.
 */
import { bigOf, concat, equalSecrets } from "../../codecs/shared/mod.ts";
import { bytesOfInteger, primeBytes, srpGroup } from "../../codecs/tls/mod.ts";
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
import { secretOf } from "./credential.ts";
import { agreedByClient, serverHello } from "./hello.ts";
import { hashOf, sessionSecrets, verifyData } from "./prf.ts";
import { writeRecords } from "./record.ts";
import {
  contextOf,
  type TlsServerAction,
  type TlsServerContext,
  type TlsServerEvent,
  type TlsServerInput,
  withoutHandshake,
} from "./server-session.ts";
import { refuse } from "./session.ts";
import { isPublicValue, premasterOf, scrambler, serverBase, serverPublicOf, verifierExponent } from "./srp.ts";

const { machine, assign, decide, give } = setup<{
  input: TlsServerInput;
  context: TlsServerContext;
  event: TlsServerEvent;
  order: TlsServerAction;
}>();
type Decided<K extends TlsServerAction["type"]> = Decision<TlsServerContext, Of<TlsServerAction, K>>;

const isClientHello = (context: TlsServerContext): boolean => isMessage(context, "clientHello");
const isClientKeyExchange = (context: TlsServerContext): boolean => isMessage(context, "clientKeyExchange");
const hasPowers = ({ ending, verifier, generatorPower }: TlsServerContext): boolean =>
  ending === undefined && verifier !== undefined && generatorPower !== undefined;
const hasPremaster = ({ ending, premaster }: TlsServerContext): boolean =>
  ending === undefined && premaster !== undefined;

const onPower = { guard: isRequestedPower, actions: decide(["power"], withPower) };

export const tlsServer = machine("tlsServer", {
  context: contextOf,
  initial: "awaitingClientHello",
  always: { guard: hasEnding, target: "ended", actions: [assign(withoutHandshake), endSession] },
  on: inAnyState,
  timers: { handshake: handshakeTimeout },
  states: {
    awaitingClientHello: {
      entry: give("startTimer", ({ input }) => ({ timer: "handshake", ms: input.handshakeTimeoutMs })),
      always: [{ guard: isClientHello, target: "lookingUp", actions: decide(["lookUp"], acceptHello) }, onOtherUnit],
    },
    lookingUp: { on: { found: { target: "preparing", actions: decide(["power"], prepare) } } },
    preparing: {
      on: { powered: onPower },
      always: { guard: hasPowers, target: "awaitingClientKeyExchange", actions: decide(["send"], sendParams) },
    },
    awaitingClientKeyExchange: {
      always: [
        { guard: isClientKeyExchange, target: "computing", actions: decide(["power"], acceptPublicValue) },
        onOtherUnit,
      ],
    },
    computing: {
      on: { powered: onPower },
      always: { guard: hasPremaster, target: "awaitingChangeCipherSpec", actions: assign(withSecrets) },
    },
    awaitingChangeCipherSpec: {
      always: [
        {
          guard: isChangeCipherSpec,
          target: "awaitingFinished",
          actions: assign((context) => readingWith(context, context.secrets!.client)),
        },
        onOtherUnit,
      ],
    },
    awaitingFinished: {
      always: [{ guard: isFinished, target: "open", actions: decide(["send"], checkFinished) }, onOtherUnit],
    },
    open: { entry: openSession, on: whileOpen },
    ended: { type: "final" },
  },
});

function acceptHello(context: TlsServerContext): Decided<"lookUp"> {
  const { input, randomness } = context;
  const client = messageOf(context, "clientHello").body;
  const agreed = agreedByClient(client, input.legacy);
  if ("ending" in agreed) return { context: agreed };
  const { userName, ...facts } = agreed;
  const hello = handshakeBytes({ type: "serverHello", body: serverHello(randomness.random, client, facts) });
  return {
    context: afterUnit({
      ...context,
      userName,
      clientRandom: client.random,
      facts: { ...facts, group: input.group },
      hello,
    }),
    // Bytes that are not UTF-8 name no user; hashes are made of the bytes and not of this text. A byte order mark is
    // kept: without it one user would have two names.
    actions: [{ type: "lookUp", userName: new TextDecoder("utf-8", { ignoreBOM: true }).decode(userName) }],
  };
}

function prepare(
  { input, randomness, userName, generatorPower }: TlsServerContext,
  { credential }: Of<TlsServerEvent, "found">,
): Decided<"power"> {
  //# "If the server doesn't have a verifier for the user name, the server MAY abort the handshake with an
  //# "unknown_psk_identity" alert." (RFC 5054 §2.5.1.3)
  if (credential === undefined && input.legacy && input.refusesUnknown)
    return { context: refuse("unknownPskIdentity", "unknown user name") };
  const group = srpGroup(input.group);
  const secret = secretOf(credential, userName, input.storedAs, input.seedKey, group);
  const power = { type: "power", base: group.generator, group: group.bits } as const;
  const actions: Array<Of<TlsServerAction, "power">> = [];
  if ("privateKey" in secret) actions.push({ ...power, id: "verifier", exponent: secret.privateKey });
  if (generatorPower === undefined) actions.push({ ...power, id: "ours", exponent: bigOf(randomness.secret) });
  return { context: { ...secret, isSimulated: credential === undefined, asked: actions.map(({ id }) => id) }, actions };
}

function withPower(context: TlsServerContext, { id, value }: Of<TlsServerEvent, "powered">): Decided<"power"> {
  const asked = context.asked.filter((other) => other !== id);
  if (id === "verifier") return { context: { verifier: value, asked } };
  if (id === "ours") return { context: { generatorPower: value, asked } };
  if (id === "premaster") return { context: { premaster: value, asked } };
  const group = srpGroup(context.input.group);
  const base = serverBase(context.clientPublic, value, group);
  const exponent = bigOf(context.randomness.secret);
  return {
    context: { asked: ["premaster"] },
    actions: [{ type: "power", id: "premaster", base, exponent, group: group.bits }],
  };
}

/** ServerHello, ServerKeyExchange and ServerHelloDone in one flight. RFC 5246 §7.3. */
function sendParams({ input, verifier, generatorPower, transcript, hello, salt }: TlsServerContext): Decided<"send"> {
  const group = srpGroup(input.group);
  const serverPublic = serverPublicOf(verifier!, generatorPower!, group);
  const exchange = handshakeBytes({
    type: "serverKeyExchange",
    body: {
      prime: primeBytes(group),
      generator: bytesOfInteger(group.generator),
      salt,
      serverPublic: bytesOfInteger(serverPublic),
    },
  });
  const flight = concat(hello, exchange, handshakeBytes({ type: "serverHelloDone", body: {} }));
  return {
    context: { serverPublic, transcript: concat(transcript, flight) },
    actions: [{ type: "send", bytes: inClear("handshake", flight) }],
  };
}

function acceptPublicValue(context: TlsServerContext): Decided<"power"> {
  const group = srpGroup(context.input.group);
  const clientPublic = bigOf(messageOf(context, "clientKeyExchange").body.clientPublic);
  if (!isPublicValue(clientPublic, group)) return { context: refuse("illegalParameter", "A % N = 0, or A beyond N") };
  const scramble = scrambler(clientPublic, context.serverPublic, group);
  const { privateKey } = context;
  const power =
    privateKey === undefined
      ? { base: context.verifier!, exponent: scramble }
      : { base: group.generator, exponent: verifierExponent(scramble, privateKey) };
  return {
    context: afterUnit({ ...context, clientPublic, asked: ["scrambled"] }),
    actions: [{ type: "power", id: "scrambled", ...power, group: group.bits }],
  };
}

function withSecrets(context: TlsServerContext): Partial<TlsServerContext> {
  const randoms = { client: context.clientRandom, server: context.randomness.random };
  const premaster = premasterOf(context.premaster!);
  const sessionHash = hashOf(context.transcript);
  return { sessionHash, secrets: sessionSecrets(premaster, randoms, sessionHash, context.facts!) };
}

//# "If either the client or the server calculates an incorrect premaster secret, the finished messages will fail to
//# decrypt properly, and the other party will return a "bad_record_mac" alert." (RFC 5054 §2.6)
function checkFinished(context: TlsServerContext): Decided<"send"> {
  const secrets = context.secrets!;
  const expected = verifyData(secrets.master, "client finished", context.sessionHash);
  if (context.isSimulated) return { context: refuse("badRecordMac", "unknown user name") };
  if (!equalSecrets(expected, messageOf(context, "finished").body.verifyData))
    return { context: refuse("decryptError", "the client's Finished is wrong") };
  const next = afterUnit(withoutHandshake(context));
  const finished = handshakeBytes({
    type: "finished",
    body: { verifyData: verifyData(secrets.master, "server finished", hashOf(next.transcript)) },
  });
  const { bytes, write } = writeRecords(writingWith(context, secrets.server), "handshake", finished);
  return {
    context: { ...next, write },
    actions: [{ type: "send", bytes: concat(changeCipherSpec, bytes) }],
  };
}
