/** An overlay of one: an authority that has enrolled one ViPR server, whose directory needs nobody from then on. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { start, vipr } from "../../cli/processes.ts";
import { freePort } from "../../kit/ports.ts";

const HOST = "127.0.0.1";
const WORD = "the word of a company";

export interface Overlay {
  /** Of `vipr`, for a server that has a place in the ring and all that it needs in its directory. */
  readonly serverArgs: ReadonlyArray<string>;
}

const opened = async (main: string): Promise<Overlay> => {
  const root = mkdtempSync(join(tmpdir(), "vipr-start-"));
  process.on("exit", () => rmSync(root, { recursive: true, force: true }));
  const [reload, vap, pvp] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(join(root, "word"), `${WORD}\n`);
  await vipr(["authority", "add-user", "a", "--data", join(root, "authority")], `${WORD}\n`, main);
  const bootstrap = ["--bootstrap", `${HOST}:${reload}`];
  const authority = start(
    ["authority", "--data", join(root, "authority"), "--name", "vipr.test", "--listen", `${HOST}:0`, ...bootstrap],
    "",
    main,
  );
  const url = (await authority.said(/^enrolment +(\S+)$/m))[1]!;
  const fingerprint = (await authority.said(/^fingerprint +(\S+)$/m))[1]!;
  const serverArgs = [
    ...["server", "--data", join(root, "server"), "--listen", `${HOST}:${reload}`, "--vap", `${HOST}:${vap}`],
    ...["--pvp", `${HOST}:${pvp}`, "--admin", "none"],
  ];
  const enrolling = ["--authority", url, "--fingerprint", fingerprint, "--user", "a"];
  const first = start([...serverArgs, ...enrolling, "--password-file", join(root, "word")], "", main);
  await first.said(/^agents /m);
  await first.kill("SIGTERM");
  await authority.kill("SIGTERM");
  return { serverArgs };
};

let overlay: Promise<Overlay> | undefined;
/** One for a whole bench. */
export const openOverlay = (main: string): Promise<Overlay> => {
  overlay ??= opened(main);
  return overlay;
};
