/**
 * Two companies of `vipr company`: a first call over the telephone network, its validation, and the second call over the
 * Internet, with sound both ways.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { join } from "node:path";
import { Effect, Layer, Logger, type Scope } from "effect";
import { nodeLayer, type Ports } from "../../runtime/node.ts";
import { folder, phone, sounds } from "./baresip.ts";
import { type Company, companies, company, viprNow, WAIT_S_MAX } from "./company-world.ts";
import { noise } from "./media-waves.ts";
import { HOST, until } from "./peers.ts";
import type { InteropCheck } from "./run.ts";

type World = Effect.Effect<unknown, unknown, Ports | Scope.Scope>;
const check = (name: string, needs: ReadonlyArray<string>, body: World): InteropCheck => ({
  name: `company: ${name}`,
  needs,
  run: () =>
    body.pipe(
      Effect.scoped,
      Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))),
      Effect.runPromise,
    ) as Promise<void>,
});

const PLAYED = { a: noise(1, 60), b: noise(2, 60) } as const;
const OWN_RELAY = (name: "a" | "b"): string =>
  `relay = "own"\ninside = ["${HOST}"]\noutside = ["${HOST}"]\noutside-private = true\nports = "${name === "a" ? "41000-41999" : "42000-42999"}"`;

const phoneOf = (at: string, { name, number, agent, phonePort }: Company) =>
  phone(
    join(at, `phone-${name}`),
    phonePort,
    `<sip:${number}@${HOST}:${phonePort}>;outbound="sip:${agent.host}:${agent.port}";answermode=${name === "b" ? "auto" : "manual"}`,
    PLAYED[name],
  );

const underWay = (config: string, program: "agent" | "border"): number => {
  const { programs } = JSON.parse(viprNow("calls", "--config", config, "--json"));
  return programs.find((one: { readonly program: string }) => one.program === program).underWay;
};

const firstAndSecond = check(
  "a first call over the trunk, and the second over the Internet with sound both ways",
  ["baresip"],
  Effect.gen(function* () {
    const at = yield* folder;
    const { a, b } = yield* companies(at, { media: OWN_RELAY });
    const programs = { a: yield* company(a), b: yield* company(b) };
    const phones = { a: yield* phoneOf(at, a), b: yield* phoneOf(at, b) };
    yield* Effect.sleep(700);
    const dial = phones.a.press(`/dial sip:${b.number}@${a.agent.host}:${a.agent.port}\n`);
    const logged = (what: RegExp, of: { readonly text: string }) => until(String(what), () => what.test(of.text), of);

    yield* dial;
    yield* logged(/call established/i, phones.a.said);
    yield* Effect.sleep(4_000);
    yield* phones.a.press("b");
    yield* logged(/agent\.call /, programs.a.said);
    for (let s = 0; s < WAIT_S_MAX + 10 && !/vipr\.learned/.test(programs.a.said.text); s++) yield* Effect.sleep(1_000);
    ok(/vipr\.learned/.test(programs.a.said.text), programs.a.said.text + programs.b.said.text);

    yield* dial;
    yield* until("up over the border", () => underWay(a.config, "border") === 1, programs.a.said);
    yield* Effect.sleep(4_500);
    sounds("heard at b", PLAYED.a, phones.b.recorded());
    sounds("heard at a", PLAYED.b, phones.a.recorded());
    same([underWay(b.config, "border"), programs.a.said.text.match(/agent\.call /g)!.length], [1, 1]);
    yield* phones.a.press("b");
    yield* until(
      "over",
      () => underWay(b.config, "border") === 0 && underWay(a.config, "border") === 0,
      programs.b.said,
    );
    for (const { said } of Object.values(programs)) ok(!said.text.includes(b.number) && !said.text.includes(a.number));
  }),
);

export const checks: ReadonlyArray<InteropCheck> = [firstAndSecond];
