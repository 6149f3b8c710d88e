/** The page of an admin port: who is served what, what an open page is told and when, orders to other programs. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Deferred, Effect, Exit, Scope } from "effect";
import { type Happenings, makeHappenings, withHappenings, withHealth } from "../../actors/admin/mod.ts";
import { askAdmin } from "../../runtime/admin-client.ts";
import { newToken } from "../../runtime/cli/door.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { openDoor } from "../../runtime/cli/open-door.ts";
import { METRICS_TYPE } from "../../runtime/metrics/text.ts";
import type { PageProgram } from "../../runtime/page/programs.ts";
import { withFolder } from "../cli/processes.ts";
import { test } from "../kit/harness.ts";

const FREE = { host: "127.0.0.1", port: 0 };

interface Company {
  readonly base: string;
  readonly token: string;
  readonly happenings: Happenings;
  /** What the border element was ordered. */
  readonly orders: ReadonlyArray<string>;
  readonly endBorder: Effect.Effect<void>;
}

/** A server and a border element of a company, each with its admin port, in one process. */
const company = Effect.fnUntraced(function* (root: string) {
  const programs: ReadonlyArray<PageProgram> = [
    { name: "server", program: "server", data: `${root}/server` },
    { name: "border", program: "border", data: `${root}/border` },
  ];
  const happenings = makeHappenings();
  const orders: Array<string> = [];
  let upSeconds = 0;
  const metrics = Effect.sync(() => `vipr_up_seconds ${upSeconds++}\nvipr_vcrs_total{direction="sent"} 3\n`);
  const health = { unready: Effect.succeed([]), metrics, metricsType: METRICS_TYPE };
  const token = newToken();
  const answer = withHealth(
    health,
    withHappenings(happenings, () => Effect.succeed({ status: 200, body: { nodeId: "abc" } })),
  );
  const at = yield* openDoor(yield* openFolder(`${root}/server`), FREE, token, answer, programs);
  const scope = yield* Effect.acquireRelease(Scope.make(), (one) => Scope.close(one, Exit.void));
  yield* openDoor(
    yield* openFolder(`${root}/border`),
    FREE,
    newToken(),
    withHealth(health, (request) => {
      if (request.method === "POST") orders.push(`${request.path} ${request.body}`);
      return Effect.succeed({ status: 200, body: { underWay: 2 } });
    }),
    programs,
  ).pipe(Scope.provide(scope));
  const made: Company = {
    base: `http://${at.host}:${at.port}`,
    token,
    happenings,
    orders,
    endBorder: Scope.close(scope, Exit.void),
  };
  return made;
});

const withCompany = (use: (of: Company) => Promise<void>): Promise<void> =>
  withFolder((root) =>
    Effect.runPromise(
      Effect.scoped(Effect.flatMap(company(root), (made) => Effect.promise(() => use(made)))) as Effect.Effect<void>,
    ),
  );

/** What an open page has been told, until `isEnough`. */
const told = async (base: string, isEnough: (text: string) => boolean): Promise<string> => {
  const abort = new AbortController();
  const response = await fetch(`${base}/live`, { signal: abort.signal });
  same(response.headers.get("content-type"), "text/event-stream");
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(part, { stream: true });
    if (isEnough(text)) break;
  }
  abort.abort();
  return text;
};

test("page: its files come from the port itself, under a policy that lets nothing else in", () =>
  withCompany(async ({ base }) => {
    const index = await fetch(`${base}/`);
    same([index.status, index.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    const policy = index.headers.get("content-security-policy") ?? "";
    ok(policy.startsWith("default-src 'none'; script-src 'self'") && !policy.includes("unsafe"), policy);
    const html = await index.text();
    const linked = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1]!);
    const asked = new Set<string>();
    let bytes = html.length;
    while (linked.length > 0) {
      const path = linked.pop()!;
      if (asked.has(path)) continue;
      asked.add(path);
      const file = await fetch(`${base}${path}`);
      const text = await file.text();
      same([path, file.status], [path, 200]);
      bytes += text.length;
      if (path.endsWith(".js") || path.endsWith(".mjs"))
        for (const [, to] of text.matchAll(/(?:^|\n)import[^;]*?from "([^"]+)"/g))
          linked.push(to!.startsWith("./") ? `/page/${to!.slice(2)}` : to!);
    }
    ok(asked.has("/page/preact.mjs") && asked.has("/page/style.css"), [...asked].join(" "));
    ok(bytes < 300_000, `${bytes} bytes`);
    for (const path of ["/page/..%2fadmin.json", "/page/none.js", "/page/tsconfig.json", "/page/web/main.js"])
      same([path, (await fetch(`${base}${path}`)).status], [path, 404]);
  }));

test("page: it answers as this machine only, and takes no other method", () =>
  withCompany(async ({ base }) => {
    for (const [path, method] of [
      ["/", "POST"],
      ["/live", "DELETE"],
      ["/programs/server/explain", "GET"],
      ["/happenings/0", "POST"],
    ] as const)
      same([path, (await fetch(`${base}${path}`, { method })).status], [path, 405]);
  }));

test("page: an open page is told each part, then what changes, then what happens; a program that ends is told too", () =>
  withCompany(async ({ base, happenings, endBorder }) => {
    const first = await told(base, (text) => text.includes('"server ring"') && text.includes('"border calls"'));
    ok(first.includes('"part":"programs","value":[{"name":"server","program":"server"},{"name":"border"'), first);
    ok(first.includes('"vipr_vcrs_total"'), first);
    ok(!first.includes("vipr_up_seconds"), "figures that always change are no part of them");
    happenings.record(1_000, "learned", () => ({ number: "+49…01", text: "route to b.example" }));
    const second = await told(base, (text) => text.includes("event: happenings"));
    ok(second.includes('{"program":"server","number":"+49…01","text":"route to b.example","n":1,'), second);
    const seen = told(
      base,
      (text) =>
        text.includes('"border status","value":{"name":"border"') && /"border status".*"answers":false/.test(text),
    );
    await Effect.runPromise(endBorder);
    await seen;
  }));

test("page: nobody is looked at while no page is open", () =>
  withCompany(async ({ base }) => {
    await told(base, (text) => text.includes('"server ring"'));
    const metrics = async () => Number(/vipr_up_seconds (\d+)/.exec(await (await fetch(`${base}/metrics`)).text())![1]);
    // Each look reads the metrics, and each reading counts one up: two readings in a row differ by one when nobody else reads.
    let before = await metrics();
    for (let tries = 0; tries < 50; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const now = await metrics();
      if (now === before + 1) return;
      before = now;
    }
    throw new Error("it goes on looking");
  }));

test("page: an order to another program wants the token of this one, and goes under the other's own", () =>
  withCompany(async ({ base, token, orders }) => {
    const ask = (authorization: string, path = "/programs/border/routes") =>
      fetch(`${base}${path}`, { method: "POST", headers: { authorization }, body: '{"order":"list"}' });
    same((await ask("")).status, 401);
    same((await ask(`Bearer ${newToken()}`)).status, 401);
    same(orders, []);
    const done = await ask(`Bearer ${token}`);
    // The border element of this test seals nothing: it is not believed to be the one of that directory.
    same([done.status, orders.length], [502, 1]);
    same((await ask(`Bearer ${token}`, "/programs/nobody/routes")).status, 404);
    same((await ask(`Bearer ${token}`, "/programs/border/a/b")).status, 404);
    const port = Number(new URL(base).port);
    const sealed = await Effect.runPromise(
      askAdmin({ host: FREE.host, port }, { path: "/programs/border/routes", token, body: {} }),
    );
    same([sealed.status, sealed.isSealed], [502, true]);
  }));

test("happenings: the newest are kept, what was missed is counted, another run begins anew", () => {
  const happenings = makeHappenings();
  same(happenings.after(0), { last: 0, missed: 0, happenings: [] });
  for (let i = 1; i <= 1_500; i += 1) happenings.record(i, "x", () => ({ i }));
  const all = happenings.after(0);
  same([all.last, all.missed, all.happenings.length, all.happenings[0]!.n], [1_500, 476, 1_024, 477]);
  same(
    happenings.after(1_499).happenings.map(({ n }) => n),
    [1_500],
  );
  same(happenings.after(1_500).happenings, []);
  same([happenings.after(9_000).missed, happenings.after(9_000).happenings.length], [0, 1_024]);
});

test("page: a page whose server closes ends, and the program with it", async () => {
  const ended = Deferred.makeUnsafe<void>();
  await withCompany(async ({ base }) => {
    const response = await fetch(`${base}/live`);
    void response.text().then(
      () => Effect.runSync(Deferred.succeed(ended, undefined)),
      () => Effect.runSync(Deferred.succeed(ended, undefined)),
    );
  });
  await Effect.runPromise(Deferred.await(ended));
});
