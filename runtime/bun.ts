/**
 * Bun: the ports of node.ts, which Bun's own node:net, node:tls and node:crypto open.
 * Where it differs, the difference is behind a port: BoringSSL takes no hand-made DH keys, so arithmetic.ts finds by trying
 * that it must compute with BigInt (not in constant time; docs/security.md).
 */
export { nodeLayer as bunLayer, type Ports, type RuntimeOptions } from "./node.ts";
