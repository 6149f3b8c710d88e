/** Certificates as the platform's TLS wants them, and as it gives them. */
import type { DetailedPeerCertificate, Server, TLSSocket } from "node:tls";
import { CertificateError, type VerifiedCertificate } from "../actors/ports/mod.ts";
import type { CertificateUse } from "../machines/x509/mod.ts";
import { judgeChain, judgeServer } from "./chains.ts";

export const pemCertificate = (der: Uint8Array): string => {
  const lines = Buffer.from(der)
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
};

/** Certificates of a TLS peer looked at. */
const CHAIN_MAX = 4;

/** What a TLS peer showed, leaf first. Node strings the chain together by `issuerCertificate`, ending in a loop. */
export const chainOfPeer = (leaf: DetailedPeerCertificate): ReadonlyArray<Uint8Array> => {
  const chain: Array<Uint8Array> = [];
  let link: DetailedPeerCertificate | undefined = leaf;
  while (link?.raw !== undefined && chain.length < CHAIN_MAX) {
    chain.push(new Uint8Array(link.raw));
    link = link.issuerCertificate === link ? undefined : link.issuerCertificate;
  }
  return chain;
};

/**
 * What each client of this server showed. Node 24 asks OpenSSL for the client's certificate once the handshake is done,
 * and with that loses the issuers that came with it (`getPeerX509Certificate()` on a server; Node 20 does so when it is
 * called). They are still there while the session's secrets are told, so they are read then; the secrets are not looked at.
 * Deno and Bun have no such event, and keep the issuers.
 */
export const chainsShownTo = (server: Server): ((socket: TLSSocket) => ReadonlyArray<Uint8Array>) => {
  const early = new WeakMap<TLSSocket, ReadonlyArray<Uint8Array>>();
  server.on("keylog", (_, socket) => {
    const chain = chainOfPeer(socket.getPeerCertificate(true));
    if (chain.length > 0) early.set(socket, chain);
  });
  return (socket) => early.get(socket) ?? chainOfPeer(socket.getPeerCertificate(true));
};

/** Why a TLS peer's chain is not believed: undefined if it is. */
export const peerFault = (
  chain: ReadonlyArray<Uint8Array>,
  roots: ReadonlyArray<Uint8Array>,
  use: CertificateUse,
): Fault | undefined => faultOf(judgeChain(chain, roots, Date.now(), use));

/** Why a server is not believed to be the one that was asked for. */
export const serverFault = (
  chain: ReadonlyArray<Uint8Array>,
  roots: ReadonlyArray<Uint8Array>,
  server: string,
): Fault | undefined => faultOf(judgeServer(chain, roots, Date.now(), server));

type Fault = Error & { readonly reason: CertificateError["reason"] };
const faultOf = (judged: VerifiedCertificate | CertificateError): Fault | undefined => {
  if (!(judged instanceof CertificateError)) return undefined;
  const { reason, why } = judged;
  return Object.assign(new Error(`${reason}: ${why}`), { reason });
};
