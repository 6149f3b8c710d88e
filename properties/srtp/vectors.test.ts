/** SRTP by the vectors of RFC 3711 B.2, B.3, of RFC 6188 §7, and by packets that libsrtp's own tests print. */
import { deepStrictEqual as same } from "node:assert";
import { bytesOfHex, concat, hexOf } from "../../codecs/shared/mod.ts";
import { SUITES } from "../../codecs/sip/mod.ts";
import { applyKeystream, derive, ownPrimitives, SrtpReceiver, SrtpSender } from "../../machines/srtp/mod.ts";
import { HMACS, platformPrimitives } from "../../runtime/srtp.ts";
import { test } from "../kit/harness.ts";

const WAYS = { ours: ownPrimitives, "the platform's": { ...platformPrimitives, hmacSha1: HMACS.platformHashCopied! } };
const SALT = bytesOfHex("f0f1f2f3f4f5f6f7f8f9fafbfcfd");

/** Of a keystream, the blocks at these counters: a packet's own keystream is moved there by its salt's end. */
const keystreams = [
  {
    of: "RFC 3711 B.2",
    key: "2B7E151628AED2A6ABF7158809CF4F3C",
    blocks: [
      "E03EAD0935C95E80E166B16DD92B4EB4",
      "D23513162B02D0F72A43A2FE4A5F97AB",
      "41E95B3BB0A2E8DD477901E4FCA894C0",
    ],
  },
  {
    of: "RFC 6188 §7.2",
    key: "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
    blocks: [
      "92bdd28a93c3f52511c677d08b5515a4",
      "9da71b2378a854f67050756ded165bac",
      "63c4868b7096d88421b563b8c94c9a31",
    ],
  },
];
for (const [name, primitives] of Object.entries(WAYS))
  for (const { of, key, blocks } of keystreams)
    test(`srtp: the keystream of ${of}, by ${name} AES`, () => {
      const cipher = primitives.blockCipher(bytesOfHex(key));
      const bytes = new Uint8Array(40);
      applyKeystream(cipher, SALT, 0, 0, bytes, 0, 40);
      same(hexOf(bytes), blocks.join("").toLowerCase().slice(0, 80));
      const counters = bytesOfHex(["feff", "ff00", "ff01"].map((end) => `${hexOf(SALT)}${end}`).join(""));
      const last: Record<string, string> = {
        "RFC 3711 B.2":
          "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44",
        "RFC 6188 §7.2":
          "cea518c90fd91ced9cbb18c078a547113dbc4814f4da5f00a08772b63c6a046d6eb246913062a16891433e97dd01a57f",
      };
      same(hexOf(cipher.of(counters)), last[of]!.toLowerCase());
    });

const derivations = [
  {
    of: "RFC 3711 B.3",
    master: "E1F97A0D3E018BE0D64FA32C06DE4139",
    salt: "0EC675AD498AFEEBB6960B3AABE6",
    cipher: "C61E7A93744F39EE10734AFE3FF7A087",
    cipherSalt: "30CBBC08863D8C85D49DB34A9AE1",
    auth:
      "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF7227098" +
      "6371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2",
  },
  {
    of: "RFC 6188 §7.4",
    master: "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
    salt: "3b04803de51ee7c96423ab5b78d2",
    cipher: "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
    cipherSalt: "fa31791685ca444a9e07c6c64e93",
    auth: "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
  },
];
for (const [name, primitives] of Object.entries(WAYS))
  for (const { of, master, salt, cipher, cipherSalt, auth } of derivations)
    test(`srtp: session keys of ${of}, by ${name} AES`, () => {
      const key = primitives.blockCipher(bytesOfHex(master));
      const derived = (label: number, hex: string) =>
        same(hexOf(derive(key, bytesOfHex(salt), label, hex.length / 2)), hex.toLowerCase());
      derived(0, cipher);
      derived(1, auth);
      derived(2, cipherSalt);
    });

const KEY_SALT = bytesOfHex("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6");
const PAYLOAD = "ab".repeat(16);
const RTP = `800f1234decafbadcafebabe${PAYLOAD}`;
const SRTP = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
const RTCP = `81c8000bcafebabe${PAYLOAD}`;
const SRTCP = "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798";
for (const [name, primitives] of Object.entries(WAYS)) {
  test(`srtp: libsrtp's packet, by ${name} AES`, () => {
    const sender = new SrtpSender(primitives, SUITES.AES_CM_128_HMAC_SHA1_80, KEY_SALT);
    same(hexOf(sender.rtp(bytesOfHex(RTP)) as Uint8Array), SRTP);
    const receiver = new SrtpReceiver(primitives, SUITES.AES_CM_128_HMAC_SHA1_80, [{ keySalt: KEY_SALT }]);
    same(hexOf(receiver.rtp(bytesOfHex(SRTP)) as Uint8Array), RTP);
    same(receiver.rtp(bytesOfHex(SRTP)), "replayed");
  });
  test(`srtp: libsrtp's RTCP packet, whose indices begin with 1, by ${name} AES`, () => {
    const sender = new SrtpSender(primitives, SUITES.AES_CM_128_HMAC_SHA1_80, KEY_SALT);
    sender.rtcp(bytesOfHex(RTCP));
    same(hexOf(sender.rtcp(bytesOfHex(RTCP)) as Uint8Array), SRTCP);
    const receiver = new SrtpReceiver(primitives, SUITES.AES_CM_128_HMAC_SHA1_80, [{ keySalt: KEY_SALT }]);
    same(hexOf(receiver.rtcp(bytesOfHex(SRTCP)) as Uint8Array), RTCP);
    same(receiver.rtcp(bytesOfHex(SRTCP)), "replayed");
  });
}

test("srtp: the tag of 32 bits is the beginning of that of 80, of RTP only. RFC 4568 §6.2.2", () => {
  const sender = new SrtpSender(ownPrimitives, SUITES.AES_CM_128_HMAC_SHA1_32, KEY_SALT);
  same(hexOf(sender.rtp(bytesOfHex(RTP)) as Uint8Array), SRTP.slice(0, -12));
  same((sender.rtcp(bytesOfHex(RTCP)) as Uint8Array).length, concat(bytesOfHex(RTCP)).length + 14);
});
