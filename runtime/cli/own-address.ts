/** The address others reach this machine at, when that can be known. */
import { networkInterfaces } from "node:os";

export const isEveryAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

/** `listen` itself, unless it is every address: then the one that is not the loopback; undefined where there are several. */
export const ownAddress = (listen: string): string | undefined => {
  if (!isEveryAddress(listen)) return listen;
  const family = listen === "::" ? "IPv6" : "IPv4";
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => !address.internal && address.family === family && !address.address.startsWith("fe80:"));
  return own.length === 1 ? own[0]!.address : undefined;
};
