/** `[fallback]` of vipr.toml: what it wants, and who refuses it. docs/operator.md#media-that-stop */
import { ok, deepStrictEqual as same } from "node:assert";
import { Cause, Effect, Exit, Layer, Logger, Option } from "effect";
import { exitCode, Stopped } from "../../runtime/cli/exit.ts";
import { openCompanyFallback, withoutFallback } from "../../runtime/cli/fallback.ts";
import { type Configuration, faultText, readConfig } from "../../runtime/config/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";

const configuration = (text: string): Configuration => {
  const reading = readConfig({ file: "vipr.toml", text });
  if (reading.type === "refused") throw new Error(reading.faults.map(faultText).join("\n"));
  return reading.configuration;
};
const BORDER = `[border]\noutside = "127.0.0.1:5061"\n`;
const AGENT = `[agent]\nlisten = ["udp:127.0.0.1:5060"]\n`;
const MEDIA = `[media]\nrelay = "own"\ninside = ["127.0.0.1"]\noutside = ["127.0.0.1"]\n`;
const ENABLED = "[fallback]\nenabled = true\n";

const whyOf = async (program: Effect.Effect<unknown, unknown, any>): Promise<string | undefined> => {
  const provided = Effect.provide(Effect.scoped(program), Layer.merge(nodeLayer(), Logger.layer([])));
  const exit = await Effect.runPromiseExit(provided as Effect.Effect<unknown>);
  if (Exit.isSuccess(exit)) return undefined;
  const error: unknown = Option.getOrUndefined(Cause.findErrorOption(exit.cause));
  ok(error instanceof Stopped, JSON.stringify(exit));
  same(error.code, exitCode.usage);
  return error.why;
};

test("fallback: without it nothing is opened, and no program refuses to run", async () => {
  same(
    await Effect.runPromise(Effect.scoped(openCompanyFallback(configuration(BORDER))) as Effect.Effect<unknown>),
    undefined,
  );
  same(await whyOf(withoutFallback(configuration(BORDER).config)), undefined);
});

test("fallback: vipr company says what is missing for it", async () => {
  for (const [text, wants] of [
    [`${AGENT}${MEDIA}${ENABLED}`, "[border]"],
    [`${AGENT}${BORDER}${ENABLED}`, "media.relay"],
    [`${BORDER}${MEDIA}${ENABLED}`, "agent.listen"],
    [`${AGENT}${BORDER}${MEDIA.replace("inside", "#")}${ENABLED}`, "media.inside"],
  ] as const) {
    const why = await whyOf(openCompanyFallback(configuration(text)));
    ok(why?.includes(wants), `${why}`);
  }
  same(await whyOf(openCompanyFallback(configuration(`${AGENT}${BORDER}${MEDIA}${ENABLED}`))), undefined);
});

test("fallback: agent and border element by themselves refuse it", async () => {
  const why = await whyOf(withoutFallback(configuration(ENABLED).config));
  ok(why?.includes("vipr company"), `${why}`);
});
