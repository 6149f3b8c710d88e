/** Where a running node's own port is, and the token for its orders: written by the node, read by the other commands. */
import { randomBytes } from "node:crypto";
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";

const DOOR = "admin.json";
const TOKEN_BYTES = 24;

export interface Door extends Endpoint {
  readonly token: string;
}

export const newToken = (): string => randomBytes(TOKEN_BYTES).toString("base64url");

export const writeDoor = (folder: Folder, door: Door): Effect.Effect<void, Stopped> =>
  folder.write(DOOR, `${JSON.stringify(door)}\n`);

export const removeDoor = (folder: Folder): Effect.Effect<void> => folder.remove(DOOR);

export const readDoor = (folder: Folder): Effect.Effect<Door, Stopped> =>
  Effect.flatMap(folder.read(DOOR), (text) =>
    Effect.suspend(() => {
      if (text === undefined)
        return Effect.fail(stopped("unreachable", `${folder.path}: no node with an admin port runs in this directory`));
      try {
        const { host, port, token } = JSON.parse(text) as Door;
        return Effect.succeed({ host, port, token });
      } catch {
        return Effect.fail(stopped("damaged", `${folder.at(DOOR)} is damaged: restart the node`));
      }
    }),
  );
