/** An overlay's authority and its enrolment server, for tests. */
import { Clock, Effect } from "effect";
import { type EnrolmentServerOptions, serveEnrolment } from "../../actors/enrol/mod.ts";
import { Authority, type KeyAlgorithm, type StoreShape } from "../../actors/ports/mod.ts";
import { type OverlayConfiguration, viprOverlay } from "../../codecs/overlay/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { credentialsUnder } from "../kit/port-laws.ts";

export const OVERLAY = "vipr.example";
export const HOST = "127.0.0.1";
export const PASSWORD = "correct horse";

/** Serves until the scope closes. `at`: where and how a client reaches it. */
export const openEnrolment = Effect.fn("test.enrolment")(function* (
  options: {
    readonly nodeIdsPerUserMax?: number;
    readonly serverName?: string;
    readonly algorithm?: KeyAlgorithm;
    /** Certificates are issued by an intermediate authority, not by the root. */
    readonly isBelow?: boolean;
    readonly isSigned?: boolean;
    readonly store?: StoreShape;
    readonly overlay?: Partial<OverlayConfiguration>;
    /** Instead of alice, bob and "in valid". */
    readonly users?: EnrolmentServerOptions["users"];
  } = {},
) {
  const nowMs = yield* Clock.currentTimeMillis;
  const { algorithm = "ecdsa", store } = options;
  const root = yield* makeAuthority({ name: "an overlay's root", nowMs, algorithm });
  const authority = options.isBelow
    ? yield* makeAuthority({ name: "an overlay's issuing authority", nowMs, algorithm, under: root })
    : root;
  const web = yield* makeAuthority({ name: "a public authority", nowMs: yield* Clock.currentTimeMillis });
  const server = yield* Effect.provideService(
    serveEnrolment({
      host: HOST,
      port: 0,
      credentials: yield* credentialsUnder(options.serverName ?? OVERLAY, web),
      overlay: viprOverlay({ name: OVERLAY, sequence: 1, ...options.overlay }),
      ...(options.isSigned ? { signer: authority.credentials } : {}),
      ...(store === undefined ? {} : { store }),
      users:
        options.users ??
        new Map([
          ["alice", PASSWORD],
          ["bob", "battery staple"],
          ["in valid", PASSWORD],
        ]),
      nodeIdsPerUserMax: options.nodeIdsPerUserMax ?? 3,
    }),
    Authority,
    authority,
  );
  const at = { host: HOST, port: server.port, overlayName: OVERLAY, roots: [web.root] };
  return { server, authority, web, at };
});
