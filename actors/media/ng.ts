/**
 * rtpengine's NG protocol: a cookie, a space, JSON, in one datagram each way. A request that is not answered is sent again
 * under its cookie, by which rtpengine gives the same answer and does nothing twice.
 *
 *   ask -> send -> REPEATS_MS[0] -> send again -> ... -> answered | unavailable, and not asked first for DOWN_MS
 */
import { Clock, Data, Effect } from "effect";
import { hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { Replies } from "../kit/mod.ts";
import { DATAGRAM_BYTES_MAX, type DatagramSocket, Datagrams, Entropy } from "../ports/mod.ts";

export interface NgServer {
  readonly host: string;
  readonly port: number;
}
export type NgRequest = Readonly<Record<string, unknown>> & { readonly command: string };
export type NgAnswer = Readonly<Record<string, unknown>>;

/** `tooLarge`: it was not asked, as what is asked fits no datagram. `silent`: no answer. `refused`: it says why. `unreadable`: its answer is no object of JSON, or is too large. */
export class NgFailed extends Data.TaggedError("NgFailed")<{
  readonly reason: "silent" | "refused" | "unreadable" | "busy" | "tooLarge";
  readonly why: string;
}> {}

/** A call that is being set up waits: two that are silent one after the other, less than a caller notices. */
const REPEATS_MS = [100, 150, 250];
const DOWN_MS = 30_000;
const COOKIE_BYTES = 8;
/** Asked at once, of all servers. */
export const WAITING_MAX = 1_024;

export interface Ng {
  readonly ask: (server: NgServer, request: NgRequest) => Effect.Effect<NgAnswer, NgFailed>;
  /** Of the first in order that answers; those that were silent lately come last. */
  readonly askFirst: (
    request: NgRequest,
  ) => Effect.Effect<{ readonly server: NgServer; readonly answer: NgAnswer }, NgFailed>;
}

const isAddressOf = (server: NgServer, host: string, port: number) => server.host === host && server.port === port;

export const openNg = Effect.fn("media.ng")(function* (servers: ReadonlyArray<NgServer>) {
  const clock = yield* Clock.Clock;
  const datagrams = yield* Datagrams;
  const entropy = yield* Entropy;
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const replies = new Replies<string, NgAnswer | "unreadable", never, NgServer>();
  const downUntil = new Map<NgServer, number>();
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6;

  const received = (bytes: Uint8Array, host: string, port: number) => {
    const read = readAnswer(bytes);
    const asked = read && replies.about(read.cookie);
    // A stranger who guesses a cookie must have the address as well.
    if (read !== undefined && asked !== undefined && isAddressOf(asked, host, port))
      run(replies.answer(read.cookie, read.answer));
  };
  const sockets = new Map<boolean, DatagramSocket>();
  for (const isIpv6 of new Set(servers.map(({ host }) => host.includes(":"))))
    sockets.set(
      isIpv6,
      yield* datagrams.open({ host: isIpv6 ? "::" : "0.0.0.0", port: 0 }, { received, failed: () => {} }),
    );

  const ask: Ng["ask"] = (server, request) =>
    Effect.gen(function* () {
      if (replies.size >= WAITING_MAX) return yield* new NgFailed({ reason: "busy", why: "too much is asked at once" });
      const cookie = hexOf(yield* entropy.bytes(COOKIE_BYTES));
      const bytes = utf8(`${cookie} ${JSON.stringify(request)}`);
      if (bytes.length > DATAGRAM_BYTES_MAX)
        return yield* new NgFailed({ reason: "tooLarge", why: "the description does not fit a datagram" });
      const socket = sockets.get(server.host.includes(":"))!;
      const asking = Effect.gen(function* () {
        for (const ms of REPEATS_MS) {
          socket.send(bytes, server.host, server.port);
          yield* Effect.sleep(ms);
        }
        return "silent" as const;
      });
      const answer = yield* Effect.race(replies.ask(cookie, Effect.void, server), asking);
      if (answer === "silent") {
        downUntil.set(server, nowMs() + DOWN_MS);
        return yield* new NgFailed({ reason: "silent", why: `${server.host}:${server.port} gives no answer` });
      }
      downUntil.delete(server);
      if (answer === "unreadable") return yield* new NgFailed({ reason: "unreadable", why: "its answer is not JSON" });
      if (answer.result === "error")
        return yield* new NgFailed({ reason: "refused", why: String(answer["error-reason"] ?? "no reason") });
      return answer;
    });
  const askFirst: Ng["askFirst"] = (request) =>
    Effect.gen(function* () {
      const isDown = (server: NgServer) => (downUntil.get(server) ?? 0) > nowMs();
      const inOrder = [...servers.filter((server) => !isDown(server)), ...servers.filter(isDown)];
      let failed = new NgFailed({ reason: "silent", why: "no rtpengine is configured" });
      for (const server of inOrder) {
        const answer = yield* Effect.result(ask(server, request));
        if (answer._tag === "Success") return { server, answer: answer.success };
        failed = answer.failure;
      }
      return yield* failed;
    });
  return { ask, askFirst } satisfies Ng as Ng;
});

const decoder = new TextDecoder("utf-8", { fatal: true });
const readAnswer = (
  bytes: Uint8Array,
): { readonly cookie: string; readonly answer: NgAnswer | "unreadable" } | undefined => {
  const space = bytes.indexOf(0x20);
  if (space !== 2 * COOKIE_BYTES || bytes.length > DATAGRAM_BYTES_MAX) return undefined;
  try {
    const cookie = decoder.decode(bytes.subarray(0, space));
    const answer: unknown = JSON.parse(decoder.decode(bytes.subarray(space + 1)));
    const isObject = typeof answer === "object" && answer !== null && !Array.isArray(answer);
    return { cookie, answer: isObject ? (answer as NgAnswer) : "unreadable" };
  } catch {
    return { cookie: String.fromCharCode(...bytes.subarray(0, space)), answer: "unreadable" };
  }
};
