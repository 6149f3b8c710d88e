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
 *    any -- alert, close, lost, timerFired, anything unexpected -> ended  send alert, stopTimer, ended
 *
 * A name that nobody bears goes the same way with a salt and a password made from our own secret: what the peer sees,
 * and when, is what it would see with a wrong password. RFC 5054 §2.5.1.3.
 */
import { setup } from "xstate";
import { bigOf, concat, equalSecrets } from "../../codecs/shared/mod.ts";
import { bytesOfInteger, primeBytes, srpGroup } from "../../codecs/tls/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import { secretOf } from "./credential.ts";
import { agreedByClient, serverHello } from "./hello.ts";
import { hashOf, sessionSecrets, verifyData } from "./prf.ts";
import { writeRecords } from "./record.ts";
import {
  contextOf,
  forgetful,
  type TlsServerAction,
  type TlsServerContext,
  type TlsServerEvent,
  type TlsServerInput,
} from "./server-context.ts";
import { refuse } from "./session.ts";
import { isPublicValue, premasterOf, scrambler, serverBase, serverPublicOf, verifierExponent } from "./srp.ts";
import {
  bodyOf,
  changeCipherSpec,
  done,
  ends,
  inClear,
  isAsked,
  isChangeCipherSpec,
  isMessage,
  opens,
  readUnder,
  say,
  timesOut,
  unexpected,
  whenever,
  whileOpen,
  writingUnder,
} from "./turns.ts";

type Decided = Decision<TlsServerContext, TlsServerAction>;

export const tlsServer = machineOf<TlsServerAction>()(
  setup({
    types: { input: {} as TlsServerInput, context: {} as TlsServerContext, events: {} as TlsServerEvent },
    actions: declared<TlsServerAction>({
      lookUp: true,
      send: true,
      power: true,
      secured: true,
      data: true,
      ended: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
    guards: {
      isPrepared: ({ context: { ending, verifier, generatorPower } }) =>
        ending === undefined && verifier !== undefined && generatorPower !== undefined,
      isPremaster: ({ context }) => context.ending === undefined && context.premaster !== undefined,
      isHandshaking: ({ context }) => !context.isOpen,
    },
  }).createMachine({
    id: "tlsServer",
    context: ({ input }) => contextOf(input),
    initial: "awaitingClientHello",
    always: ends(forgetful),
    on: {
      ...whenever,
      timerFired: { guard: "isHandshaking", ...timesOut },
      "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } },
    },
    states: {
      awaitingClientHello: {
        entry: {
          type: "startTimer",
          params: ({ context }) => ({ timer: "handshake" as const, ms: context.input.handshakeTimeoutMs }),
        },
        always: [{ guard: isMessage("clientHello"), target: "lookingUp", actions: decide(heardHello) }, unexpected],
      },
      lookingUp: { on: { found: { target: "preparing", actions: decide(prepare) } } },
      preparing: {
        on: { powered: { guard: isAsked, actions: decide(takePower) } },
        always: { guard: "isPrepared", target: "awaitingClientKeyExchange", actions: decide(answer) },
      },
      awaitingClientKeyExchange: {
        always: [{ guard: isMessage("clientKeyExchange"), target: "computing", actions: decide(exchange) }, unexpected],
      },
      computing: {
        on: { powered: { guard: isAsked, actions: decide(takePower) } },
        always: { guard: "isPremaster", target: "awaitingChangeCipherSpec", actions: decide(deriveKeys) },
      },
      awaitingChangeCipherSpec: {
        always: [
          {
            guard: isChangeCipherSpec,
            target: "awaitingFinished",
            actions: decide(
              (context: TlsServerContext): Decided => ({
                context: readUnder(context, context.secrets!.client),
              }),
            ),
          },
          unexpected,
        ],
      },
      awaitingFinished: {
        always: [{ guard: isMessage("finished"), target: "open", actions: decide(checkFinished) }, unexpected],
      },
      open: { entry: opens, on: whileOpen },
      ended: { type: "final" },
    },
  }),
);

function heardHello(context: TlsServerContext): Decided {
  const { input, chance } = context;
  const client = bodyOf(context, "clientHello");
  const agreed = agreedByClient(client, input.legacy);
  if ("ending" in agreed) return { context: agreed };
  const { userName, ...facts } = agreed;
  const hello = say({ type: "serverHello", body: serverHello(chance.random, client, facts) });
  return {
    context: done({
      ...context,
      userName,
      clientRandom: client.random,
      facts: { ...facts, group: input.group },
      hello,
    }),
    // Bytes that are not UTF-8 are nobody's name; the hashes below go by the bytes and not by this text. A byte order
    // mark stays: without it one user would have two names.
    actions: [{ type: "lookUp", userName: new TextDecoder("utf-8", { ignoreBOM: true }).decode(userName) }],
  };
}

function prepare(
  { input, chance, userName, generatorPower }: TlsServerContext,
  { credential }: Extract<TlsServerEvent, { readonly type: "found" }>,
): Decided {
  //# "If the server doesn't have a verifier for the user name, the server MAY abort the handshake with an
  //# "unknown_psk_identity" alert." (RFC 5054 §2.5.1.3)
  if (credential === undefined && input.legacy && input.tellsUnknown)
    return { context: refuse("unknownPskIdentity", "nobody bears this name") };
  const group = srpGroup(input.group);
  const secret = secretOf(credential, userName, input.keeps, input.seedKey, group);
  const power = { type: "power", base: group.generator, group: group.bits } as const;
  const actions: Array<Extract<TlsServerAction, { readonly type: "power" }>> = [];
  if ("privateKey" in secret) actions.push({ ...power, id: "verifier", exponent: secret.privateKey });
  if (generatorPower === undefined) actions.push({ ...power, id: "ours", exponent: bigOf(chance.secret) });
  return { context: { ...secret, isSimulated: credential === undefined, asked: actions.map(({ id }) => id) }, actions };
}

function takePower(
  context: TlsServerContext,
  { id, value }: Extract<TlsServerEvent, { readonly type: "powered" }>,
): Decided {
  const asked = context.asked.filter((other) => other !== id);
  if (id === "verifier") return { context: { verifier: value, asked } };
  if (id === "ours") return { context: { generatorPower: value, asked } };
  if (id === "premaster") return { context: { premaster: value, asked } };
  const group = srpGroup(context.input.group);
  const base = serverBase(context.clientPublic, value, group);
  const exponent = bigOf(context.chance.secret);
  return {
    context: { asked: ["premaster"] },
    actions: [{ type: "power", id: "premaster", base, exponent, group: group.bits }],
  };
}

function answer({ input, verifier, generatorPower, transcript, hello, salt }: TlsServerContext): Decided {
  const group = srpGroup(input.group);
  const serverPublic = serverPublicOf(verifier!, generatorPower!, group);
  const exchange = say({
    type: "serverKeyExchange",
    body: {
      prime: primeBytes(group),
      generator: bytesOfInteger(group.generator),
      salt,
      serverPublic: bytesOfInteger(serverPublic),
    },
  });
  const flight = concat(hello, exchange, say({ type: "serverHelloDone", body: {} }));
  return {
    context: { serverPublic, transcript: concat(transcript, flight) },
    actions: [{ type: "send", bytes: inClear("handshake", flight) }],
  };
}

function exchange(context: TlsServerContext): Decided {
  const group = srpGroup(context.input.group);
  const clientPublic = bigOf(bodyOf(context, "clientKeyExchange").clientPublic);
  if (!isPublicValue(clientPublic, group)) return { context: refuse("illegalParameter", "A % N = 0, or A beyond N") };
  const scramble = scrambler(clientPublic, context.serverPublic, group);
  const { privateKey } = context;
  const power =
    privateKey === undefined
      ? { base: context.verifier!, exponent: scramble }
      : { base: group.generator, exponent: verifierExponent(scramble, privateKey) };
  return {
    context: done({ ...context, clientPublic, asked: ["scrambled"] }),
    actions: [{ type: "power", id: "scrambled", ...power, group: group.bits }],
  };
}

function deriveKeys(context: TlsServerContext): Decided {
  const randoms = { client: context.clientRandom, server: context.chance.random };
  const premaster = premasterOf(context.premaster!);
  const sessionHash = hashOf(context.transcript);
  return { context: { sessionHash, secrets: sessionSecrets(premaster, randoms, sessionHash, context.facts!) } };
}

//# "If either the client or the server calculates an incorrect premaster secret, the finished messages will fail to
//# decrypt properly, and the other party will return a "bad_record_mac" alert." (RFC 5054 §2.6)
function checkFinished(context: TlsServerContext): Decided {
  const secrets = context.secrets!;
  const expected = verifyData(secrets.master, "client finished", context.sessionHash);
  if (context.isSimulated) return { context: refuse("badRecordMac", "nobody bears this name") };
  if (!equalSecrets(expected, bodyOf(context, "finished").verifyData))
    return { context: refuse("decryptError", "the client's Finished is wrong") };
  const heard = done(forgetful(context));
  const finished = say({
    type: "finished",
    body: { verifyData: verifyData(secrets.master, "server finished", hashOf(heard.transcript)) },
  });
  const { bytes, write } = writeRecords(writingUnder(context, secrets.server), "handshake", finished);
  return {
    context: { ...heard, write },
    actions: [{ type: "send", bytes: concat(changeCipherSpec(), bytes) }],
  };
}
