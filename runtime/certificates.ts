/** Certificates as the platform's TLS wants them, and as it gives them. */
import type { DetailedPeerCertificate } from "node:tls";
import { CertificateError } from "../actors/ports/mod.ts";
import type { CertificateUse } from "../machines/x509/mod.ts";
import { judgeChain } from "./chains.ts";

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
 * Why the peer's chain is not believed, although the platform's TLS took it: the three runtimes differ in what they take,
 * and none of them reads name constraints by the host of a `reload:` URI.
 */
export const peerFault = (
  leaf: DetailedPeerCertificate,
  roots: ReadonlyArray<Uint8Array>,
  use: CertificateUse,
): Error | undefined => {
  const judged = judgeChain(chainOfPeer(leaf), roots, Date.now(), use);
  return judged instanceof CertificateError ? new Error(`${judged.reason}: ${judged.why}`) : undefined;
};
