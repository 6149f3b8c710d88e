/**
 * The client's side of a TLS 1.2 handshake with SRP, and the session after it. RFC 5246 §7.3, RFC 5054 §2.2.
 *
 *    o -- send ClientHello, startTimer --> awaitingServerHello -- ServerHello -->
 *      awaitingServerKeyExchange -- N, g, s, B --> awaitingServerHelloDone            power A = g^a, power g^x
 *                                                    |-- ServerHelloDone --> computing   power premaster
 *      awaitingChangeCipherSpec <-- both powers -----+        send ClientKeyExchange, ChangeCipherSpec, Finished
 *        |-- ChangeCipherSpec --> awaitingFinished -- Finished --> open   stopTimer, secured
 *                                                                  |-- received: data     sendData: send
 *    any -- alert, close, lost, timerFired, anything unexpected -> ended  send alert, stopTimer, ended
 *
 * DECISIONS.md D-020, D-026.
 */
import { setup } from "xstate";
import { bigOf, concat, equalSecrets, utf8 } from "../../codecs/shared/mod.ts";
import {
  bytesOfInteger,
  type SrpGroup,
  type SrpGroupBits,
  srpGroup,
  type TlsServerSrpParams,
} from "../../codecs/tls/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import { agreedByServer, clientHello, trustedGroup } from "./hello.ts";
import { hashOf, type SessionSecrets, sessionSecrets, verifyData } from "./prf.ts";
import { writeRecords } from "./record.ts";
import { newSession, refuse, type TlsAction, type TlsChance, type TlsEvent, type TlsSession } from "./session.ts";
import { clientBase, clientExponent, isPublicValue, premasterOf, privateKeyOf, scrambler } from "./srp.ts";
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

export interface TlsClientInput {
  readonly userName: string;
  readonly password: string;
  readonly chance: TlsChance;
  readonly handshakeTimeoutMs: number;
  /** Groups of fewer bits are refused with insufficient_security. */
  readonly groupBitsMin: SrpGroupBits;
  /** ... and of more; default `GROUP_BITS_MAX`. */
  readonly groupBitsMax?: SrpGroupBits;
  /** Talks to stacks that lack extended_master_secret, encrypt_then_mac or renegotiation_info. */
  readonly legacy: boolean;
}

/** What a stranger may make us compute in, unless we are told otherwise: 4 ms to 20 ms a power, by the runtime. */
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
type Decided = Decision<TlsClientContext, TlsAction>;

const nothingYet = new Uint8Array();

const contextOf = (input: TlsClientInput): TlsClientContext => ({
  ...newSession("client", input.chance),
  input,
  serverRandom: nothingYet,
  privateKey: 0n,
  serverPublic: 0n,
  clientPublic: undefined,
  verifier: undefined,
  premaster: undefined,
  secrets: undefined,
});

export const tlsClient = machineOf<TlsAction>()(
  setup({
    types: { input: {} as TlsClientInput, context: {} as TlsClientContext, events: {} as TlsEvent },
    actions: declared<TlsAction>({
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
      isPremaster: ({ context }) => context.ending === undefined && context.premaster !== undefined,
      isHandshaking: ({ context }) => !context.isOpen,
    },
  }).createMachine({
    id: "tlsClient",
    context: ({ input }) => contextOf(input),
    initial: "awaitingServerHello",
    always: ends(forgetful),
    on: {
      ...whenever,
      timerFired: { guard: "isHandshaking", ...timesOut },
      "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } },
    },
    states: {
      awaitingServerHello: {
        entry: decide(greet),
        always: [
          {
            guard: isMessage("serverHello"),
            target: "awaitingServerKeyExchange",
            actions: decide((context: TlsClientContext): Decided => ({ context: heardHello(context) })),
          },
          unexpected,
        ],
      },
      awaitingServerKeyExchange: {
        always: [
          {
            guard: isMessage("serverKeyExchange"),
            target: "awaitingServerHelloDone",
            actions: decide(takeParams),
          },
          unexpected,
        ],
      },
      awaitingServerHelloDone: {
        on: { powered: { guard: isAsked, actions: decide(takePower) } },
        always: [
          {
            guard: isMessage("serverHelloDone"),
            target: "computing",
            actions: decide((context: TlsClientContext): Decided => ({ context: done(context) })),
          },
          unexpected,
        ],
      },
      computing: {
        on: { powered: { guard: isAsked, actions: decide(takePower) } },
        always: { guard: "isPremaster", target: "awaitingChangeCipherSpec", actions: decide(prove) },
      },
      awaitingChangeCipherSpec: {
        always: [
          {
            guard: isChangeCipherSpec,
            target: "awaitingFinished",
            actions: decide(
              (context: TlsClientContext): Decided => ({
                context: readUnder(context, context.secrets!.server),
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

function greet({ input, chance }: TlsClientContext): Decided {
  const hello = say({ type: "clientHello", body: clientHello(chance.random, input.userName) });
  return {
    context: { transcript: hello },
    actions: [
      { type: "startTimer", timer: "handshake", ms: input.handshakeTimeoutMs },
      { type: "send", bytes: inClear("handshake", hello) },
    ],
  };
}

function heardHello(context: TlsClientContext): Partial<TlsClientContext> {
  const hello = bodyOf(context, "serverHello");
  const agreed = agreedByServer(hello, context.input.legacy);
  return "ending" in agreed
    ? agreed
    : done({ ...context, serverRandom: hello.random, facts: { ...agreed, group: context.input.groupBitsMin } });
}

function takeParams(context: TlsClientContext): Decided {
  const params = bodyOf(context, "serverKeyExchange");
  const { groupBitsMin, groupBitsMax = GROUP_BITS_MAX } = context.input;
  const group = trustedGroup(params, groupBitsMin, groupBitsMax);
  if ("ending" in group) return { context: group };
  const serverPublic = bigOf(params.serverPublic);
  if (!isPublicValue(serverPublic, group)) return { context: refuse("illegalParameter", "B % N = 0, or B beyond N") };
  return sharedSecret(context, params, group, serverPublic);
}

function sharedSecret(
  context: TlsClientContext,
  { salt }: TlsServerSrpParams,
  group: SrpGroup,
  serverPublic: bigint,
): Decided {
  const { userName, password } = context.input;
  const privateKey = privateKeyOf(salt, utf8(userName), utf8(password));
  const base = group.generator;
  const facts = { ...context.facts!, group: group.bits };
  return {
    context: done({ ...context, facts, privateKey, serverPublic, asked: ["ours", "verifier"] }),
    actions: [
      { type: "power", id: "ours", base, exponent: bigOf(context.chance.secret), group: group.bits },
      { type: "power", id: "verifier", base, exponent: privateKey, group: group.bits },
    ],
  };
}

function takePower(context: TlsClientContext, { id, value }: Extract<TlsEvent, { readonly type: "powered" }>): Decided {
  if (id === "premaster") return { context: { premaster: value, asked: [] } };
  const clientPublic = id === "ours" ? value : context.clientPublic;
  const verifier = id === "verifier" ? value : context.verifier;
  if (clientPublic === undefined || verifier === undefined)
    return { context: { clientPublic, verifier, asked: context.asked.filter((asked) => asked !== id) } };
  const group = srpGroup(context.facts!.group);
  const scramble = scrambler(clientPublic, context.serverPublic, group);
  const base = clientBase(context.serverPublic, verifier, group);
  const exponent = clientExponent(bigOf(context.chance.secret), scramble, context.privateKey);
  return {
    context: { clientPublic, verifier, asked: ["premaster"] },
    actions: [{ type: "power", id: "premaster", base, exponent, group: group.bits }],
  };
}

function prove(context: TlsClientContext): Decided {
  const exchange = say({ type: "clientKeyExchange", body: { clientPublic: bytesOfInteger(context.clientPublic!) } });
  const throughExchange = concat(context.transcript, exchange);
  const heard = hashOf(throughExchange);
  const randoms = { client: context.chance.random, server: context.serverRandom };
  const secrets = sessionSecrets(premasterOf(context.premaster!), randoms, heard, context.facts!);
  const finished = say({
    type: "finished",
    body: { verifyData: verifyData(secrets.master, "client finished", heard) },
  });
  const start = writingUnder(context, secrets.client);
  const { bytes, write } = writeRecords(start, "handshake", finished);
  return {
    context: { secrets, write, transcript: concat(throughExchange, finished) },
    actions: [{ type: "send", bytes: concat(inClear("handshake", exchange), changeCipherSpec(), bytes) }],
  };
}

function checkFinished(context: TlsClientContext): Decided {
  const expected = verifyData(context.secrets!.master, "server finished", hashOf(context.transcript));
  const isRight = equalSecrets(expected, bodyOf(context, "finished").verifyData);
  return { context: isRight ? done(forgetful(context)) : refuse("decryptError", "the server's Finished is wrong") };
}

/** Without what only the handshake needed. */
function forgetful(context: TlsClientContext): TlsClientContext {
  const { chance, input } = context;
  const less = { ...chance, secret: nothingYet };
  return {
    ...context,
    chance: less,
    serverRandom: nothingYet,
    input: { ...input, password: "", chance: { ...less, ivKey: nothingYet } },
    privateKey: 0n,
    verifier: undefined,
    premaster: undefined,
    secrets: undefined,
  };
}
