/**
 * The operator's port: JSON over HTTP on loopback, served and asked. TCP and not a socket file, since browsers and `curl`
 * without options reach it, and since Deno, Bun and Node agree on it; the token's file has the rights a socket file would.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Data, Deferred, Effect, FiberSet } from "effect";
import { ADMIN_BODY_BYTES_MAX, type AdminAnswer, type AdminRequest } from "../actors/admin/mod.ts";
import { ListenFailed } from "../actors/ports/mod.ts";
import type { Endpoint } from "../codecs/reload/mod.ts";

const CONNECTIONS_MAX = 32;
const HEADER_BYTES_MAX = 8_192;
const REQUEST_TIMEOUT_MS = 5_000;
/** A number's publication waits for the overlay's pace and answer. */
const ANSWER_TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 16 * 1_048_576;

/** Serves until the scope closes; port 0 takes a free one. */
export const serveAdmin = Effect.fn("admin.serve")(function* (
  on: Endpoint,
  handle: (request: AdminRequest) => Effect.Effect<AdminAnswer>,
) {
  const run = yield* FiberSet.makeRuntime<never>();
  const server = http.createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      request.on("error", () => {}); // a client that goes away is its own affair
      response.on("error", () => {});
      const send = ({ status, body }: AdminAnswer) => {
        if (response.headersSent || response.destroyed) return;
        response.writeHead(status, {
          "content-type": "application/json",
          "cache-control": "no-store",
          "x-content-type-options": "nosniff",
          connection: "close",
        });
        response.end(`${JSON.stringify(body)}\n`);
      };
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (part: string) => {
        text += part;
        if (text.length <= ADMIN_BODY_BYTES_MAX) return;
        send({ status: 413, body: { error: `over ${ADMIN_BODY_BYTES_MAX} bytes` } });
        text = "";
        request.destroy();
      });
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const { host = "", authorization = "" } = headers;
        const asked: AdminRequest = { method, path: url.split("?", 1)[0]!, host, authorization, body: text };
        const answered = Effect.catchCause(handle(asked), (cause) =>
          Effect.as(Effect.logError("admin.died", cause), { status: 500, body: { error: "see the log" } }),
        );
        run(Effect.flatMap(answered, (answer) => Effect.sync(() => send(answer))));
      });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on("clientError", (_, socket) => socket.destroy());
  const bound = yield* Deferred.make<number, ListenFailed>();
  server.once("error", (error) =>
    run(Deferred.fail(bound, new ListenFailed({ why: `${on.host}:${on.port}: ${error.message}` }))),
  );
  server.listen(on.port, on.host, () => run(Deferred.succeed(bound, (server.address() as AddressInfo).port)));
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      server.close();
      server.closeAllConnections();
    }),
  );
  return { host: on.host, port: yield* Deferred.await(bound) } satisfies Endpoint as Endpoint;
});

/** Nobody there, or nothing that could be read. */
export class AdminUnreachable extends Data.TaggedError("AdminUnreachable")<{ readonly why: string }> {}

export interface AdminOrder {
  readonly path: string;
  readonly token: string;
  readonly body: unknown;
}

/** GETs a path, or POSTs an order. */
export const askAdmin = (at: Endpoint, what: string | AdminOrder): Effect.Effect<AdminAnswer, AdminUnreachable> =>
  Effect.callback((resume) => {
    const order = typeof what === "string" ? undefined : what;
    const body = order === undefined ? "" : JSON.stringify(order.body);
    const fail = (why: string) => {
      clearTimeout(timer);
      resume(Effect.fail(new AdminUnreachable({ why: `${at.host}:${at.port}: ${why}` })));
      request.destroy();
    };
    const request = http.request({
      ...at,
      method: order === undefined ? "GET" : "POST",
      path: order?.path ?? (what as string),
      headers: {
        "content-length": Buffer.byteLength(body),
        connection: "close",
        ...(order === undefined ? {} : { authorization: `Bearer ${order.token}` }),
      },
      agent: false,
    });
    const timer = setTimeout(() => fail("no answer"), ANSWER_TIMEOUT_MS);
    request.on("error", (error) => fail(error.message));
    request.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", (error) => fail(error.message));
      response.on("data", (part: string) => {
        text += part;
        if (text.length > ANSWER_BYTES_MAX) fail(`answer over ${ANSWER_BYTES_MAX} bytes`);
      });
      response.on("end", () => {
        clearTimeout(timer);
        const read = jsonOf(text);
        if (read === undefined) return fail("the answer is no JSON: this is not a node's port");
        resume(Effect.succeed({ status: response.statusCode ?? 0, body: read.value }));
      });
    });
    request.end(body);
    return Effect.sync(() => {
      clearTimeout(timer);
      request.destroy();
    });
  });

const jsonOf = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};
