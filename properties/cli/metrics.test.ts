/** /healthz, /readyz and /metrics: Prometheus' text to the letter, each name documented, each rule and panel about names that exist. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import process from "node:process";
import { Effect } from "effect";
import fc from "fast-check";
import type { CallsReport, RingReport } from "../../actors/admin/mod.ts";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import { e164 } from "../../codecs/shared/mod.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { openMemberAdmin } from "../../runtime/cli/member-admin.ts";
import { callsFamilies } from "../../runtime/metrics/calls.ts";
import { counts, SERIES_MAX } from "../../runtime/metrics/counts.ts";
import { isHealthy } from "../../runtime/metrics/overlay.ts";
import { countEvents } from "../../runtime/metrics/server.ts";
import { METRICS, type MetricName } from "../../runtime/metrics/table.ts";
import { type Family, metricsText } from "../../runtime/metrics/text.ts";
import { test } from "../kit/harness.ts";
import { writeAgentConfig } from "./agent-config.ts";
import { HOST, JOINED, oneServer } from "./one-server.ts";
import { POLITE_END, start, withFolder } from "./processes.ts";

interface Read {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const TYPED = /^# TYPE (\w+) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/y;

const labelsIn = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match === null) throw new Error(`no label: ${text}`);
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, sign) => (sign === "n" ? "\n" : sign));
  }
  return labels;
};

/** As strictly as the format's page has it: HELP, TYPE, then the family's samples; no family and no series twice. */
const readMetrics = (text: string): ReadonlyArray<Read> => {
  const [seen, series] = [new Set<string>(), new Set<string>()];
  let family = "";
  let helped = "";
  ok(text === "" || text.endsWith("\n"));
  return text.split("\n").flatMap((line) => {
    if (line === "") return [];
    const help = /^# HELP (\w+) \S/.exec(line)?.[1];
    if (help !== undefined) {
      helped = help;
      return [];
    }
    const typed = TYPED.exec(line)?.[1];
    if (typed !== undefined) {
      ok(typed === helped && !seen.has(typed), line);
      seen.add(typed);
      family = typed;
      return [];
    }
    const [, name = "", inner = "", number = ""] = SAMPLE.exec(line) ?? [];
    ok(name.replace(/_(bucket|sum|count)$/, "") === family || name === family, line);
    ok(!series.has(`${name}{${inner}}`), line);
    series.add(`${name}{${inner}}`);
    const value = Number(number.replace("Inf", "Infinity"));
    ok(number === "NaN" || !Number.isNaN(value), line);
    return [{ name, labels: labelsIn(inner), value }];
  });
};

test("metrics: what is written is read back, whatever stands in a label", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.string({ unit: "grapheme" }), fc.double()), { selector: ([label]) => label }),
      (pairs) => {
        const samples = pairs.map(([reason, value]) => ({ labels: { reason }, value }));
        const family: Family = { name: "vipr_x_total", type: "counter", help: "a\\b\nc", samples };
        const read = readMetrics(metricsText([family]));
        same(
          read.map(({ labels, value }) => [labels.reason, value]),
          pairs.map(([label, value]) => [label, value === 0 ? 0 : value]),
        );
      },
    ),
  );
  same(metricsText([{ name: "vipr_x", type: "gauge", help: "x", samples: [] }]), "");
});

test("metrics: a label that strangers choose makes no more series than the limit", () => {
  const one = counts("reason");
  for (let i = 0; i < SERIES_MAX + 50; i++) one.add(`r${i}`);
  one.add("r0");
  const samples = one.samples();
  same(samples.length, SERIES_MAX + 1);
  same(samples.find(({ labels }) => labels?.reason === "other")?.value, 50);
  same(samples.find(({ labels }) => labels?.reason === "r0")?.value, 2);
});

test("metrics: events of a server are counted, and no number and no domain is in a label", () => {
  const number = e164("+498912345678");
  const call = { direction: "sent" } as unknown as Extract<ViprEvent, { type: "dropped" }>["call"];
  const counted = countEvents();
  const attempt = (verdict: string) => ({ method: "a", verdict, bits: 9 }) as never;
  const events: ReadonlyArray<ViprEvent> = [
    { type: "vcr", direction: "sent", number, call, hasCaller: true },
    { type: "lookedUp", number, call, claims: 0, claimants: [] },
    { type: "lookedUp", number, call, claims: 2, claimants: [] },
    { type: "lookUpFailed", number, call, why: "no answer" },
    { type: "attempted", number, by: 1n as never, call, attempt: attempt("validated"), tries: 1 },
    { type: "attempted", number, by: 1n as never, call, attempt: attempt("refused"), tries: 1 },
    { type: "learned", number, domain: "b.example", told: 1 },
    { type: "learned", number, domain: "b.example", told: 1 },
    { type: "granted", number, domain: "b.example" },
    { type: "declined", number, domain: "b.example", code: 403 },
    { type: "publishFailed", number, why: "quota" },
    { type: "crowded", number, call },
  ];
  for (const event of events) counted.record(event);
  const text = metricsText(counted.families());
  const read = readMetrics(text);
  const at = (name: MetricName, labels: Record<string, string> = {}) =>
    read.find((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      ?.value;
  same(at("vipr_vcrs_total", { direction: "sent" }), 1);
  same(at("vipr_look_ups_total", { result: "claimed" }), 1);
  same(at("vipr_look_ups_total", { result: "unclaimed" }), 1);
  same(at("vipr_look_ups_total", { result: "failed" }), 1);
  same(at("vipr_attempts_total", { method: "a", verdict: "validated" }), 1);
  same(at("vipr_attempts_total", { method: "a", verdict: "refused" }), 1);
  same([at("vipr_routes_learned_total"), at("vipr_route_domains")], [2, 1]);
  same([at("vipr_tickets_granted_total"), at("vipr_tickets_declined_total", { code: "403" })], [1, 1]);
  same(at("vipr_numbers_published_total", { result: "failed" }), 1);
  same(at("vipr_calls_not_validated_total", { reason: "crowded" }), 1);
  for (const secret of [number.slice(1), "b.example"]) ok(!text.includes(secret), secret);
  ok(!text.includes("tenant="));

  counted.record({ type: "learned", number, domain: "b.example", told: 1 }, "acme");
  const both = readMetrics(metricsText(counted.families())).filter(({ name }) => name === "vipr_routes_learned_total");
  same(
    both.map(({ labels, value }) => [labels, value]),
    [
      [{}, 2],
      [{ tenant: "acme" }, 1],
    ],
  );
});

/** One answer of an admin port, whatever its kind. */
const ask = (base: string, path: string, method = "GET", host?: string) =>
  new Promise<{ readonly status: number; readonly type: string; readonly allow: string; readonly text: string }>(
    (resolve, reject) => {
      const headers = host === undefined ? {} : { host };
      const request = http.request(new URL(path, base), { method, headers, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part) => {
          text += part;
        });
        response.on("end", () => {
          const { "content-type": type = "", allow = "" } = response.headers;
          resolve({ status: response.statusCode ?? 0, type, allow, text });
        });
      });
      request.on("error", reject);
      request.end();
    },
  );

const known = (read: ReadonlyArray<Read>) => {
  for (const { name, labels } of read) {
    const base = name in METRICS ? name : name.replace(/_(bucket|sum|count)$/, "");
    ok(base in METRICS, `${name} is not documented`);
    const described = METRICS[base as MetricName].labels as ReadonlyArray<string>;
    same(
      Object.keys(labels).filter((label) => !described.includes(label)),
      [],
      name,
    );
  }
};

test("a server: alive, ready once it has joined, its metrics whole; a stranger's Host and another method are refused", () =>
  withFolder(async (root) => {
    const { serve } = await oneServer(root);
    const server = await serve();
    const base = JOINED.exec(server.out())![3]!;
    const [alive, ready, metrics] = [
      await ask(base, "/healthz"),
      await ask(base, "/readyz"),
      await ask(base, "/metrics"),
    ];
    same([alive.status, ready.status, metrics.status], [200, 200, 200]);
    same(JSON.parse(ready.text), { status: "ready" });
    same(metrics.type, "text/plain; version=0.0.4; charset=utf-8");
    const read = readMetrics(metrics.text);
    known(read);
    const at = (name: MetricName, label?: string) =>
      read.find((one) => one.name === name && (label === undefined || Object.values(one.labels).includes(label)))
        ?.value;
    same([at("vipr_ready"), at("vipr_overlay_healthy"), at("vipr_overlay_nodes")], [1, 1, 1]);
    same([at("vipr_overlay_state", "settled"), at("vipr_overlay_state", "joining")], [1, 0]);
    for (const certificate of ["node", "root"]) {
      const days = at("vipr_certificate_left_seconds", certificate)! / 86_400;
      ok(days > 300 && days < 4_000, `${certificate}: ${days}`);
    }
    ok(
      at("vipr_resident_bytes")! > 1e7 &&
        at("vipr_store_bytes", "values.sqlite")! > 0 &&
        at("vipr_disk_free_bytes")! > 0,
    );
    same([at("vipr_vap_sessions"), at("vipr_validations_pending"), at("vipr_overlay_quota")], [0, 0, 10_000]);
    ok(read.some(({ name }) => name === "vipr_event_loop_delay_seconds_bucket"));

    const wrong = await ask(base, "/metrics", "POST");
    same([wrong.status, wrong.allow], [405, "GET, HEAD"]);
    same((await ask(base, "/metrics", "GET", "pages.example")).status, 421);
    same((await ask(base, "/metrics", "HEAD")).text, "");
    same((await ask(base, "/ring.json")).status, 200);
    same(await server.kill("SIGTERM"), POLITE_END);
  }));

test("before it has joined a member is alive, not ready, and says why", () =>
  withFolder((root) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const admin = yield* openMemberAdmin(yield* openFolder(`${root}/s`), { host: HOST, port: 0 });
          const base = `http://${HOST}:${admin.at!.port}`;
          const asked = (path: string) => Effect.promise(() => ask(base, path));
          same((yield* asked("/healthz")).status, 200);
          const ready = yield* asked("/readyz");
          same([ready.status, JSON.parse(ready.text)], [503, { status: "unready", reasons: ["not joined"] }]);
          same((yield* asked("/ring.json")).status, 503);
          const read = readMetrics((yield* asked("/metrics")).text);
          known(read);
          same(read.find(({ name }) => name === "vipr_ready")?.value, 0);
        }),
      ),
    ),
  ));

test("a node without a link is healthy only where it is alone in its overlay", () => {
  const report = (state: string, links: number, nodes: number) =>
    isHealthy({ state, links: Array.from({ length: links }), nodesEstimated: nodes } as unknown as RingReport);
  same([report("settled", 0, 1), report("settled", 2, 9)], [true, true]);
  same([report("settled", 0, 9), report("joining", 2, 9), report("left", 2, 9)], [false, false, false]);
});

test("a call agent's admin port has health and metrics beside its calls", () =>
  withFolder(async (folder) => {
    const ports = { server: 9, agent: 0, pbx: 5_060, trunk: 5_060 };
    const agent = start(["agent", "--config", writeAgentConfig(folder, ports)]);
    const base = (await agent.said(/^admin +(http:\S+)\/calls\.json$/m))[1]!;
    same((await ask(base, "/readyz")).status, 200);
    const read = readMetrics((await ask(base, "/metrics")).text);
    known(read);
    const at = (name: MetricName) => read.find((one) => one.name === name)?.value;
    same([at("vipr_calls_under_way"), at("vipr_agent_routes"), at("vipr_agent_records_waiting")], [0, 0, 0]);
    ok(at("vipr_store_bytes")! > 0);
    same((await ask(base, "/calls.json")).status, 200);
    same(await agent.kill("SIGTERM"), POLITE_END);
  }));

test("metrics: a report of calls is whole, each counter and each reason", () => {
  const report = {
    ...{ version: 1, program: "border", upSeconds: 1, underWay: 2, calls: [], unreadable: [] },
    counters: { admitted: 3, hungUp: 4 },
    reasons: { refused: { ticket: 5 }, connectionsRefused: {} },
  } satisfies CallsReport;
  const read = readMetrics(metricsText(callsFamilies(report)));
  known(read);
  same(
    read.map(({ labels, value }) => [...Object.values(labels), value]),
    [
      ["border", 2],
      ["border", "admitted", 3],
      ["border", "hungUp", 4],
      ["border", "refused", "ticket", 5],
    ],
  );
});

const PAGE = "docs/operator.md";
const cell = (text: string): string => text.replaceAll("|", "\\|");
const written = (): string =>
  [
    "| metric | type | labels | meaning | in Cisco's product |",
    "|---|---|---|---|---|",
    ...Object.entries(METRICS).map(([name, { type, help, labels = [], ...more }]) => {
      const cisco = "cisco" in more ? more.cisco : "";
      const shown = labels.map((label) => `\`${label}\``).join(", ");
      return `| \`${name}\` | ${type} | ${shown} | ${cell(help)} | ${cisco} |`;
    }),
  ].join("\n");

test("docs: operator.md lists every metric there is (VIPR_TABLES=write writes it anew)", () => {
  const page = readFileSync(PAGE, "utf8");
  const [before, after] = [page.indexOf("<!-- metrics -->\n"), page.indexOf("\n<!-- end of metrics -->")];
  ok(before > 0 && after > before);
  const made = `${page.slice(0, before)}<!-- metrics -->\n\n${written()}\n${page.slice(after)}`;
  if (process.env.VIPR_TABLES === "write") writeFileSync(PAGE, made);
  same(readFileSync(PAGE, "utf8"), made);
});

test("docs: alert rules and board ask for metrics that exist, each alert says what to do", () => {
  const rules = readFileSync("docs/deploy/prometheus/vipr-alerts.yml", "utf8");
  const board = readFileSync("docs/deploy/grafana/vipr.json", "utf8");
  for (const text of [rules, board]) {
    const names = [...text.matchAll(/\bvipr_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ""));
    ok(names.length > 10);
    same(
      names.filter((name) => !(name in METRICS)),
      [],
    );
  }
  const alerts = rules.split("- alert: ").slice(1);
  same(
    alerts.filter((alert) => !/ {6}action: "/.test(alert) && !/action: "/.test(alert)),
    [],
  );
  ok(JSON.parse(board).panels.length >= 12);
  const log = [...rules.matchAll(/event=~?"([^"]+)"/g)].flatMap(([, names = ""]) => names.split("|"));
  const page = readFileSync(PAGE, "utf8");
  same(
    log.filter((event) => !page.includes(`\`${event}\``)),
    [],
  );
});
