/**
 * Checks of the two hellos and of the server's SRP parameters; each refusal has its alert.
 * RFC 5246 §7.4.1, RFC 5054 §2.5, RFC 5746 §3, RFC 7366 §2, RFC 7627 §5.2. DECISIONS.md D-025, D-030.
 * Requirements: RFC 5054 §2.5.1.1, §2.9, §3.2.
 */
import { utf8 } from "../../codecs/shared/mod.ts";
import {
  extensionCodeOf,
  extensionType,
  fallbackScsv,
  nullCompression,
  renegotiationScsv,
  type SrpGroup,
  type SrpGroupBits,
  type SrpSuite,
  srpGroupOf,
  srpSuites,
  type TlsClientHello,
  type TlsExtension,
  type TlsServerHello,
  type TlsServerSrpParams,
  tls12,
} from "../../codecs/tls/mod.ts";
import { type Ending, refuse, type TlsFacts } from "./session.ts";

type Refused = { readonly ending: Ending };

/** What the hellos negotiate; the group follows with the key exchange. */
export type Agreed = Omit<TlsFacts, "group">;

export const clientHello = (random: Uint8Array, userName: string): TlsClientHello => ({
  version: tls12,
  random,
  sessionId: new Uint8Array(), // no resumption: PVP never uses a user name twice
  cipherSuites: [...Object.values(srpSuites).map(({ code }) => code), renegotiationScsv],
  compressionMethods: [nullCompression],
  extensions: [
    { type: "srp", value: utf8(userName) },
    { type: "extendedMasterSecret", value: {} },
    { type: "encryptThenMac", value: {} },
  ],
});

/** renegotiation_info is offered by its SCSV, RFC 5746 §3.4. */
const offered: ReadonlyArray<number> = Object.values(extensionType);

export const agreedByServer = (hello: TlsServerHello, legacy: boolean): Agreed | Refused => {
  const { version, cipherSuite, compressionMethod, extensions = [] } = hello;
  if (version !== tls12) return refuse("protocolVersion", "not TLS 1.2");
  const suite = suiteOf(cipherSuite);
  if (suite === undefined) return refuse("illegalParameter", "a suite we did not offer");
  if (compressionMethod !== nullCompression) return refuse("illegalParameter", "compression");
  //# "An extension type MUST NOT appear in the ServerHello unless the same extension type appeared in the
  //# corresponding ClientHello." (RFC 5246 §7.4.1.4)
  if (extensions.some((extension) => !offered.includes(extensionCodeOf(extension))))
    return refuse("unsupportedExtension", "an extension we did not offer");
  return agreed(suite, extensions, has(extensions, "renegotiationInfo"), legacy);
};

/** What our server accepts, with the user name. */
export const agreedByClient = (
  hello: TlsClientHello,
  legacy: boolean,
): (Agreed & { readonly userName: Uint8Array }) | Refused => {
  const { version, cipherSuites, compressionMethods, extensions = [] } = hello;
  //# "If TLS_FALLBACK_SCSV appears in ClientHello.cipher_suites and the highest protocol version supported by the
  //# server is higher than the version indicated in ClientHello.client_version, the server MUST respond with a fatal
  //# inappropriate_fallback alert" (RFC 7507 §3)
  if (version < tls12)
    return refuse(
      cipherSuites.includes(fallbackScsv) ? "inappropriateFallback" : "protocolVersion",
      "older than TLS 1.2",
    );
  const suite = suitePreference.find((name) => cipherSuites.includes(srpSuites[name].code));
  if (suite === undefined) return refuse("handshakeFailure", "no suite in common");
  if (!compressionMethods.includes(nullCompression)) return refuse("illegalParameter", "compression only");
  //# "the server SHOULD return a fatal "unknown_psk_identity" alert" (RFC 5054 §2.5.1.2)
  const srp = extensions.find(({ type }) => type === "srp");
  if (srp?.type !== "srp") return refuse("unknownPskIdentity", "no user name");
  const isSecure = cipherSuites.includes(renegotiationScsv) || has(extensions, "renegotiationInfo");
  const facts = agreed(suite, extensions, isSecure, legacy);
  return "ending" in facts ? facts : { ...facts, userName: srp.value };
};

const suitePreference: ReadonlyArray<SrpSuite> = [
  "TLS_SRP_SHA_WITH_AES_128_CBC_SHA",
  "TLS_SRP_SHA_WITH_AES_256_CBC_SHA",
];

const suiteOf = (code: number): SrpSuite | undefined => suitePreference.find((name) => srpSuites[name].code === code);

const has = (extensions: ReadonlyArray<TlsExtension>, type: TlsExtension["type"]): boolean =>
  extensions.some((extension) => extension.type === type);

const agreed = (
  suite: SrpSuite,
  extensions: ReadonlyArray<TlsExtension>,
  isSecure: boolean,
  legacy: boolean,
): Agreed | Refused => {
  //# "There MUST NOT be more than one extension of the same type." (RFC 5246 §7.4.1.4)
  if (new Set(extensions.map(extensionCodeOf)).size !== extensions.length)
    return refuse("illegalParameter", "an extension twice");
  // A first handshake renegotiates nothing: RFC 5746 §3.4 and §3.6.
  if (extensions.some((extension) => extension.type === "renegotiationInfo" && extension.value.length > 0))
    return refuse("handshakeFailure", "renegotiation");
  const facts = {
    suite,
    extendedMasterSecret: has(extensions, "extendedMasterSecret"),
    encryptThenMac: has(extensions, "encryptThenMac"),
  };
  if (legacy) return facts;
  if (!isSecure) return refuse("handshakeFailure", "no renegotiation_info");
  if (!facts.extendedMasterSecret) return refuse("handshakeFailure", "no extended_master_secret");
  if (!facts.encryptThenMac) return refuse("handshakeFailure", "no encrypt_then_mac");
  return facts;
};

export const serverHello = (random: Uint8Array, client: TlsClientHello, facts: Agreed): TlsServerHello => {
  const { cipherSuites, extensions = [] } = client;
  const isSecure = cipherSuites.includes(renegotiationScsv) || has(extensions, "renegotiationInfo");
  const answers: ReadonlyArray<TlsExtension | false> = [
    isSecure && { type: "renegotiationInfo", value: new Uint8Array() },
    facts.extendedMasterSecret && { type: "extendedMasterSecret", value: {} },
    facts.encryptThenMac && { type: "encryptThenMac", value: {} },
  ];
  const accepted = answers.filter((answer) => answer !== false);
  return {
    version: tls12,
    random,
    sessionId: new Uint8Array(), // "an empty session_id to indicate that the session will not be cached"
    cipherSuite: srpSuites[facts.suite].code,
    compressionMethod: nullCompression,
    ...(accepted.length > 0 ? { extensions: accepted } : {}),
  };
};

//# "Group parameters that are not accepted via one of the above methods MUST be rejected with an
//# "insufficient_security" alert" (RFC 5054 §2.5.3)
export const trustedGroup = (
  params: TlsServerSrpParams,
  groupBitsMin: SrpGroupBits,
  groupBitsMax: SrpGroupBits,
): SrpGroup | Refused => {
  const group = srpGroupOf(params.prime, params.generator);
  if (group === undefined) return refuse("insufficientSecurity", "a group we do not know");
  const isTrusted = group.bits >= groupBitsMin && group.bits <= groupBitsMax;
  return isTrusted ? group : refuse("insufficientSecurity", `a group of ${group.bits} bits`);
};
