/**
 * Where a SIP request goes: from a URI to addresses in the order in which they are tried. RFC 3263 §4.
 *
 *    o --> services -- NAPTR answered --> servers -- SRV answered --> addresses -- A, AAAA answered --> done   report
 *             |  not to be asked             |  not to be asked          |  none is a name                ^
 *             +------------------------------+---------------------------+--------------------------------+
 *
 * Each state asks all its questions at once and is left when all are answered; what stays unanswered for `answerMs` has failed,
 * and finding goes on without it, since networks that lose NAPTR are common. CNAMEs are followed by whoever answers.
 */
import { type Note, type Of, setup } from "../kit/mod.ts";
import { addressesInOrder, drawFrom, inOrder, isDenied } from "./servers.ts";
import { type Service, serviceOf, servicesOffered, servicesSpoken, settledTransport } from "./services.ts";
import {
  type AddressRecord,
  type DnsAnswer,
  type DnsQuestion,
  isAddress,
  type LocateInput,
  type LocateOutcome,
  type NaptrRecord,
  type Nowhere,
  PORTS,
  RECORDS_MAX,
  SERVERS_MAX,
  type SrvRecord,
  TARGETS_MAX,
  type Transport,
} from "./types.ts";

/** An answer of the DNS to the question with that id, or none in time. */
export type LocateEvent =
  | { readonly type: "answered"; readonly id: number; readonly answer: DnsAnswer }
  | { readonly type: "timerFired"; readonly timer: "answer" };
/** A question for the DNS, or the outcome: the one report of a run. */
export type LocateOrder =
  | { readonly type: "ask"; readonly id: number; readonly question: DnsQuestion }
  | { readonly type: "report"; readonly outcome: LocateOutcome }
  | { readonly type: "startTimer"; readonly timer: "answer"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "answer" }
  | Note;

/** A name or an address, before addresses are asked for. */
interface Server {
  readonly transport: Transport;
  readonly name: string;
  readonly port: number;
}
interface Context extends LocateInput {
  /** By the question's number. */
  readonly questions: ReadonlyArray<DnsQuestion>;
  readonly answers: ReadonlyArray<DnsAnswer | undefined>;
  readonly services: ReadonlyArray<Service>;
  readonly servers: ReadonlyArray<Server>;
  /** Known before the end. */
  readonly nowhere: Nowhere | undefined;
  readonly isTiming: boolean;
}

const { machine, decide } = setup<{ input: LocateInput; context: Context; event: LocateEvent; order: LocateOrder }>();

const FAILED: DnsAnswer = { type: "failed", why: "no answer in time" };

const isAnswered = ({ answers }: Context): boolean => answers.every((answer) => answer !== undefined);
const isWaited = ({ answers }: Context, { id }: Of<LocateEvent, "answered">): boolean =>
  id in answers && answers[id] === undefined;

/** Questions of one round. */
const asking = (context: Context, questions: ReadonlyArray<DnsQuestion>, more: Partial<Context> = {}) => {
  const first = context.questions.length;
  const isTiming = questions.length > 0;
  return {
    context: {
      ...more,
      questions: [...context.questions, ...questions],
      answers: [...context.answers, ...questions.map(() => undefined)],
      isTiming,
    },
    actions: [
      ...questions.map((question, i) => ({ type: "ask", id: first + i, question }) as const),
      ...(isTiming ? [{ type: "startTimer", timer: "answer", ms: context.answerMs } as const] : []),
    ],
  };
};
interface Records {
  readonly NAPTR: NaptrRecord;
  readonly SRV: SrvRecord;
  readonly A: AddressRecord;
  readonly AAAA: AddressRecord;
}
const recordsOf = <K extends keyof Records>(context: Context, kind: K, name: string): ReadonlyArray<Records[K]> => {
  const at = context.questions.findIndex((question) => question.kind === kind && question.name === name);
  const answer = context.answers[at];
  const records = answer?.type === "records" ? answer.records.slice(0, RECORDS_MAX) : [];
  return records.flatMap((record) => (record.kind === kind ? [record as Records[K]] : []));
};

const askServices = decide(["ask", "startTimer"], (context: Context) => {
  const settled = settledTransport(context);
  if (settled === "none") return { context: { nowhere: "badTransport" as const } };
  return settled === undefined ? asking(context, [{ kind: "NAPTR", name: context.target }]) : {};
});

/** An address and a port of the URI's own need no server to be asked for. */
const askServers = decide(["ask", "startTimer"], (context: Context) => {
  const { target, port, nowhere } = context;
  if (nowhere !== undefined) return {};
  const settled = settledTransport(context) as Transport | undefined;
  if (settled !== undefined && (isAddress(target) || port !== undefined))
    return { context: { servers: [{ transport: settled, name: target, port: port ?? PORTS[settled] }] } };
  const offered = settled === undefined ? servicesOffered(context, recordsOf(context, "NAPTR", target)) : "none";
  const services =
    settled !== undefined ? [serviceOf(settled, target)] : offered === "none" ? servicesSpoken(context) : offered;
  if (services.length === 0) return { context: { nowhere: offered === "none" ? "badTransport" : "notOffered" } };
  const names = [...new Set(services.map(({ srv }) => srv))];
  return asking(
    context,
    names.map((name) => ({ kind: "SRV", name })),
    { services },
  );
});

const askAddresses = decide(["ask", "startTimer"], (context: Context) => {
  if (context.nowhere !== undefined) return {};
  const servers = context.servers.length > 0 ? context.servers : serversOf(context);
  if (servers.length === 0) return { context: { nowhere: "notOffered" as const } };
  const names = [...new Set(servers.map(({ name }) => name))].filter((name) => !isAddress(name));
  const kinds = (["AAAA", "A"] as const).filter((kind) => context.families.includes(kind === "A" ? "IPv4" : "IPv6"));
  return asking(
    context,
    names.flatMap((name) => kinds.map((kind) => ({ kind, name }))),
    { servers },
  );
});

/** What SRV says, or the domain itself at the default port. RFC 3263 §4.2. Empty: it has no such service. */
const serversOf = (context: Context): ReadonlyArray<Server> => {
  const { services, target, secure, transports } = context;
  const draw = drawFrom(context.seed);
  const found = services.flatMap(({ transport, srv }) =>
    inOrder(recordsOf(context, "SRV", srv), draw).map(({ target: name, port }) => ({ transport, name, port })),
  );
  if (found.length > 0) return found.slice(0, SERVERS_MAX);
  const denied = services
    .filter(({ srv }) => isDenied(recordsOf(context, "SRV", srv)))
    .map(({ transport }) => transport);
  const named = settledTransport(context) as Transport | undefined;
  const usual = secure ? "TLS" : transports.includes("UDP") ? "UDP" : transports[0]!;
  // Records for other services than SIP say nothing of it.
  const hasNaptr = named === undefined && servicesOffered(context, recordsOf(context, "NAPTR", target)) !== "none";
  const transport = named ?? (hasNaptr ? services[0]!.transport : usual);
  return denied.includes(transport) ? [] : [{ transport, name: target, port: PORTS[transport] }];
};

/** After the answers, or without those that did not come. */
const report = decide(["stopTimer", "report"], (context: Context) => ({
  context: { isTiming: false },
  actions: [...stopped(context), { type: "report", outcome: outcomeOf(context) } as const],
}));
const stop = decide(["stopTimer"], (context: Context) => ({
  context: { isTiming: false },
  actions: stopped(context),
}));
const stopped = ({ isTiming }: Context) => (isTiming ? [{ type: "stopTimer", timer: "answer" } as const] : []);

const outcomeOf = (context: Context): LocateOutcome => {
  const { servers, name, families, answers, nowhere } = context;
  if (nowhere !== undefined) return { type: "nowhere", why: nowhere };
  const targets = servers.flatMap(({ transport, name: server, port }) =>
    addressesOf(context, server).map((host) => ({ transport, host, port, name })),
  );
  const isWhole = answers.every((answer) => answer?.type !== "failed");
  if (targets.length === 0)
    return { type: "nowhere", why: isWhole || families.length === 0 ? "noAddress" : "noAnswer" };
  const ttls = answers.flatMap((answer) => (answer?.type === "records" ? (answer.ttlS ?? []) : []));
  const ttlS = ttls.length === 0 ? undefined : Math.min(...ttls);
  const distinct = [...new Map(targets.map((one) => [`${one.transport} ${one.host} ${one.port}`, one])).values()];
  return { type: "targets", targets: distinct.slice(0, TARGETS_MAX), ttlS, isWhole };
};

const addressesOf = (context: Context, server: string): ReadonlyArray<string> => {
  if (isAddress(server)) return addressesInOrder([{ kind: "A", address: server }], context.families);
  const records = [...recordsOf(context, "AAAA", server), ...recordsOf(context, "A", server)];
  return addressesInOrder(records, context.families);
};

const keep = decide([], ({ answers }: Context, { id, answer }: Of<LocateEvent, "answered">) => ({
  context: { answers: answers.map((one, i) => (i === id ? answer : one)) },
}));
const giveUp = decide([], ({ answers }: Context) => ({
  context: { answers: answers.map((answer) => answer ?? FAILED), isTiming: false },
}));

/** A state that has asked, and waits. */
const waiting = {
  on: { answered: [{ guard: isWaited, actions: keep }, {}] },
  timers: { answer: { actions: giveUp } },
} as const;

export const locate = machine("locate", {
  context: (input) => ({
    ...input,
    questions: [],
    answers: [],
    services: [],
    servers: [],
    nowhere: undefined,
    isTiming: false,
  }),
  initial: "services",
  states: {
    services: {
      entry: askServices,
      always: { guard: isAnswered, target: "servers", actions: stop },
      ...waiting,
    },
    servers: {
      entry: askServers,
      always: { guard: isAnswered, target: "addresses", actions: stop },
      ...waiting,
    },
    addresses: {
      entry: askAddresses,
      always: { guard: isAnswered, target: "done", actions: report },
      ...waiting,
    },
    done: { type: "final" },
  },
});
