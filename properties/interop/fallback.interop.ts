/**
 * Two companies of `vipr company`: a call over the Internet whose sound stops, and goes on over the trunk, both ways, without
 * a word to the telephones. docs/protocol/media.md#fallback
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { sounds } from "./baresip.ts";
import { checkOf } from "./check.ts";
import { acquainted, mediaOf, PLAYED, underWay } from "./company.interop.ts";
import { openInternet, SHOWN } from "./internet.ts";
import { HOST, until } from "./peers.ts";
import type { InteropCheck } from "./run.ts";

const check = checkOf("fallback");

const PORTS = { a: [41_000, 41_039], b: [42_000, 42_039] } as const;
const PIECE = 160;

const relays = (name: "a" | "b") =>
  `relay = "own"
inside = ["${HOST}"]
outside = ["${HOST}=${SHOWN[name]}"]
outside-private = true
ports = "${PORTS[name].join("-")}"
[fallback]
enabled = true
hold-down-s = 6`;

export const checks: ReadonlyArray<InteropCheck> = [
  check(
    "media that stop go on over the trunk, with sound both ways",
    ["baresip"],
    Effect.gen(function* () {
      const internet = yield* openInternet(PORTS);
      const { a, b, programs, phones, call, over } = yield* acquainted({
        what: "fallback",
        needs: [],
        open: Effect.succeed(relays),
      });
      yield* call;
      yield* Effect.sleep(4_500);
      sounds("heard at b", PLAYED.a, phones.b.recorded());
      sounds("heard at a", PLAYED.b, phones.a.recorded());
      ok(internet.passed > 200, `${internet.passed} packets went over the Internet`);

      internet.isCut = true;
      const moved = (name: "a" | "b", times: number) =>
        until(
          `${name}: moved`,
          () => programs[name].said.text.match(/fallback\.moved/g)?.length === times,
          programs[name].said,
          2_500,
        );
      yield* moved("a", 1);
      yield* moved("b", 1);
      yield* Effect.sleep(500);
      const from = { a: phones.a.recorded().length, b: phones.b.recorded().length };
      yield* Effect.sleep(4_500);
      const since = (name: "a" | "b") => phones[name].recorded().subarray(from[name] - (from[name] % PIECE));
      sounds("heard at b over the trunk", PLAYED.a, since("b"));
      sounds("heard at a over the trunk", PLAYED.b, since("a"));
      same([mediaOf(a.config).moved, mediaOf(b.config).moved], [1, 1]);
      same([underWay(a.config, "agent"), underWay(b.config, "agent")], [1, 1]);
      for (const { said } of Object.values(phones)) same(said.text.match(/call established/gi)?.length, 2);

      yield* phones.b.press("b");
      yield* over;
      yield* until("recorded", () => programs.a.said.text.match(/agent\.call /g)?.length === 2, programs.a.said);
      same([underWay(a.config, "agent"), underWay(b.config, "agent")], [0, 0]);

      // Who ends hangs up what it has moved: the other company's telephone is on a call with nobody.
      internet.isCut = false;
      yield* call;
      yield* Effect.sleep(1_000);
      internet.isCut = true;
      yield* moved("a", 2);
      yield* moved("b", 2);
      const ended = () => phones.b.said.text.match(/terminated|session closed/gi)?.length ?? 0;
      const before = ended();
      programs.a.child.kill("SIGTERM");
      yield* until("hung up", () => ended() > before, phones.b.said, 1_000);
      for (const { said } of Object.values(programs))
        ok(!said.text.includes(b.number) && !said.text.includes(a.number));
    }),
  ),
];
