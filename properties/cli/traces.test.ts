/** Traces: a real receiver of OTLP, a real server whose call agent uploads a call; one trace a number, no number in it. */
import { ok, deepStrictEqual as same } from "node:assert";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Clock, Effect, Layer, Logger } from "effect";
import { connectVap } from "../../actors/vap/mod.ts";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import { e164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { credentialsUnder } from "../../runtime/cli/own-authority.ts";
import { derOfPem } from "../../runtime/cli/pem.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { openSpanExport, otlpUrl, SPANS_MAX } from "../../runtime/traces/export.ts";
import { type OtlpSpan, spanOf } from "../../runtime/traces/spans.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { DOMAIN, HOST, oneServer, WORDS } from "./one-server.ts";
import { POLITE_END, until, withFolder } from "./processes.ts";

const [CALLING, CALLED] = [e164("+14085551000"), e164("+498912345678")];

interface Receiver {
  readonly url: string;
  readonly spans: () => ReadonlyArray<OtlpSpan>;
  readonly bodies: () => string;
  readonly close: () => void;
}
const openReceiver = async (): Promise<Receiver> => {
  let [bodies, wrong] = ["", ""];
  const spans: Array<OtlpSpan> = [];
  const server = http.createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      if (request.url !== "/v1/traces" || request.headers["content-type"] !== "application/json")
        wrong = request.url ?? "";
      bodies += text;
      for (const { scopeSpans } of JSON.parse(text).resourceSpans)
        for (const scope of scopeSpans) spans.push(...scope.spans);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    spans: () => {
      same(wrong, "");
      return spans;
    },
    bodies: () => bodies,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const uploaded = (port: number, root: string, calledAt: number) =>
  Effect.gen(function* () {
    const nobody = yield* makeAuthority({ name: "an exchange", nowMs: yield* Clock.currentTimeMillis });
    const own = yield* credentialsUnder(nobody, "exchange");
    const roots = derOfPem(readFileSync(root, "utf8"), "CERTIFICATE");
    const vservice = vserviceId(0xacen);
    const agent = yield* connectVap({
      ...{ host: HOST, port, tls: { ...own, roots }, username: "pbx", password: WORDS.pbx, name: "exchange/1.0" },
      ...{ vservice, reconnectMs: [5, 10] as const },
    });
    const routes = [{ sipUris: [`sip:x@${DOMAIN}:5061;maddr=192.0.2.1;transport=tls`] }];
    yield* agent.publishVService({ id: "exchange", dhtName: "vipr.test", didCount: 1, domain: DOMAIN, routes });
    const startMs = unixMs(calledAt - 700_000);
    const stopMs = unixMs(calledAt - 100_000);
    yield* agent.uploadVcr({ direction: "sent", calling: CALLING, called: CALLED, startMs, stopMs, vservice });
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))));

test("traces: the way of a call, from its record to the look-up in the overlay, is one trace at the collector", () =>
  withFolder(async (root) => {
    const receiver = await openReceiver();
    try {
      const { data, ports, serve, write } = await oneServer(root);
      write("wait-min-s = 1\nwait-max-s = 2\ngrace-s = 0", `[trace]\notlp = "${receiver.url}"`);
      const server = await serve();
      await Effect.runPromise(uploaded(ports.vap, join(data, "server", "vap-root.pem"), Date.now()));
      const named = (name: string) => receiver.spans().find((span) => span.name === name);
      const record = await until(async () => named("vipr.vcr"), "the record's span");
      const lookUp = await until(async () => named("vipr.lookedUp") ?? named("vipr.dropped"), "what became of it");
      same([lookUp.traceId, lookUp.parentSpanId], [record.traceId, record.spanId]);
      ok(/^[0-9a-f]{32}$/.test(record.traceId) && /^[0-9a-f]{16}$/.test(record.spanId));
      ok(BigInt(record.startTimeUnixNano) > 1_000_000_000n * 1_700_000_000n);
      for (const secret of [CALLED.slice(1), CALLING.slice(1), ...Object.values(WORDS)])
        ok(!receiver.bodies().includes(secret), secret);
      ok(readFileSync(join(data, "server", "trace-key"), "utf8").trim().length > 40);
      same(await server.kill("SIGTERM"), POLITE_END);
    } finally {
      receiver.close();
    }
  }));

test("traces: a number is one trace under one key and another under another, a call one span that its steps hang on", () => {
  const key = randomBytes(32);
  const call = { direction: "sent", startMs: 1n } as unknown as Extract<ViprEvent, { type: "dropped" }>["call"];
  const other = { direction: "sent", startMs: 2n } as unknown as typeof call;
  const record = spanOf(key, { type: "vcr", direction: "sent", number: CALLED, call, hasCaller: true }, 1_000.4);
  const failed = spanOf(key, { type: "lookUpFailed", number: CALLED, call, why: "x".repeat(999) }, 2_000);
  const later = spanOf(key, { type: "dropped", number: CALLED, call: other }, 3_000);
  const learned = spanOf(key, { type: "learned", number: CALLED, domain: "b.example", told: 1 }, 4_000);
  same(new Set([record, failed, later, learned].map(({ traceId }) => traceId)).size, 1);
  same([failed.parentSpanId, record.parentSpanId, learned.parentSpanId], [record.spanId, undefined, undefined]);
  ok(later.parentSpanId !== record.spanId);
  same([record.status.code, failed.status.code, record.startTimeUnixNano], [0, 2, "1000000000"]);
  ok(spanOf(randomBytes(32), { type: "learned", number: CALLED, domain: "", told: 1 }, 1).traceId !== record.traceId);
  ok(spanOf(key, { type: "learned", number: CALLING, domain: "", told: 1 }, 1).traceId !== record.traceId);
  ok(!JSON.stringify([record, failed, later, learned]).includes(CALLED.slice(1)));
  ok(failed.attributes.every(({ value }) => !("stringValue" in value) || value.stringValue.length <= 256));
});

test("traces: a collector that is away costs spans and nothing else, and no more are held than the limit", async () => {
  const port = await freePort();
  const span = spanOf(randomBytes(32), { type: "learned", number: CALLED, domain: "b.example", told: 1 }, 1);
  const counts = await Effect.runPromise(
    Effect.gen(function* () {
      const { record, counts } = yield* openSpanExport(`http://${HOST}:${port}`);
      for (let i = 0; i < SPANS_MAX + 10; i++) record(span);
      same(counts(), { sent: 0, dropped: 10 });
      return counts;
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
  );
  ok(counts().sent === 0 && counts().dropped > 10, JSON.stringify(counts()));
  same(otlpUrl("http://a:4318"), "http://a:4318/v1/traces");
  same(otlpUrl("http://a:4318/v1/traces"), "http://a:4318/v1/traces");
});
