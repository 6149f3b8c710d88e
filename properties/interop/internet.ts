/**
 * The Internet between two relays on this machine, which can be cut: each relay is told to others under an address of its own,
 * at which we take its packets and hand them over.
 *
 *   relay a 127.0.0.1:p <-- 127.0.0.21:p   127.0.0.22:q --> 127.0.0.1:q relay b
 */
import dgram from "node:dgram";
import { Effect } from "effect";
import { HOST } from "./peers.ts";

export const SHOWN = { a: "127.0.0.21", b: "127.0.0.22" } as const;
type Name = keyof typeof SHOWN;
type Range = readonly [min: number, max: number];

export interface Internet {
  /** Nothing passes, either way. */
  isCut: boolean;
  /** Packets that were handed over. */
  passed: number;
}

/** Until the scope closes. The ranges of both relays must not overlap. */
export const openInternet = (ranges: Readonly<Record<Name, Range>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const internet: Internet = { isCut: false, passed: 0 };
      const sockets = new Map<number, dgram.Socket>();
      for (const name of ["a", "b"] as const)
        for (let port = ranges[name][0]; port <= ranges[name][1]; port++) {
          const socket = dgram.createSocket("udp4");
          socket.on("message", (bytes, from) => {
            const other = sockets.get(from.port);
            if (internet.isCut || other === undefined) return;
            internet.passed++;
            other.send(bytes, port, HOST);
          });
          await new Promise<void>((resolve, reject) => {
            socket.once("error", reject);
            socket.bind(port, SHOWN[name], resolve);
          });
          sockets.set(port, socket);
        }
      return { internet, sockets };
    }),
    ({ sockets }) => Effect.sync(() => sockets.forEach((socket) => socket.close())),
  ).pipe(Effect.map(({ internet }) => internet));
