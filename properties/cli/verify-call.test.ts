/** `vipr verify-call` as a stranger runs it: a process, against a real server on real sockets; its sentence, its exit code. */
import { ok, deepStrictEqual as same, throws } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import { type PvpGrant, servePvp } from "../../actors/validation/mod.ts";
import { e164, nodeIdFrom, ntpMs, unixMs, unixMsOf, vserviceId } from "../../codecs/shared/mod.ts";
import { callStore, candidatesFor, failCall, insertCall, isLocked } from "../../machines/validation/mod.ts";
import { vcrOf } from "../../runtime/cli/vcr-file.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS } from "../validation/arbitrary.ts";
import { start } from "./processes.ts";

const HOST = "127.0.0.1";
const [NODE, VSERVICE] = ["00000000000000000000000000000002", "7"];
const iso = (ms: number) => new Date(HOUR_MS + ms).toISOString();
const written = {
  called: e164("+14085555432"),
  calling: e164("+33123456789"),
  start: iso(883_000),
  stop: iso(1_063_000),
};

const verify = async (vcr: unknown, port: number, ...more: ReadonlyArray<string>) => {
  const peer = ["--peer", `${HOST}:${port}`, "--peer-node", NODE, "--vservice", VSERVICE];
  const text = typeof vcr === "string" ? vcr : JSON.stringify(vcr);
  const child = start(["verify-call", "--vcr", "-", ...peer, ...more], text);
  return { code: await child.ended, out: child.out(), err: child.err() };
};

/** A server that received the call two seconds later by its own clock, and another that declines. */
const withServer = (grant: PvpGrant, use: (port: number) => Promise<void>): Promise<void> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const store = callStore([nodeIdFrom(2n)]);
      const [startMs, stopMs] = [HOUR_MS + 885_000, HOUR_MS + 1_065_000];
      const { called, calling } = written;
      const times = { startMs: unixMs(startMs), stopMs: unixMs(stopMs) };
      insertCall(
        store,
        { direction: "received", called, calling, ...times, vservice: vserviceId(7n) },
        unixMs(Date.now()),
      );
      const server = yield* servePvp(
        { host: HOST, port: 0, nodeIds: [nodeIdFrom(2n)] },
        {
          candidates: (name) =>
            Effect.sync(() =>
              candidatesFor(store, name).map((call) => ({ ...call, isLocked: isLocked(call, name.method) })),
            ),
          failed: ({ id }, method) => Effect.sync(() => void failCall(store, id, method)),
          grant: () => Effect.succeed(grant),
        },
      );
      yield* Effect.promise(() => use(server.port));
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([])))),
  );
const valInfo = { number: written.called, ticket: "dGlja2V0", routes: [{ sipUris: ["sip:x@b.example:5061"] }] };

test("verify-call: a call that both know of is validated by A, by B and by C, and another is not", () =>
  withServer({ type: "granted", valInfo }, async (port) => {
    const known = await verify(written, port);
    same([known.code, known.err], [0, ""]);
    ok(/^validated: .* method A\n/.test(known.out) && known.out.includes("enough for a route"), known.out);
    const withheld = await verify({ ...written, calling: null }, port, "--json");
    const verdict = JSON.parse(withheld.out);
    same([withheld.code, verdict.verdict, verdict.method, verdict.isRoute], [0, "validated", "B", false]);
    same(JSON.parse((await verify(written, port, "--json", "--private")).out).method, "C");
    const other = await verify({ ...written, stop: iso(1_300_000) }, port);
    same(other.code, 4);
    ok(other.out.startsWith("refused: ") && other.err.includes("does not know of the call"), other.err);
  }));

test("verify-call: who knows of the call and declines says why; nobody there is told as that", async () => {
  await withServer({ type: "refused", code: 403 }, async (port) => {
    const { code, err } = await verify(written, port);
    same(code, 4);
    ok(err.includes("not welcome (403)"), err);
  });
  const nobody = await verify(written, 1);
  same(nobody.code, 3);
  ok(nobody.err.includes("unreachable"), nobody.err);
});

test("verify-call: what cannot be taken is told with its place, and exit 2", async () => {
  const [bad, option] = await Promise.all([
    verify({ ...written, start: "yesterday" }, 1),
    verify(written, 1, "--domain", "Not A Name"),
  ]);
  same([bad.code, bad.out, option.code, option.out], [2, "", 2, ""]);
  ok(bad.err.includes("-: start: neither a time as"), bad.err);
  ok(option.err.includes("--domain wants a DNS name"), option.err);
});

test("verify-call's file: each fault has its place", () => {
  const faults: ReadonlyArray<readonly [given: unknown, place: RegExp]> = [
    ["", /^f: the whole: no JSON/],
    ["[]", /^f: the whole: no object/],
    [{ ...written, called: "4085555432" }, /^f: called: not a telephone number/],
    [{ ...written, called: undefined }, /^f: called: .*missing/],
    [{ ...written, calling: 33123456789 }, /^f: calling: /],
    [{ ...written, start: "2026-11-22T10:07:03" }, /^f: start: /],
    [{ ...written, start: "2026-13-22T10:07:03Z" }, /^f: start: /],
    [{ ...written, stop: -1 }, /^f: stop: /],
    [{ ...written, stop: iso(0) }, /^f: stop: before the start/],
    [{ ...written, duration: 180 }, /^f: duration: there is no such field/],
  ];
  for (const [given, place] of faults)
    throws(() => vcrOf(typeof given === "string" ? given : JSON.stringify(given), "f"), { message: place });
  same(
    vcrOf(JSON.stringify({ ...written, start: 3_976_214_403.25, stop: 3_976_214_404 }), "f").startMs,
    unixMsOf(ntpMs(3_976_214_403_250)),
  );
});
