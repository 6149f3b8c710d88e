/** Looked at before the demonstration starts anything: its admin port and its directory. */
import { accessSync, constants } from "node:fs";
import net from "node:net";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { makeFolder } from "../cli/folder.ts";
import type { DemoOptions } from "./options.ts";

/** Why it cannot start, in one sentence. */
export const preflight = async ({ admin, data }: Pick<DemoOptions, "admin" | "data">): Promise<string | undefined> =>
  (data === undefined ? undefined : whyNotWritten(data)) ??
  (admin === undefined ? undefined : await whyNotListened(admin));

const whyNotWritten = (data: string): string | undefined => {
  try {
    makeFolder(data);
    accessSync(data, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `--data: ${data} cannot be written: ${(error as { code?: string }).code ?? String(error)}`;
  }
};

const whyNotListened = ({ host, port }: Endpoint): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", (error) =>
      resolve(
        (error as { code?: string }).code === "EADDRINUSE"
          ? `--admin: another program has ${host}:${port}`
          : `--admin: cannot listen on ${host}:${port}: ${(error as { code?: string }).code}`,
      ),
    );
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
