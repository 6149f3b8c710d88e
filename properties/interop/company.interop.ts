/**
 * Two companies of `vipr company`: a first call over the telephone network, its validation, and the second call over the
 * Internet, with sound both ways.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { join } from "node:path";
import { Effect } from "effect";
import { folder, phone, sounds } from "./baresip.ts";
import { checkOf } from "./check.ts";
import { type Company, companies, company, viprNow, WAIT_S_MAX } from "./company-world.ts";
import { noise } from "./media-waves.ts";
import { HOST, until } from "./peers.ts";
import { OWN, type Relays, RTPENGINE } from "./relays.ts";
import type { InteropCheck } from "./run.ts";

const check = checkOf("company");

export const PLAYED = { a: noise(1, 90), b: noise(2, 90) } as const;
type Name = keyof typeof PLAYED;
const phoneOf = (at: string, { name, number, agent, phonePort }: Company) =>
  phone(
    join(at, `phone-${name}`),
    phonePort,
    `<sip:${number}@${HOST}:${phonePort}>;outbound="sip:${agent.host}:${agent.port}";answermode=${name === "b" ? "auto" : "manual"}`,
    PLAYED[name],
  );

export const underWay = (config: string, program: "agent" | "border"): number => {
  const { programs } = JSON.parse(viprNow("calls", "--config", config, "--json"));
  return programs.find((one: { readonly program: string }) => one.program === program).underWay;
};
export const mediaOf = (config: string): Readonly<Record<string, number>> => {
  const { programs } = JSON.parse(viprNow("calls", "--config", config, "--json"));
  return programs.find((one: { readonly program: string }) => one.program === "border").calls[0].media;
};
/** Each look is a command of a second. */
export const counted = (what: string, is: () => boolean, said: { readonly text: string }) => until(what, is, said, 20);
const countOf = (what: RegExp, text: string): number => text.match(what)?.length ?? 0;

/** A call over the trunk has been proved, and a has the route. */
export const acquainted = Effect.fn("interop.acquainted")(function* ({ open }: Relays) {
  const at = yield* folder;
  const { a, b } = yield* companies(at, { media: yield* open });
  const programs = { a: yield* company(a), b: yield* company(b) };
  const phones = { a: yield* phoneOf(at, a), b: yield* phoneOf(at, b) };
  const dial = phones.a.press(`/dial sip:${b.number}@${a.agent.host}:${a.agent.port}\n`);
  const logged = (name: Name, what: RegExp, seconds = 10) =>
    until(`${name}: ${what}`, () => what.test(programs[name].said.text), programs[name].said, 100 * seconds);
  yield* dial;
  /** Whoever did not take the call says so, or says nothing. */
  const all = {
    get text() {
      const said = {
        "telephone a": phones.a.said,
        a: programs.a.said,
        b: programs.b.said,
        "telephone b": phones.b.said,
      };
      return Object.entries(said)
        .map(([who, what]) => `${who}:\n${what.text.slice(-200)}`)
        .join("\n");
    },
  };
  yield* until("the first call", () => /call established/i.test(phones.a.said.text), all);
  yield* Effect.sleep(4_000);
  yield* phones.a.press("b");
  yield* logged("a", /agent\.call /);
  yield* logged("a", /vipr\.learned/, WAIT_S_MAX + 15);
  const routes = () => JSON.parse(viprNow("routes", "list", "--config", a.config, "--json")).routes;
  yield* counted(
    "the agent has the route",
    () => routes().some((route: { readonly number: string }) => route.number === b.number),
    programs.a.said,
  );

  /** Over the border elements, and not over the trunk. */
  const call = Effect.gen(function* () {
    yield* dial;
    yield* counted("up over the border", () => underWay(a.config, "border") === 1, programs.a.said);
    same(underWay(b.config, "border"), 1);
  });
  const over = counted(
    "over on both sides",
    () => underWay(a.config, "border") === 0 && underWay(b.config, "border") === 0,
    programs.b.said,
  );
  return { a, b, programs, phones, dial, call, over, logged };
});

const secondCall = (relays: Relays): InteropCheck =>
  check(
    `a first call over the trunk, the second over the Internet with sound both ways, by ${relays.what}`,
    ["baresip", ...relays.needs],
    Effect.gen(function* () {
      const { a, b, programs, phones, dial, call, over, logged } = yield* acquainted(relays);
      yield* call;
      yield* Effect.sleep(4_500);
      sounds("heard at b", PLAYED.a, phones.b.recorded());
      sounds("heard at a", PLAYED.b, phones.a.recorded());
      yield* phones.a.press("5");
      yield* until("the digit", () => /received event: '5'/.test(phones.b.said.text), phones.b.said);
      yield* phones.a.press("x"); // hold
      yield* Effect.sleep(1_500);
      yield* phones.a.press("X");
      yield* Effect.sleep(1_500);
      const before = mediaOf(b.config).packetsFromOutside!;
      yield* Effect.sleep(1_500);
      ok(mediaOf(b.config).packetsFromOutside! - before > 50, "there is sound after the hold");
      yield* phones.a.press("b");
      yield* over;

      yield* call;
      yield* phones.b.press("b");
      yield* over;
      same(
        countOf(/agent\.call /g, programs.a.said.text),
        1,
        "a call over the Internet was recorded as one of the trunk",
      );

      // The secret is another one, and the one before it counts no more: the border element is silent.
      viprNow("server", "remove-domain", "b.example", "--data", join(b.data, "server"));
      viprNow("server", "add-domain", "b.example", "--new-secret", "--data", join(b.data, "server"));
      yield* Effect.sleep(5_000); // the program looks each second
      yield* dial;
      // Behind the three before it; an attempt of the agent's is a call under way, too.
      yield* until("the fourth call", () => countOf(/call established/gi, phones.a.said.text) === 4, phones.a.said);
      same(underWay(a.config, "agent"), 1);
      same(underWay(b.config, "border"), 0);
      yield* logged("b", /border\.refused .*unknownEpoch/);
      yield* phones.a.press("b");
      yield* until("recorded", () => countOf(/agent\.call /g, programs.a.said.text) === 2, programs.a.said);
      for (const { said } of Object.values(programs))
        ok(!said.text.includes(b.number) && !said.text.includes(a.number));
    }),
  );

export const checks: ReadonlyArray<InteropCheck> = [secondCall(OWN), secondCall(RTPENGINE)];
