/**
 * The streams of a proxy: those that others open, those that it opens, and which of them leads where. RFC 3261 §18.
 *
 *   accept --> link --+--> chunk, cut --> received      send --> the link there is, or dial --> unsent --> one write a turn
 *   send   --> dial --+
 *
 * Whoever sends never waits: a peer that does not read its stream has it closed. Links that we open are few, and those that
 * do not open are told as `unreachable`. No fiber runs for a message: a chunk is read, and what it makes us send is written,
 * in the transport's turn. DECISIONS.md D-160.
 * Requirements: RFC 3261 §18.1.1, §18.2.2.
 */
import { Clock, Effect } from "effect";
import { concat } from "../../codecs/shared/mod.ts";
import { cutSip, emptySipRemainder, SIP_BYTES_MAX, type SipMessage, type Unreadable } from "../../codecs/sip/mod.ts";
import type { Destination, Transport } from "../../machines/proxy/mod.ts";
import { type ByteStreamShape, type DirectStream, directOf } from "../ports/mod.ts";
import { type OpeningSecurity, opensStreams } from "./opening.ts";

/** Sent while a stream is being opened; those beyond are lost. */
const UNSENT_MESSAGES_MAX = 1_024;
/** Streams that we open, at once. */
const DIALLED_MAX = 512;
/** Addresses that lead to a stream of the peer's own, RFC 5923. */
const ALIASES_MAX = 1_024;
/** Nothing comes for so long: longer than timer C, so that no call waits on it. */
const LINK_IDLE_MS = 600_000;
/** A little less than the 64 T1 of the transaction that says that its peer is silent. */
const SILENT_MS = 30_000;

export interface Link {
  readonly id: number;
  /** What the other end has proved to be; of whoever need prove nothing none. */
  readonly domains: ReadonlyArray<string>;
  readonly transport: Transport;
  readonly own: number;
  readonly host: string;
  readonly port: number;
  readonly isNamed?: boolean;
  /** Of this turn, or of all turns while it is being opened. */
  unsent: Array<Uint8Array>;
  /** Undefined while it is being opened. */
  stream: ByteStreamShape | undefined;
  direct: DirectStream | undefined;
  /** When something has come last. */
  heardMs: number;
  /** Where the peer has asked to be reached by this stream, in nearly each of its requests. */
  alias: { readonly port: number; readonly keys: ReadonlyArray<string> } | undefined;
}

export interface StreamHandlers {
  /** Nothing is read before that. */
  readonly ready: Effect.Effect<unknown>;
  /** What one read has brought: all in one turn. */
  readonly received: (link: Link, messages: ReadonlyArray<SipMessage>, unreadable: ReadonlyArray<Unreadable>) => void;
  readonly lost: (to: Pick<Destination, "transport" | "host" | "port" | "domain">, why: string) => Effect.Effect<void>;
}

const keyOf = ({ transport, host, port, domain = "" }: Pick<Destination, "transport" | "host" | "port" | "domain">) =>
  `${transport} ${host}:${port} ${domain}`;

/** Where a link leads, with each of the domains that are proved there. */
const keysOf = (link: Pick<Link, "transport" | "host" | "port" | "domains">): ReadonlyArray<string> =>
  link.domains.length === 0 ? [keyOf(link)] : link.domains.map((domain) => keyOf({ ...link, domain }));

const msOf = (clock: Clock.Clock) => () => clock.currentTimeMillisUnsafe();
const NO_DOMAINS: ReadonlyArray<string> = [];
const NONE = Effect.succeed(NO_DOMAINS);

/** Who we are on our streams, and whom we let in. */
export interface StreamSecurity extends OpeningSecurity {
  /** Why a stream that others open by this address of ours is not served; undefined: it is. Told when it is over, too. */
  readonly admit?: (link: Link) => string | undefined;
  readonly ended?: (link: Link) => void;
  /** Of one message; more loses the stream. Default: `SIP_BYTES_MAX`. */
  readonly bytesMax?: (own: number) => number;
}

const EVERYBODY = {
  domainsOf: () => NONE,
  admit: () => undefined,
  ended: () => {},
  bytesMax: () => SIP_BYTES_MAX,
} satisfies Partial<StreamSecurity>;

export interface Streams {
  readonly accept: (stream: ByteStreamShape, transport: Transport, own: number) => Effect.Effect<void>;
  /** Waits for nothing. */
  readonly send: (to: Destination, bytes: Uint8Array) => void;
  /**
   * Whoever is there has not answered: if nothing at all has come for SILENT_MS, what is sent next opens another stream. Who
   * answers others is there, and has only chosen not to answer this one: a call without a good ticket, for one.
   */
  readonly drop: (to: Destination) => void;
  readonly peerOf: (to: Destination) => { readonly host: string; readonly port: number } | undefined;
  /** The peer is reached by its own stream, at an address that it has named. */
  readonly alias: (link: Link, port: number) => void;
}

export const openStreams = Effect.fn("proxy.streams")(function* (security: StreamSecurity, handlers: StreamHandlers) {
  const opening = (yield* opensStreams)(security);
  const scope = yield* Effect.scope;
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const links = new Map<number, Link>();
  const byAddress = new Map<string, Link>();
  const aliases = new Map<string, Link>();
  let ids = 0;

  const { domainsOf, admit, ended, bytesMax } = { ...EVERYBODY, ...security };
  const nowMs = msOf(yield* Clock.Clock);
  const linkTo = (to: Pick<Link, "transport" | "own" | "host" | "port" | "domains" | "isNamed">): Link => ({
    ...to,
    id: ++ids,
    unsent: [],
    stream: undefined,
    direct: undefined,
    heardMs: nowMs(),
    alias: undefined,
  });
  const forget = (link: Link) => {
    links.delete(link.id);
    for (const key of keysOf(link)) if (byAddress.get(key) === link) byAddress.delete(key);
    for (const [key, at] of aliases) if (at === link) aliases.delete(key);
  };
  const later = oncePerTurn((link: Link) => {
    if (isWritten(link)) return;
    run(Effect.andThen(Effect.logWarning("proxy.slowPeer", keyOf(link)), link.stream?.close ?? Effect.void));
  });

  /** Until it ends; gives the reason. */
  const serve = Effect.fn("proxy.link")(function* (link: Link, stream: ByteStreamShape) {
    const direct = yield* directOf(stream);
    link.stream = stream;
    link.direct = direct;
    later(link);
    yield* handlers.ready;
    const read = reader(link, bytesMax(link.own), handlers.received);
    const reading = direct.each((chunk) => {
      link.heardMs = nowMs();
      return read(chunk);
    });
    return yield* Effect.raceFirst(reading, untilIdle(link, nowMs));
  });
  const served = (link: Link, stream: ByteStreamShape) =>
    Effect.scoped(serve(link, stream)).pipe(Effect.catchTag("StreamClosed", ({ why }) => Effect.succeed(why)));

  const accept: Streams["accept"] = Effect.fn("proxy.accept")(function* (stream, transport, own) {
    const { host, port, certificates } = stream.peer;
    const domains = transport === "TLS" ? yield* domainsOf(certificates) : [];
    const link = linkTo({ transport, own, host, port, domains });
    const refused = admit(link);
    if (refused !== undefined)
      return yield* Effect.logInfo("proxy.link.refused", { from: `${host}:${port}`, why: refused });
    links.set(link.id, link);
    const why = yield* Effect.ensuring(
      served(link, stream),
      Effect.sync(() => {
        forget(link);
        ended(link);
      }),
    );
    yield* Effect.logDebug("proxy.link.ended", { from: `${host}:${port}`, why });
  });

  const open = (link: Link) =>
    Effect.flatMap(opening(link), (stream) => served(link, stream)).pipe(
      Effect.scoped,
      Effect.catchTag("DialFailed", ({ why }) => Effect.succeed(why)),
      Effect.ensuring(Effect.sync(() => forget(link))),
      Effect.flatMap((why) => {
        const { transport, host, port, domains } = link;
        return handlers.lost({ transport, host, port, domain: domains[0] }, why);
      }),
    );
  const dial = (to: Destination): Link | undefined => {
    if (byAddress.size >= DIALLED_MAX) {
      run(handlers.lost(to, "too many streams"));
      return undefined;
    }
    const { transport, own, host, port, domain, isNamed = false } = to;
    const domains = domain === undefined ? NO_DOMAINS : [domain];
    const link = linkTo({ transport, own, host, port, domains, isNamed });
    links.set(link.id, link);
    byAddress.set(keyOf(to), link);
    run(Effect.asVoid(Effect.forkIn(open(link), scope)));
    return link;
  };
  const linkThere = (to: Destination): Link | undefined => {
    const key = keyOf(to);
    return aliases.get(key) ?? byAddress.get(key);
  };
  return {
    accept,
    send: (to, bytes) => {
      const link = links.get(to.stream) ?? linkThere(to) ?? dial(to);
      if (link === undefined) return;
      if (link.direct === undefined && link.unsent.length >= UNSENT_MESSAGES_MAX)
        return void run(Effect.logWarning("proxy.slowPeer", keyOf(to)));
      if (link.unsent.push(bytes) === 1) later(link);
    },
    drop: (to) => {
      const link = linkThere(to);
      if (link?.stream !== undefined && nowMs() - link.heardMs >= SILENT_MS) run(link.stream.close);
    },
    peerOf: (to) => byAddress.get(keyOf(to))?.stream?.peer,
    alias: (link, port) => {
      if (link.alias?.port !== port) link.alias = { port, keys: keysOf({ ...link, port }) };
      for (const key of link.alias.keys) {
        if (aliases.get(key) === link) continue;
        if (!aliases.has(key) && aliases.size >= ALIASES_MAX) aliases.delete(aliases.keys().next().value!);
        aliases.set(key, link);
      }
    },
  } satisfies Streams as Streams;
});

/** Reads one chunk after the other; gives why the stream cannot be read on. */
const reader = (link: Link, bytesMax: number, received: StreamHandlers["received"]) => {
  let remainder = emptySipRemainder;
  return (chunk: Uint8Array): string | undefined => {
    const cut = cutSip(remainder, chunk, bytesMax);
    remainder = cut.rest;
    if (cut.error === undefined) {
      received(link, cut.messages, cut.unreadable);
      return undefined;
    }
    // What broke the stream cannot be read either, and nobody can be answered.
    received(link, cut.messages, [...cut.unreadable, { error: cut.error, request: undefined }]);
    return `${cut.error.at}: ${cut.error.why}`;
  };
};

const untilIdle = Effect.fnUntraced(function* (link: Link, nowMs: () => number) {
  const restMs = () => link.heardMs + LINK_IDLE_MS - nowMs();
  for (let ms = restMs(); ms > 0; ms = restMs()) yield* Effect.sleep(ms);
  return "idle";
});

/** What a turn has sent by a link leaves in one write. False: the peer has read too little of what was written before. */
const isWritten = (link: Link): boolean => {
  const { direct, unsent } = link;
  if (direct === undefined || unsent.length === 0) return true;
  link.unsent = [];
  return direct.put(unsent.length === 1 ? unsent[0]! : concat(...unsent));
};

/** Performs it when the turn at hand is over, for each that it was called with. */
const oncePerTurn = <A>(perform: (what: A) => void): ((what: A) => void) => {
  let waiting: Array<A> = [];
  const all = () => {
    const now = waiting;
    waiting = [];
    for (const what of now) perform(what);
  };
  return (what) => {
    if (waiting.push(what) === 1) void NOW.then(all);
  };
};
const NOW = Promise.resolve();
