/**
 * The operator's port: JSON over HTTP on loopback. TCP and not a socket file, since browsers and `curl`
 * without options reach it, and since Deno, Bun and Node agree on it; the token's file has the rights a socket file would.
 * DECISIONS.md D-073. The page for other machines is the same over TLS.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { Effect, FiberSet } from "effect";
import { ADMIN_BODY_BYTES_MAX, type AdminAnswer, type AdminRequest } from "../actors/admin/mod.ts";
import type { Endpoint } from "../codecs/reload/mod.ts";
import { http, https } from "./http-module.ts";
import { listenHttp } from "./loopback-http.ts";

/** Twenty open pages, each of which holds one, and what else asks. */
const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8_192;
const REQUEST_TIMEOUT_MS = 5_000;

/** PEM. `ca`: under which a client's certificate has to be. */
export interface AdminTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** Serves until the scope closes; port 0 takes a free one. Over TLS it throws for files that make no server. */
export const serveAdmin = Effect.fn("admin.serve")(function* (
  on: Endpoint,
  handle: (request: AdminRequest) => Effect.Effect<AdminAnswer>,
  tls?: AdminTls,
) {
  const run = yield* FiberSet.makeRuntime<never>();
  const accept = (request: IncomingMessage, response: ServerResponse) => {
    request.on("error", () => {}); // a client that goes away is its own affair
    response.on("error", () => {});
    const send = (answer: AdminAnswer) => {
      if (response.headersSent || response.destroyed) return;
      const { body, contentType, live } = answer;
      response.writeHead(answer.status, headersOf(answer));
      if (live === undefined)
        return response.end(contentType === undefined ? `${JSON.stringify(body)}\n` : String(body));
      response.flushHeaders();
      const gone = run(live((text) => written(response, text)));
      response.once("close", () => gone.interruptUnsafe());
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
  };
  const server =
    tls === undefined
      ? http.createServer(LIMITS, accept)
      : https
          .createServer({ ...LIMITS, ...secured(tls) }, accept)
          .on("tlsClientError", (_, socket) => socket.destroy());
  return yield* listenHttp(server, on, CONNECTIONS_MAX);
});

const LIMITS = {
  maxHeaderSize: HEADER_BYTES_MAX,
  headersTimeout: REQUEST_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
};
const secured = (tls: AdminTls) => ({
  ...tls,
  minVersion: "TLSv1.2" as const,
  handshakeTimeout: REQUEST_TIMEOUT_MS,
  ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
});

const headersOf = ({ contentType, seal, allow, headers }: AdminAnswer) => ({
  "content-type": contentType ?? "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  connection: "close",
  ...headers,
  ...(seal === undefined ? {} : { "vipr-seal": seal }),
  ...(allow === undefined ? {} : { allow }),
});

/** Done when there is room for more. */
const written = (response: ServerResponse, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (response.write(text)) return resume(Effect.void);
    const drained = () => resume(Effect.void);
    response.once("drain", drained);
    return Effect.sync(() => void response.off("drain", drained));
  });
