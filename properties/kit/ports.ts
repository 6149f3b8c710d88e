/**
 * Ports for programs that have to be told theirs, as others have to be told of it before it runs.
 *
 * Below those that the system gives to whoever connects, so that no connection takes one before its program does; drawn, since
 * several processes of a run draw at once. Free over TCP and UDP, and for the port behind it too: SIP telephones take that for TLS.
 */
import dgram from "node:dgram";
import net from "node:net";
import process from "node:process";

const HOST = "127.0.0.1";
const PORTS = [12_000, 32_000] as const;
/** Two processes that draw at once seldom draw from the same of so many parts. */
const PARTS = 10;
const TRIES_MAX = 100;

const isFreeTcp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });

const isFreeUdp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    socket.once("error", () => socket.close(() => resolve(false)));
    socket.bind(port, HOST, () => socket.close(() => resolve(true)));
  });

const size = (PORTS[1] - PORTS[0]) / PARTS;
const first = PORTS[0] + size * (process.pid % PARTS);
const given = new Set<number>(); // a test draws dozens

export const freePort = async (): Promise<number> => {
  for (let i = 0; i < TRIES_MAX; i++) {
    const port = first + 2 * Math.floor((Math.random() * size) / 2);
    if (given.has(port)) continue;
    const free = await Promise.all([isFreeTcp(port), isFreeUdp(port), isFreeTcp(port + 1), isFreeUdp(port + 1)]);
    if (!free.every(Boolean)) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no port from ${first} to ${first + size} is free`);
};
