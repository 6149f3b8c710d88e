/**
 * What goes over a real TLS connection, as a capture between the two would have it, and the keys under which it went. With a
 * key known to both and no certificate: who they are is not the question here.
 *
 *   client ==TLS==> a relay that writes down each piece ==TLS==> server
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import type { Piece } from "../kit/pcap.ts";

export interface RecordedTls {
  readonly pieces: ReadonlyArray<Piece>;
  /** NSS's key log. */
  readonly keys: string;
}

const PSK = utf8("a key that both know");
const SHARED = { ciphers: "PSK", minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;

const listening = async (server: Server): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};

/** The client sends this and ends. */
export const recordedTls = async (data: Uint8Array): Promise<RecordedTls> => {
  const pieces: Array<Piece> = [];
  const keys: Array<Uint8Array> = [];
  const server = createTlsServer({ ...SHARED, pskCallback: () => PSK });
  const port = await listening(server);
  const write = (from: Socket, to: Socket, out: boolean) =>
    from.on("data", (piece: Uint8Array) => {
      pieces.push({ out, data: Uint8Array.from(piece) });
      to.write(piece);
    });
  const relay = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port });
    write(near, far, true);
    write(far, near, false);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
  });
  try {
    const received = new Promise<void>((done, failed) => {
      let bytes = 0;
      server.once("secureConnection", (socket) =>
        socket.on("error", failed).on("data", (piece: Uint8Array) => {
          bytes += piece.length;
          if (bytes === data.length) done();
        }),
      );
      server.once("tlsClientError", failed);
    });
    const client = connectTls({
      ...SHARED,
      host: "127.0.0.1",
      port: await listening(relay),
      pskCallback: () => ({ psk: PSK, identity: "test" }),
      checkServerIdentity: () => undefined,
    });
    client.on("keylog", (line: Uint8Array) => keys.push(line));
    client.write(data);
    await received;
    client.destroy();
    return { pieces, keys: new TextDecoder().decode(concat(...keys)) };
  } finally {
    relay.close();
    server.close();
  }
};
