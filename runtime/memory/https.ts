/**
 * HTTPS without a world: handlers in a map by host and port. The server's chain and name are checked as TLS would,
 * limits kept as a server would; nothing is encrypted, since nobody else is there to read it.
 */
import { Clock, Effect } from "effect";
import {
  CertificateError,
  HTTPS_REQUESTS_MAX,
  HTTPS_TIMEOUT_MS,
  type Https,
  type HttpsAnswer,
  type HttpsCall,
  HttpsFailed,
  type HttpsRequest,
  type HttpsServeOn,
  ListenFailed,
} from "../../actors/ports/mod.ts";
import { judgeServer } from "../chains.ts";

const FIRST_FREE_PORT = 50_000;

interface Open {
  readonly on: HttpsServeOn;
  readonly answer: (request: HttpsRequest) => Effect.Effect<HttpsAnswer>;
}

export const memoryHttps = (): Https["Service"] => {
  const servers = new Map<string, Open>();
  let freePort = FIRST_FREE_PORT;

  const serve = <R>(on: HttpsServeOn, handler: (request: HttpsRequest) => Effect.Effect<HttpsAnswer, never, R>) =>
    Effect.gen(function* () {
      const port = on.port === 0 ? freePort++ : on.port;
      const where = `${on.host}:${port}`;
      if (servers.has(where)) return yield* new ListenFailed({ reason: "portTaken", why: `${where} is taken` });
      const context = yield* Effect.context<R>();
      let under = 0;
      const answer = (request: HttpsRequest) =>
        Effect.suspend(() => {
          if (under >= (on.requestsMax ?? HTTPS_REQUESTS_MAX)) return Effect.succeed(plain(503));
          under += 1;
          return Effect.provide(handler(request), context).pipe(
            Effect.catchCause((cause) => Effect.as(Effect.logError("https.died", cause), plain(500))),
            Effect.ensuring(
              Effect.sync(() => {
                under -= 1;
              }),
            ),
          );
        });
      servers.set(where, { on, answer });
      yield* Effect.addFinalizer(() => Effect.sync(() => servers.delete(where)));
      return { host: on.host, port };
    });

  const request = (call: HttpsCall) =>
    Effect.gen(function* () {
      const where = `${call.host}:${call.port}`;
      const failed = (why: string) => new HttpsFailed({ why: `${where}: ${why}` });
      const open = servers.get(where);
      if (open === undefined) return yield* failed("refused");
      const { certificates } = open.on.tls;
      const name = call.serverName ?? call.host;
      const judged = judgeServer(certificates, call.roots, yield* Clock.currentTimeMillis, name);
      if (judged instanceof CertificateError) return yield* failed(`${judged.reason}: ${judged.why}`);
      const body = call.body ?? new Uint8Array();
      if (body.length > open.on.bodyBytesMax) return plain(413);
      const answer = yield* Effect.timeoutOrElse(open.answer(requestOf(call, body)), {
        duration: call.timeoutMs ?? HTTPS_TIMEOUT_MS,
        orElse: () => Effect.fail(failed("timed out")),
      });
      if (answer.body.length > call.bodyBytesMax) return yield* failed(`answer over ${call.bodyBytesMax} bytes`);
      return answer;
    });

  return { serve, request };
};

const requestOf = (call: HttpsCall, body: Uint8Array): HttpsRequest => {
  const header = (name: string) =>
    Object.entries(call.headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
  return {
    method: call.method,
    path: call.path.split("?", 1)[0]!,
    contentType: header("content-type"),
    accept: header("accept"),
    body: body.slice(),
    peer: { host: "memory", port: 0 },
  };
};

const plain = (status: number): HttpsAnswer => ({ status, contentType: "text/plain", body: new Uint8Array() });
