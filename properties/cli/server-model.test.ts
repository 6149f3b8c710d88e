/**
 * A `vipr server` as a process beside a model of what it has acknowledged: numbers, calls and what was switched off, over VAP and by
 * the command, ended and killed in between. What was acknowledged is there, and nothing else is.
 */
import { deepStrictEqual as same } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Effect, Exit, Scope } from "effect";
import { connectVap, type VapClient } from "../../actors/vap/mod.ts";
import { e164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { type Modelled, modelLawOf } from "../kit/models.ts";
import { DOMAIN, HOST, type OneServer, oneServer, WORDS } from "./one-server.ts";
import { type Running, until, vipr } from "./processes.ts";

const SCRIPTS = 3;
const COMMANDS_MAX = 10;
const NUMBERS = Array.from({ length: 4 }, (_, i) => e164(`+1408555090${i}`));
const CALLED = Array.from({ length: 3 }, (_, i) => e164(`+4930555090${i}`));
const VSERVICE = vserviceId(0xa1n);
const CALL_EVERY_MS = 60_000;

interface Model {
  /** Acknowledged, and whether it was switched off. */
  readonly numbers: Map<string, boolean>;
  /** Acknowledged calls that wait, by the number that was called. */
  readonly calls: Map<string, number>;
  uploaded: number;
}
interface Served {
  readonly folder: string;
  readonly one: OneServer;
  readonly agent: VapClient;
  readonly leave: () => Promise<void>;
  server: Running;
}

const agentAt = async (port: number): Promise<Pick<Served, "agent" | "leave">> => {
  const scope = Scope.makeUnsafe();
  const connecting = Effect.gen(function* () {
    const account = { username: "pbx", password: WORDS.pbx, name: "model/1", vservice: VSERVICE };
    const agent = yield* connectVap({ host: HOST, port, ...account, reconnectMs: [20, 60] });
    const routes = [{ sipUris: [`sip:x@${DOMAIN}:5061;maddr=192.0.2.1;transport=tls`] }];
    yield* agent.publishVService({ id: "n", dhtName: "vipr.test", didCount: 4, domain: DOMAIN, routes });
    return agent;
  });
  const agent = await Effect.runPromise(
    Effect.provideService(connecting, Scope.Scope, scope).pipe(Effect.provide(nodeLayer())),
  );
  return { agent, leave: () => Effect.runPromise(Scope.close(scope, Exit.void)) };
};

const order = async ({ one }: Served, ...words: ReadonlyArray<string>): Promise<string> => {
  const { code, out, err } = await vipr([...words, "--config", one.config]);
  same(code, 0, err);
  return out;
};
/** What it lists as this model: a server that begins again lists numbers when their call agent is back. */
const look = async (model: Model, served: Served): Promise<void> => {
  const wanted = { numbers: [...model.numbers].sort(), calls: [...model.calls].sort() };
  await until(
    async () => {
      const { numbers } = JSON.parse(await order(served, "numbers", "list", "--json")) as Listed;
      const { calls } = JSON.parse(await order(served, "calls", "list", "--json")) as Listed;
      const listed = {
        numbers: numbers.map(({ number, disabled }) => [number, disabled] as const).sort(),
        calls: calls.map(({ number, waiting }) => [number, waiting] as const).sort(),
      };
      return isDeepStrictEqual(listed, wanted) ? true : undefined;
    },
    `listed: ${JSON.stringify(wanted)}`,
  );
};
interface Listed {
  readonly numbers: ReadonlyArray<{ readonly number: string; readonly disabled: boolean }>;
  readonly calls: ReadonlyArray<{ readonly number: string; readonly waiting: number }>;
}
const again = (signal: "SIGKILL" | "SIGTERM") => async (_: Model, served: Served) => {
  await served.server.kill(signal);
  served.server = await served.one.serve();
};

const servers: Modelled<Model, Served> = {
  begin: async () => {
    const folder = mkdtempSync(join(tmpdir(), "vipr-"));
    const one = await oneServer(folder);
    one.write("insecure-vap = true\nwait-min-s = 3600\nwait-max-s = 7200");
    const server = await one.serve();
    const real = { folder, one, server, ...(await agentAt(one.ports.vap)) };
    return { model: { numbers: new Map(), calls: new Map(), uploaded: 0 }, real };
  },
  commands: {
    publish: {
      run: async (model, { agent }, drawn) => {
        const number = NUMBERS[drawn % NUMBERS.length]!;
        const [done] = await Effect.runPromise(agent.publishNumbers([number]));
        same(done!.result.type, "done");
        model.numbers.set(number, model.numbers.get(number) ?? false);
      },
    },
    upload: {
      run: async (model, { agent }, drawn) => {
        const called = CALLED[drawn % CALLED.length]!;
        const startMs = Date.now() - 3_600_000 - CALL_EVERY_MS * ++model.uploaded;
        const call = { direction: "sent", calling: NUMBERS[0]!, called, vservice: VSERVICE } as const;
        await Effect.runPromise(
          agent.uploadVcr({ ...call, startMs: unixMs(startMs), stopMs: unixMs(startMs + CALL_EVERY_MS / 2) }),
        );
        model.calls.set(called, (model.calls.get(called) ?? 0) + 1);
      },
    },
    switchOver: {
      may: ({ numbers }) => numbers.size > 0,
      run: async ({ numbers }, served, drawn) => {
        const [number, isOff] = [...numbers][drawn % numbers.size]!;
        await order(served, "numbers", isOff ? "enable" : "disable", number);
        numbers.set(number, !isOff);
      },
    },
    forgetCalls: {
      may: ({ calls }) => calls.size > 0,
      run: async ({ calls }, served, drawn) => {
        const [called] = [...calls][drawn % calls.size]!;
        await order(served, "calls", "forget", called);
        calls.delete(called);
      },
    },
    restart: { run: again("SIGTERM") },
    kill: { run: again("SIGKILL") },
    look: { run: look },
  },
  end: async (model, served) => {
    await again("SIGKILL")(model, served);
    await look(model, served);
  },
  close: async ({ folder, one, server, leave }) => {
    await leave();
    await Promise.all([server.kill("SIGKILL"), one.authority.kill("SIGKILL")]);
    rmSync(folder, { recursive: true, force: true });
  },
};

const law = modelLawOf("server", servers, { runs: SCRIPTS, commandsMax: COMMANDS_MAX });
test("vipr server: what was acknowledged is there after any ends and kills, and nothing else is", async () =>
  law.check());
