/** What both sides of a handshake begin with, in tests and searches. */
import type { SrpCredential, TlsClientInput, TlsServerInput } from "../../machines/tls/mod.ts";

const randomness = (seed: number) => ({
  random: new Uint8Array(32).fill(seed),
  secret: new Uint8Array(32).fill(seed + 1),
  ivKey: new Uint8Array(32).fill(seed + 2),
});

/** The smallest group, as the law does not depend on it and the time does. */
export const clientInput: TlsClientInput = {
  userName: "alice",
  password: "secret",
  randomness: randomness(10),
  handshakeTimeoutMs: 20_000,
  groupBitsMin: 1024,
  legacy: false,
};
export const serverInput: TlsServerInput = {
  randomness: randomness(20),
  seedKey: new Uint8Array(32).fill(30),
  storedAs: "password",
  group: 1024,
  handshakeTimeoutMs: 20_000,
  legacy: false,
};
export const rightCredential: SrpCredential = { type: "password", password: "secret" };
