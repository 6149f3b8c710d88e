/** A TCP port through which something else is reached, until it is cut: what was open breaks, and what comes is refused. */
import net from "node:net";

export interface Cut {
  readonly port: number;
  readonly cut: () => Promise<void>;
  readonly mend: () => Promise<void>;
  readonly end: () => Promise<void>;
}

/** `to`: a port of this machine, or a socket's path. */
export const openCut = async (port: number, to: number | string): Promise<Cut> => {
  const open = new Set<net.Socket>();
  const server = net.createServer((inner) => {
    const outer = typeof to === "number" ? net.connect(to, "127.0.0.1") : net.connect(to);
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => resolve());
    });
  const close = () =>
    new Promise<void>((resolve) => {
      for (const one of open) one.destroy();
      if (server.listening) server.close(() => resolve());
      else resolve();
    });
  await listen();
  return { port, cut: close, mend: () => (server.listening ? Promise.resolve() : listen()), end: close };
};
