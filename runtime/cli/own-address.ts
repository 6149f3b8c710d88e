/** The address others reach this machine at, when that can be known. */
import { networkInterfaces } from "node:os";

/** `listen` itself, unless it is every address: then the one that is not the loopback; undefined where there are several. */
export const ownAddress = (listen: string): string | undefined => {
  if (listen !== "0.0.0.0" && listen !== "::") return listen;
  const family = listen === "::" ? "IPv6" : "IPv4";
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => !address.internal && address.family === family && !address.address.startsWith("fe80:"));
  return own.length === 1 ? own[0]!.address : undefined;
};
