/** `[fallback]` of vipr.toml: what it wants, and who refuses it. docs/operator.md#media-that-stop */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cause, Effect, Exit, Layer, Logger, Option } from "effect";
import { exitCode, Stopped } from "../../runtime/cli/exit.ts";
import { openAgentFallback, openBorderRelay, openCompanyFallback } from "../../runtime/cli/fallback.ts";
import { type Configuration, faultText, readConfig } from "../../runtime/config/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";

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
  same(await whyOf(openBorderRelay(configuration(BORDER).config)), undefined);
  same(await whyOf(openAgentFallback(configuration(AGENT))), undefined);
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

test("fallback: agent and border element by themselves say what is missing for it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-fallback-"));
  const token = join(folder, "token");
  writeFileSync(token, "a word of the two\n", { mode: 0o600 });
  const control = `control = "127.0.0.1:${await freePort()}"\n`;
  const file = `control-token-file = "${token}"\n`;
  for (const [text, wants] of [
    [`${AGENT}${BORDER}${MEDIA}${ENABLED}${file}`, "fallback.control"],
    [`${AGENT}${BORDER}${MEDIA}${ENABLED}${control}`, "fallback.control-token-file"],
    [`${AGENT}${BORDER}${MEDIA}${ENABLED}${file}control = "192.0.2.1:5067"\n`, "of this machine"],
  ] as const)
    for (const opened of [openAgentFallback(configuration(text)), openBorderRelay(configuration(text).config)]) {
      const why = await whyOf(opened);
      ok(why?.includes(wants), `${why}`);
    }
  const trunk = `[[trunk]]\nname = "one"\nhost = "192.0.2.1"\nuser = "acme"\n`;
  const asked = `${AGENT}${BORDER}${MEDIA}${ENABLED}${control}${file}`;
  const why = await whyOf(openAgentFallback(configuration(`${asked}${trunk}`)));
  ok(why?.includes("trunk.password-file of one"), `${why}`);
  same(await whyOf(openAgentFallback(configuration(`${asked}${trunk}password-file = "${token}"\n`))), undefined);
  const whole = configuration(`${AGENT}${BORDER}${MEDIA}${ENABLED}${control}${file}`);
  same(await whyOf(openAgentFallback(whole)), undefined);
  same(await whyOf(openBorderRelay(whole.config)), undefined);
  rmSync(folder, { recursive: true });
});
