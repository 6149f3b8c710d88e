/**
 * `node:http`, without what nobody here uses of it: an import makes Node read every export, and the one of WebSocket loads the
 * whole of fetch, 10 to 13 MiB and some 25 ms of a start. findings/node-http-import.sh.
 */
import process from "node:process";

/** Read by who serves over TLS alone. */
export const https: typeof import("node:https") = process.getBuiltinModule("node:https");
export const http: typeof import("node:http") = process.getBuiltinModule("node:http");
