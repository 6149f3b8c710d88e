/**
 * Datagrams over node:dgram, which Node, Deno and Bun all have.
 *
 * The system's buffer for what has come and is not yet read is left as it is: Deno kills the process where one asks for
 * another size (2.9.5). What overflows there is lost, as on any way of a datagram.
 */
import dgram from "node:dgram";
import { lookup } from "node:dns/promises";
import net from "node:net";
import { Effect, Layer } from "effect";
import { type DatagramHandlers, type DatagramSocket, Datagrams, type Listening } from "../actors/ports/mod.ts";
import { listenFailed } from "./system-errors.ts";

/** Addresses only: no name is looked up, no turn of the loop is waited for. */
const asItIs = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
  done(null, host, host.includes(":") ? 6 : 4);

const open = (on: Listening, { received, failed }: DatagramHandlers) =>
  Effect.acquireRelease(
    Effect.callback<dgram.Socket, ReturnType<typeof listenFailed>>((resume) => {
      const type = net.isIPv6(on.host) ? "udp6" : "udp4";
      const socket = dgram.createSocket({ type, lookup: asItIs as never });
      socket.once("error", (error) => {
        socket.close(); // it has a descriptor although it has no port: findings/dgram-failed-bind.sh
        resume(Effect.fail(listenFailed(on.host, on.port, error)));
      });
      socket.bind(on.port, on.host, () => resume(Effect.succeed(socket)));
    }),
    // Until it is closed: on Deno the port is taken for some turns more.
    (socket) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void))),
  ).pipe(
    Effect.map((socket): DatagramSocket => {
      let isOpen = true;
      socket.removeAllListeners("error");
      socket.on("error", () => {}); // a socket without one kills the process
      socket.on("close", () => (isOpen = false));
      socket.on("message", (bytes, { address, port }) =>
        received(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), address, port),
      );
      return {
        host: on.host,
        port: socket.address().port,
        send: (bytes, host, port) => {
          if (!isOpen) return;
          try {
            socket.send(bytes, port, host, (error) => {
              if (error !== null && error !== undefined) failed(host, port, error.message);
            });
          } catch (error) {
            failed(host, port, (error as Error).message);
          }
        },
      };
    }),
  );

const addressesOf = (host: string) =>
  net.isIP(host) !== 0
    ? Effect.succeed([host])
    : Effect.promise(() =>
        lookup(host, { all: true }).then(
          (all) => all.map(({ address }) => address),
          () => [],
        ),
      );

export const datagramsLayer: Layer.Layer<Datagrams> = Layer.succeed(Datagrams, { open, addressesOf });
