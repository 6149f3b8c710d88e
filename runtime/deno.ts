/**
 * Deno: the ports of node.ts, which Deno's own node:net, node:tls and node:crypto open.
 * Where it differs, the difference is behind a port: its Diffie-Hellman tests no prime, by which arithmetic.ts knows that
 * it is not OpenSSL's; and error codes are other ones, which nothing here reads.
 */
export { nodeLayer as denoLayer, type Ports, type RuntimeOptions } from "./node.ts";
