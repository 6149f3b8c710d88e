/**
 * Https over node:https, which Node, Deno and Bun all have; one request a connection.
 *
 *   request --> body, counted as it comes --> handler (a fiber) --> answer, Connection: close
 *                  +--> over the limit: 413, what still comes is thrown away, then the connection
 * Requirements: docs/protocol/overlay.md.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import net from "node:net";
import type { DetailedPeerCertificate } from "node:tls";
import { Deferred, Effect, FiberSet, Layer } from "effect";
import {
  HTTPS_REQUESTS_MAX,
  HTTPS_TIMEOUT_MS,
  Https,
  type HttpsAnswer,
  type HttpsCall,
  HttpsFailed,
  type HttpsRequest,
  type HttpsServeOn,
  type ListenFailed,
} from "../actors/ports/mod.ts";
import { chainOfPeer, pemCertificate, serverFault } from "./certificates.ts";
import { pemOf } from "./keys.ts";
import { listenFailed } from "./system-errors.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000; // from its first byte to its last
const CHECK_EVERY_MS = 1_000;
const HEADER_BYTES_MAX = 8_192;
const LINGER_MS = 500; // how long a refused client may go on sending, so that it can read why
const CONNECTIONS_FACTOR = 4; // connections to requests: others are still shaking hands

const serve = <R>(on: HttpsServeOn, handler: (request: HttpsRequest) => Effect.Effect<HttpsAnswer, never, R>) =>
  Effect.gen(function* () {
    const run = yield* FiberSet.makeRuntime<R>();
    const requestsMax = on.requestsMax ?? HTTPS_REQUESTS_MAX;
    let under = 0;
    const accept = (request: IncomingMessage, response: ServerResponse) => {
      request.on("error", () => {}); // a client that goes away is its own affair
      response.on("error", () => {});
      if (under >= requestsMax) return void refuse(request, response, 503);
      under += 1;
      response.once("close", () => {
        under -= 1;
      });
      const taken = (body: Uint8Array) => {
        const answered = Effect.catchCause(handler(requestOf(request, body)), (cause) =>
          Effect.as(Effect.logError("https.died", cause), plain(500)),
        );
        run(Effect.flatMap(answered, (answer) => Effect.sync(() => send(response, answer))));
      };
      take(request, on.bodyBytesMax, taken, () => refuse(request, response, 413));
    };
    const server = https.createServer(
      {
        key: pemOf(on.tls.key),
        cert: on.tls.certificates.map(pemCertificate).join(""),
        minVersion: "TLSv1.2",
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_EVERY_MS,
        maxHeaderSize: HEADER_BYTES_MAX,
      },
      accept,
    );
    server.maxConnections = requestsMax * CONNECTIONS_FACTOR;
    for (const refusal of ["tlsClientError", "clientError"] as const)
      server.on(refusal, (error, socket) => {
        run(Effect.logDebug("https.refused", error.message));
        socket.destroy(); // also the way a slow client ends
      });
    const bound = yield* Deferred.make<number, ListenFailed>();
    server.on("error", (error) => run(Deferred.fail(bound, listenFailed(on.host, on.port, error))));
    server.listen(on.port, on.host, () => run(Deferred.succeed(bound, (server.address() as net.AddressInfo).port)));
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        server.close();
        server.closeAllConnections();
      }),
    );
    return { host: on.host, port: yield* Deferred.await(bound) };
  });

/** The body whole, or word that it is too long as soon as that is known: by its header, else by counting. */
const take = (
  request: IncomingMessage,
  bytesMax: number,
  taken: (body: Uint8Array) => void,
  tooLong: () => void,
): void => {
  const parts: Array<Buffer> = [];
  let size = 0;
  let isOver = Number(request.headers["content-length"] ?? 0) > bytesMax;
  if (isOver) return void tooLong();
  request.on("data", (part: Buffer) => {
    if (isOver) return;
    size += part.length;
    isOver = size > bytesMax;
    if (!isOver) return void parts.push(part);
    parts.length = 0;
    tooLong();
  });
  request.on("end", () => {
    if (!isOver && request.complete) taken(new Uint8Array(Buffer.concat(parts)));
  });
};

const requestOf = ({ method, url, headers, socket }: IncomingMessage, body: Uint8Array): HttpsRequest => ({
  method: method ?? "",
  path: (url ?? "").split("?", 1)[0]!,
  contentType: headers["content-type"] ?? "",
  accept: headers.accept ?? "",
  body,
  peer: { host: socket.remoteAddress ?? "?", port: socket.remotePort ?? 0 },
});

const send = (response: ServerResponse, answer: HttpsAnswer): void => {
  if (begin(response, answer)) response.end(answer.body);
};

/** False when there is nobody to answer any more. */
const begin = (response: ServerResponse, { status, contentType, body, headers }: HttpsAnswer): boolean => {
  if (response.headersSent || response.destroyed) return false;
  response.writeHead(status, {
    ...headers,
    "content-type": contentType,
    "content-length": body.length,
    "cache-control": "no-store",
    connection: "close",
  });
  return true;
};

const plain = (status: number): HttpsAnswer => ({ status, contentType: "text/plain", body: new Uint8Array() });

/** The whole answer goes out, but ends only with the request: an end closes the connection under a client that still sends. */
const refuse = (request: IncomingMessage, response: ServerResponse, status: number): void => {
  if (!begin(response, plain(status))) return;
  response.flushHeaders();
  if (request.readableEnded) response.end();
  else request.once("end", () => response.end());
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  request.socket.once("close", () => clearTimeout(timer));
};

const request = (call: HttpsCall): Effect.Effect<HttpsAnswer, HttpsFailed> =>
  Effect.callback((resume) => {
    // A platform given no root might take its own.
    if (call.roots.length === 0) return resume(Effect.fail(new HttpsFailed({ why: "no root to trust" })));
    const name = call.serverName ?? call.host;
    const fail = (why: string) => {
      clearTimeout(timer);
      resume(Effect.fail(new HttpsFailed({ why: `${call.host}:${call.port}: ${why}` })));
      outgoing.destroy();
    };
    const outgoing = https.request({
      host: call.host,
      port: call.port,
      method: call.method,
      path: call.path,
      headers: { host: name, ...call.headers, "content-length": call.body?.length ?? 0, connection: "close" },
      agent: false, // a connection of its own: nothing is shared, nothing stays open
      ca: call.roots.map(pemCertificate),
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      ...(net.isIP(name) === 0 ? { servername: name } : {}),
      // In place of the platform's own, which takes a common name.
      checkServerIdentity: (_, certificate) =>
        serverFault(chainOfPeer(certificate as DetailedPeerCertificate), call.roots, name),
    });
    const timer = setTimeout(() => fail("timed out"), call.timeoutMs ?? HTTPS_TIMEOUT_MS);
    outgoing.on("error", (error) => fail(error.message));
    outgoing.once("response", (response) => {
      response.on("error", (error) => fail(error.message));
      response.once("close", () => fail("closed within the answer"));
      const taken = (body: Uint8Array) => {
        clearTimeout(timer);
        const contentType = response.headers["content-type"] ?? "";
        const { allow } = response.headers;
        const headers = allow === undefined ? {} : { headers: { allow } };
        resume(Effect.succeed({ status: response.statusCode ?? 0, contentType, body, ...headers }));
      };
      take(response, call.bodyBytesMax, taken, () => fail(`answer over ${call.bodyBytesMax} bytes`));
    });
    outgoing.end(call.body);
    return Effect.sync(() => {
      clearTimeout(timer);
      outgoing.destroy();
    });
  });

export const httpsLayer: Layer.Layer<Https> = Layer.succeed(Https, { serve, request });
