/** A ViPR server's VAP side within the test: takes records, keeps what it acknowledged, and can be away. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect, Exit, Scope } from "effect";
import { serveVap } from "../../actors/vap/mod.ts";
import type { Vcr } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { freePort } from "../kit/ports.ts";
import { withFolder } from "./processes.ts";

const PASSWORD = "open sesame";

export interface RecordServer {
  readonly port: number;
  /** In the order of the acknowledgements. */
  readonly taken: Array<Vcr>;
  readonly up: () => Promise<void>;
  readonly down: () => Promise<void>;
}

const recordServer = async (): Promise<RecordServer> => {
  const port = await freePort();
  const taken: Array<Vcr> = [];
  let scope: Scope.Closeable | undefined;
  const handlers = {
    publishVService: () => Effect.succeed({ quotaLimit: 1000, quotaCurrent: 0, dhtLifetimeS: 3_600 }),
    withdrawVService: () => Effect.void,
    publishNumber: () => Effect.void,
    uploadVcr: (vcr: Vcr) => Effect.sync(() => void taken.push(vcr)),
  };
  const down = async () => {
    if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void));
    scope = undefined;
  };
  const up = async () => {
    scope = await Effect.runPromise(Scope.make());
    const serving = serveVap({ host: "127.0.0.1", port, users: { acme: PASSWORD } }, handlers);
    await Effect.runPromise(
      Effect.provide(Effect.provideService(serving, Scope.Scope, scope), nodeLayer()) as Effect.Effect<unknown>,
    );
  };
  return { port, taken, up, down };
};

/** A directory and a server, not up yet; both go however the test ends. */
export const withRecordServer = (use: (folder: string, server: RecordServer) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const server = await recordServer();
    try {
      await use(folder, server);
    } finally {
      await server.down();
    }
  });

/** `vipr.toml` of the recordings with that server, in a folder; gives what the command needs beside its files. */
export const recordCompany = (folder: string, port: number, more = ""): ReadonlyArray<string> => {
  writeFileSync(join(folder, "password"), `${PASSWORD}\n`);
  const config = join(folder, "vipr.toml");
  writeFileSync(
    config,
    `domain = "acme.example"
[vap]
primary = "127.0.0.1:${port}"
tls = false
user = "acme"
password-file = "${join(folder, "password")}"
overlay = "test.example"
vservice = "7"
[numbers]
country = "US"
area = "408"
outside = ["9"]
own = ["+14085550200..+14085550499"]
[[trunk]]
name = "trunk1"
channels = ["PJSIP/trunk1"]
plus = "omitted-by-some"
[records]
format = "asterisk"
zone = "UTC"
${more}
`,
  );
  mkdirSync(join(folder, "data"), { mode: 0o700 });
  return ["--config", config, "--data", join(folder, "data")];
};
