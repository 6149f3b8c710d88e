/**
 * Bun: the ports of node.ts, which Bun's own node:net, node:tls and node:crypto open.
 * Where it differs, the difference is behind a port, and is found by trying.
 */
export { nodeLayer as bunLayer, type Ports, type RuntimeOptions } from "./node.ts";
