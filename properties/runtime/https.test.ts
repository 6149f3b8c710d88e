/** What every runtime owes by its Https port: limits kept while bytes arrive, names checked, defects kept indoors. */
import { ok, deepStrictEqual as same } from "node:assert";
import tls from "node:tls";
import { Clock, Deferred, Effect, Fiber, Layer, Logger } from "effect";
import {
  type Credentials,
  Https,
  type HttpsAnswer,
  type HttpsCall,
  type HttpsRequest,
  type Keys,
} from "../../actors/ports/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { keyOfPem } from "../../runtime/keys.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { lawsOn, type Run } from "../kit/law.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { ecHolder, ext, general, nameOf, purpose, usage, writeCertificate } from "../kit/x509.ts";

type Ports = Https | Keys;
const HOST = "127.0.0.1";
const NAME = "server.example";
const BODY_BYTES_MAX = 1_000;

const opened = Effect.fnUntraced(function* (
  handler: (request: HttpsRequest) => Effect.Effect<HttpsAnswer>,
  requestsMax?: number,
) {
  const authority = yield* makeAuthority({ name: "laws", nowMs: yield* Clock.currentTimeMillis });
  const credentials = yield* credentialsUnder(NAME, authority);
  const https = yield* Https;
  const on = {
    host: HOST,
    port: 0,
    tls: credentials,
    bodyBytesMax: BODY_BYTES_MAX,
    ...(requestsMax === undefined ? {} : { requestsMax }),
  };
  const { port } = yield* https.serve(on, handler);
  const call: HttpsCall = {
    host: HOST,
    port,
    serverName: NAME,
    roots: [authority.root],
    method: "POST",
    path: "/a/b?c=d",
    headers: { "content-type": "text/x-law", accept: "text/y" },
    body: utf8("asked"),
    bodyBytesMax: BODY_BYTES_MAX,
  };
  return { https, port, call, on };
});
const echo = ({ body }: HttpsRequest) => Effect.succeed({ status: 200, contentType: "text/x-echo", body });

/** Under a root of its own, with this common name, and these names in subjectAltName. */
const credentialsOf = (common: string, names: ReadonlyArray<Uint8Array>, nowMs: number): Credentials => {
  const [issuer, ours] = [ecHolder(), ecHolder()];
  const lasting = { issuer: nameOf("root"), notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + 3_600_000 };
  const authority = [ext.ca(), ext.usage(usage.keyCertSign)];
  const root = { ...lasting, subject: nameOf("root"), keyInfo: issuer.keyInfo, extensions: authority };
  const extensions = [ext.purposes(purpose.server), ...(names.length === 0 ? [] : [ext.names(names, false)])];
  const leaf = { ...lasting, subject: nameOf(common), keyInfo: ours.keyInfo, extensions };
  const key = keyOfPem(ours.secret.export({ type: "pkcs8", format: "pem" }) as string)!;
  return { key, certificates: [writeCertificate(leaf, issuer)], roots: [writeCertificate(root, issuer)] };
};

const httpsLaws = (name: string, layer: () => Layer.Layer<Ports>, run: Run): void => {
  const law = lawsOn(name, layer, run);

  law(
    "a request arrives as it was made, and its answer comes back",
    Effect.gen(function* () {
      const seen: Array<HttpsRequest> = [];
      const { https, call } = yield* opened((request) => {
        seen.push(request);
        return Effect.succeed({ status: 207, contentType: "a/b", body: Uint8Array.from({ length: 900 }, (_, i) => i) });
      });
      same(yield* https.request(call), {
        status: 207,
        contentType: "a/b",
        body: Uint8Array.from({ length: 900 }, (_, i) => i),
      });
      const { method, path, contentType, accept, body } = seen[0]!;
      same([method, path, contentType, accept, body], ["POST", "/a/b", "text/x-law", "text/y", utf8("asked")]);
      same((yield* https.request({ ...call, body: new Uint8Array(BODY_BYTES_MAX) })).status, 207);
    }),
  );

  law(
    "a longer body is refused, a longer answer is a failure",
    Effect.gen(function* () {
      let served = 0;
      const { https, call } = yield* opened((request) => {
        served += 1;
        return echo(request);
      });
      same((yield* https.request({ ...call, body: new Uint8Array(BODY_BYTES_MAX + 1) })).status, 413);
      same((yield* https.request({ ...call, body: new Uint8Array(2_000_000) })).status, 413);
      same(served, 0);
      same((yield* Effect.flip(https.request({ ...call, bodyBytesMax: 4 })))._tag, "HttpsFailed");
    }),
  );

  law(
    "a handler that dies is a 500 that says nothing, and the next request is served",
    Effect.gen(function* () {
      let first = true;
      const { https, call } = yield* opened((request) => {
        if (!first) return echo(request);
        first = false;
        return Effect.die("the secret reason");
      });
      const { status, body } = yield* https.request(call);
      same([status, body], [500, new Uint8Array()]);
      same((yield* https.request(call)).status, 200);
    }),
  );

  law(
    "the server's certificate must fit the name and lead to a root",
    Effect.gen(function* () {
      let served = 0;
      const { https, call } = yield* opened((request) => {
        served += 1;
        return echo(request);
      });
      const other = yield* makeAuthority({ name: "laws", nowMs: yield* Clock.currentTimeMillis });
      const { serverName: _, ...byHost } = call;
      for (const wrong of [
        { ...call, serverName: "other.example" },
        { ...call, roots: [other.root] },
        { ...call, roots: [] },
        byHost,
      ])
        same((yield* Effect.flip(https.request(wrong)))._tag, "HttpsFailed");
      same(served, 0);
    }),
  );

  law(
    "RFC 9110 §4.3.4: a common name is no name of the server's, though all else of its certificate is good",
    Effect.gen(function* () {
      const { call, on, https } = yield* opened(echo);
      const nowMs = yield* Clock.currentTimeMillis;
      for (const [names, asked, reason] of [
        [[], NAME, "serverName"],
        [[general.email(`a@${NAME}`), general.uri(`https://${NAME}/`), general.ip(127, 0, 0, 1)], NAME, "serverName"],
        [[general.dns("other.example")], NAME, "serverName"],
        [[general.dns(HOST)], HOST, "serverName"],
        [[general.dns(NAME.toUpperCase())], NAME, "taken"],
        [[general.dns(`*.${NAME}`)], `a.${NAME}`, "taken"],
        [[general.ip(127, 0, 0, 1)], HOST, "taken"],
      ] as const) {
        const tls = credentialsOf(asked, names, nowMs);
        const { port } = yield* https.serve({ ...on, tls }, echo);
        const exit = yield* Effect.result(https.request({ ...call, port, serverName: asked, roots: tls.roots }));
        const seen =
          exit._tag === "Success" ? "taken" : exit.failure.why.slice(`${HOST}:${port}: `.length).split(":", 1)[0];
        same([asked, names.length, seen], [asked, names.length, reason]);
      }
    }),
  );

  law(
    "beyond its requests at once it answers 503; a server that does not answer is given up",
    Effect.gen(function* () {
      const [begun, never] = [yield* Deferred.make<void>(), yield* Deferred.make<HttpsAnswer>()];
      const { https, call } = yield* opened(
        () => Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(never)),
        1,
      );
      const waiting = yield* Effect.forkChild(Effect.flip(https.request({ ...call, timeoutMs: 1_000 })));
      yield* Deferred.await(begun);
      same((yield* https.request(call)).status, 503);
      same((yield* Fiber.join(waiting))._tag, "HttpsFailed");
    }),
  );

  law(
    "a taken port is a ListenFailed; a closed one refuses",
    Effect.gen(function* () {
      const { https, port, call, on } = yield* opened(echo);
      same((yield* Effect.flip(https.serve({ ...on, port }, echo)))._tag, "ListenFailed");
      const gone = yield* Effect.scoped(https.serve(on, echo));
      same((yield* Effect.flip(https.request({ ...call, port: gone.port })))._tag, "HttpsFailed");
    }),
  );
};

httpsLaws(
  "https",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);
httpsLaws(
  "memory https",
  () => memoryLayer({ seed: 5 }),
  (effect) => runVirtual(effect),
);

/** What a server says to these bytes, and that it then closes, though the request never ends. */
const answerTo = (port: number, root: Uint8Array, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const ca = `-----BEGIN CERTIFICATE-----\n${Buffer.from(root).toString("base64")}\n-----END CERTIFICATE-----\n`;
    const socket = tls.connect({ host: HOST, port, servername: NAME, ca: [ca] }, () => socket.write(text));
    let said = "";
    socket.on("data", (chunk) => {
      said += chunk;
    });
    socket.on("close", () => resolve(said));
    socket.on("error", (error) => (said === "" ? reject(error) : resolve(said)));
  });

test("https: a body without end is refused while it arrives, and its connection closed", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      let served = 0;
      const { port, call } = yield* opened((request) => {
        served += 1;
        return echo(request);
      });
      const chunk = `7d0\r\n${"x".repeat(2_000)}\r\n`;
      for (const rest of [`Transfer-Encoding: chunked\r\n\r\n${chunk}`, "Content-Length: 100000000\r\n\r\nx"]) {
        const said = yield* Effect.promise(() =>
          answerTo(port, call.roots[0]!, `POST / HTTP/1.1\r\nHost: ${NAME}\r\n${rest}`),
        );
        ok(said.startsWith("HTTP/1.1 413 "), said);
      }
      ok((yield* Effect.promise(() => answerTo(port, call.roots[0]!, "rubbish\r\n\r\n"))).length < 200);
      same(served, 0);
      same((yield* (yield* Https).request(call)).status, 200);
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([])))),
  ));
