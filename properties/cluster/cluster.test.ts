/** Members of a cluster on one PostgreSQL: each part of the VServices is worked on by one, whoever comes and goes. */
import { ok, deepStrictEqual as same } from "node:assert";
import net from "node:net";
import tls from "node:tls";
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect";
import { openCluster } from "../../actors/cluster/mod.ts";
import { type ClusterShape, type Credentials, PARTITIONS, type Work } from "../../actors/ports/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { openPostgres } from "../../runtime/store/postgres.ts";
import { shardsOf } from "../../runtime/store/postgres-shards.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { credentialsUnder } from "../kit/credentials.ts";
import { test } from "../kit/harness.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";

const HOST = "127.0.0.1";
const SETTLE_MS_MAX = 60_000;

const authorityNow = Effect.flatMap(Clock.currentTimeMillis, (nowMs) => makeAuthority({ name: "cluster", nowMs }));

/** Who works on each part now, as the members' own work has been told. */
const workers = () => {
  const at = new Map<number, Array<string>>();
  const twice: Array<string> = [];
  const workOf = (name: string): Work => ({
    acquire: (parts) =>
      Effect.sync(() => {
        for (const part of parts) {
          const others = at.get(part) ?? [];
          if (others.length > 0) twice.push(`${part}: ${others} and ${name}`);
          at.set(part, [...others, name]);
        }
      }),
    release: (parts) =>
      Effect.sync(() => {
        for (const part of parts)
          at.set(
            part,
            (at.get(part) ?? []).filter((other) => other !== name),
          );
      }),
  });
  const holders = () => [...at.values()].flat().toSorted();
  return { workOf, holders, twice };
};

const untilSo = (isSo: () => boolean, what: () => unknown) =>
  Effect.gen(function* () {
    for (let ms = 0; !isSo(); ms += 50) {
      if (ms > SETTLE_MS_MAX) throw new Error(`not so after ${SETTLE_MS_MAX} ms: ${JSON.stringify(what())}`);
      yield* Effect.sleep(50);
    }
  });

const member = Effect.fnUntraced(function* (pg: TestPostgres, schema: string, credentials: Credentials, work: Work) {
  const address = postgresAddress(`${pg.url}&schema=${schema}`) as PostgresAddress;
  const { membership, ...store } = yield* openPostgres({ address, cluster: "sha256:one" });
  const cluster = yield* openCluster({
    listen: { host: HOST, port: 0 },
    credentials,
    membership: membership!,
    shards: shardsOf(membership!),
  });
  yield* cluster.hold(work);
  return { store, cluster };
});

const runs = <A, E>(body: Effect.Effect<A, E, any>, loggers: Parameters<typeof Logger.layer>[0] = []): Promise<A> =>
  Effect.runPromise(
    body.pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer(loggers)))) as Effect.Effect<A, E>,
  );

test("cluster: each part is one member's, also while members come and go in order", () =>
  runs(
    Effect.gen(function* () {
      const pg = yield* startPostgres();
      const authority = yield* authorityNow;
      const { workOf, holders, twice } = workers();
      const one = yield* credentialsUnder("one.example", authority);
      yield* member(pg, "one", one, workOf("a"));
      const all = (count: number) => () => {
        const now = holders();
        return now.length === PARTITIONS && new Set(now).size === count;
      };
      yield* untilSo(all(1), holders);
      const scope = yield* Scope.make();
      yield* Scope.provide(member(pg, "one", yield* credentialsUnder("two.example", authority), workOf("b")), scope);
      yield* untilSo(all(2), holders);
      yield* Scope.close(scope, Exit.void);
      yield* untilSo(all(1), holders);
      same(twice, []);
    }),
  ));

test("cluster: a member that PostgreSQL is away for gives its parts up, takes them again, and says so in our words", () => {
  const said: Array<string> = [];
  const listening = Logger.make<unknown, void>(({ message }) => void said.push(String([message].flat()[0])));
  return runs(
    Effect.gen(function* () {
      const pg = yield* startPostgres();
      const { workOf, holders, twice } = workers();
      yield* member(pg, "one", yield* credentialsUnder("one.example", yield* authorityNow), workOf("a"));
      const all = () => holders().length === PARTITIONS;
      yield* untilSo(all, holders);
      yield* Effect.promise(() => pg.kill("SIGKILL"));
      yield* untilSo(() => holders().length === 0, holders);
      yield* Effect.promise(() => pg.start());
      yield* untilSo(all, holders);
      same(twice, []);
      ok(said.includes("store.away") && said.includes("store.back") && said.includes("cluster.holds"), said.join());
      same(
        said.filter((line) => !/^[a-z]+(\.[a-zA-Z]+)+$/.test(line)),
        [],
      );
    }),
    [listening],
  );
});

test("cluster: a stranger at the runners' port gets nothing, and a member with other roots neither", () =>
  runs(
    Effect.gen(function* () {
      const pg = yield* startPostgres();
      const authority = yield* authorityNow;
      const { workOf } = workers();
      const { cluster } = yield* member(pg, "one", yield* credentialsUnder("one.example", authority), workOf("a"));
      const { port } = cluster.at;
      const heardBy = (socket: net.Socket) =>
        Effect.promise(
          () =>
            new Promise<string>((resolve) => {
              let heard = "";
              socket.on("data", (chunk) => {
                heard += chunk.toString("hex");
              });
              socket.on("error", () => undefined);
              socket.on("close", () => resolve(heard));
              const say = () => socket.write('{"_tag":"Request","id":"1","tag":"Ping","payload":null,"headers":[]}\n');
              socket.on("connect", say).on("secureConnect", say);
            }),
        );
      // Deno's TLS answers with an alert (RFC 8446 §6) where the others close.
      ok(/^(15030[0-4]0002.{4})?$/.test(yield* heardBy(net.connect(port, HOST))));
      same(yield* heardBy(tls.connect({ host: HOST, port, rejectUnauthorized: false })), "");
      const other = yield* credentialsUnder("one.example", yield* authorityNow);
      const { pemOf } = yield* Effect.promise(() => import("../../runtime/keys.ts"));
      const { pemCertificate } = yield* Effect.promise(() => import("../../runtime/certificates.ts"));
      const shown = { key: pemOf(other.key), cert: other.certificates.map(pemCertificate).join("") };
      same(yield* heardBy(tls.connect({ host: HOST, port, rejectUnauthorized: false, ...shown })), "");
      ok((cluster satisfies ClusterShape).isSure());
    }),
  ));
