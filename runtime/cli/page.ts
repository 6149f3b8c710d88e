/** `vipr page`: the address of the page that a company's running programs serve, with the token for its orders. */
import { Effect } from "effect";
import { addressText } from "../../actors/admin/report.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { AdminTls } from "../admin.ts";
import { pageTable } from "../command/tables/look.ts";
import { servePageOutside } from "../page/outside.ts";
import { pagesOf } from "../page/programs.ts";
import { loadConfig } from "./config-file.ts";
import { newToken, readDoor } from "./door.ts";
import { listenStopped, type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { command, endpointOf, required, Wrong } from "./options.ts";
import { tell } from "./output.ts";
import { programsOf } from "./program-state.ts";
import { runCommand } from "./run.ts";
import { readRoots, textOf } from "./sip-credentials.ts";

/** Where --listen names none. */
const PAGE_PORT = 8_443;

export const pageCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(pageTable, args, async (values) => {
    const { data, listen, json } = values;
    const serving = (["certificate", "key", "client-ca"] as const).find((option) => values[option] !== undefined);
    if (listen === undefined && serving !== undefined) throw new Wrong(`--${serving}: it goes with --listen`);
    if (listen !== undefined && data !== undefined) throw new Wrong("--data: with --listen the page is of --config");
    const on = listen === undefined ? undefined : endpointOf(listen, "listen", PAGE_PORT);
    const program =
      on !== undefined
        ? serve(on, filesOf(values), values)
        : data === undefined
          ? printed(configured(values), json)
          : printed(Effect.succeed([data]), json);
    return await runCommand({ name: "vipr page", logLevel: "Warn" }, program);
  });

type Values = Parameters<typeof loadConfig>[0] & {
  readonly json?: boolean;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly "client-ca"?: string | undefined;
};
const configured = (values: Values) =>
  Effect.map(loadConfig(values), ({ config }) => programsOf(config).map(({ data }) => data));

const printed = Effect.fnUntraced(function* (folders: Effect.Effect<ReadonlyArray<string>, Stopped>, json: boolean) {
  for (const path of yield* folders) {
    const door = yield* Effect.option(Effect.flatMap(knownFolder(path), readDoor));
    if (door._tag === "Some") {
      const url = `http://${addressText(door.value)}/#token=${door.value.token}`;
      return tell(json, url, { url });
    }
  }
  return yield* stopped("unreachable", "no program with an admin port runs here: vipr status says more");
});

interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string | undefined;
}
const filesOf = ({ certificate, key, "client-ca": ca }: Values): TlsFiles => ({
  certificate: required(certificate, "certificate", "the certificate of the page, in PEM"),
  key: required(key, "key", "the key of the certificate, in PEM"),
  ca,
});

/** Until it is ended. */
const serve = Effect.fnUntraced(function* (on: Endpoint, files: TlsFiles, values: Values) {
  const { config } = yield* loadConfig(values);
  const { certificate, key, ca } = files;
  for (const [file, option] of [
    [certificate, "--certificate"],
    ...(ca === undefined ? [] : [[ca, "--client-ca"] as const]),
  ] as const)
    yield* readRoots(file, option); // not every runtime looks at them before a client comes
  const tls: AdminTls = {
    cert: yield* textOf(certificate, "--certificate"),
    key: yield* textOf(key, "--key"),
    ...(ca === undefined ? {} : { ca: yield* textOf(ca, "--client-ca") }),
  };
  const token = newToken();
  const programs = pagesOf(config);
  const at = yield* servePageOutside({ on, tls, token }, programs).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "--listen takes another"))),
    Effect.catchDefect((why) =>
      Effect.fail(stopped("usage", `--certificate, --key, --client-ca: ${(why as Error).message}`)),
    ),
  );
  const url = `https://${addressText(at)}/${ca === undefined ? `#token=${token}` : ""}`;
  const names = programs.map(({ name }) => name);
  const text = `page     ${url}\nof       ${names.join(", ")}${ca === undefined ? "" : `; for certificates under ${ca}`}`;
  tell(values.json === true, text, { url, programs: names });
  return yield* Effect.never;
});
