/** Digest authentication: the examples of RFC 7616 and RFC 2617, and what is no challenge for us. */
import { deepStrictEqual as same } from "node:assert";
import { utf8 } from "../../codecs/shared/mod.ts";
import { authorizationOf, type Challenge, challengeIn, parseSip, type SipResponse } from "../../codecs/sip/mod.ts";
import { test } from "../kit/harness.ts";

const response = (status: number, ...lines: ReadonlyArray<string>): SipResponse => {
  const read = parseSip(
    utf8(
      [
        `SIP/2.0 ${status} Word`,
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:a@192.0.2.1>;tag=1",
        "To: <sip:b@192.0.2.1>;tag=2",
        "Call-ID: c",
        "CSeq: 1 INVITE",
        ...lines,
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    ),
  );
  if (!read.ok) throw new Error(read.error.why);
  return read.value as SipResponse;
};
const answered = (challenge: Challenge, password: string, cnonce: string): string | undefined => {
  const asked = { method: "GET", uri: "/dir/index.html" };
  const { value } = authorizationOf(challenge, { user: "Mufasa", password }, asked, { cnonce, count: 1 });
  return /response="([0-9a-f]+)"/.exec(value)?.[1];
};

test("digest: the examples of RFC 7616 §3.9.1 and RFC 2617 §3.5", () => {
  const newer: Challenge = {
    answeredBy: "Authorization",
    realm: "http-auth@example.org",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    algorithm: "MD5",
    hasQop: true,
  };
  const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
  same(answered(newer, "Circle of Life", cnonce), "8ca523f5e9506fed4657c9700eebdbec");
  same(
    answered({ ...newer, algorithm: "SHA-256" }, "Circle of Life", cnonce),
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
  );
  const older = { ...newer, realm: "testrealm@host.com", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093" };
  same(answered(older, "Circle Of Life", "0a4f113b"), "6629fae49393a05397450978507c4ef1");
  // RFC 2069 §2.4, as its erratum 749 corrects it.
  same(answered({ ...older, hasQop: false }, "CircleOfLife", ""), "1949323746fe6a43ef61f9606e7febea");
});

test("digest: a challenge is read whatever its spaces, letters and commas in quotes", () => {
  const [proxy, www] = ["Proxy-Authenticate: ", "WWW-Authenticate: "];
  const read = (status: number, ...lines: ReadonlyArray<string>) => challengeIn(response(status, ...lines));
  const plain = { realm: "a, b", nonce: "n", opaque: undefined, algorithm: "MD5", hasQop: false };
  same(read(407, `${proxy}Digest realm="a, b",nonce="n"`), { ...plain, answeredBy: "Proxy-Authorization" });
  same(
    read(
      401,
      `${www}digest  Realm = "a, b" , NONCE="n", qop="auth-int,auth", algorithm=sha-256, opaque="o", stale=FALSE`,
    ),
    {
      ...plain,
      answeredBy: "Authorization",
      algorithm: "SHA-256",
      opaque: "o",
      hasQop: true,
    },
  );
  // RFC 8760 §2.4: the topmost that is understood.
  const several = [
    `${www}Digest realm="a, b", nonce="m", algorithm=SHA-512-256`,
    `${www}Basic realm="a"`,
    `${www}Digest realm="a, b", nonce="n", algorithm=MD5`,
  ];
  same(read(401, ...several), { ...plain, answeredBy: "Authorization" });
  for (const none of [
    `Digest realm="a"`,
    `Digest nonce="n"`,
    `Digest realm="a", nonce="n", qop="auth-int"`,
    `Digest realm="a", nonce="n", nonce="m"`,
    `Digest realm="a" nonce="n"`,
    `Digest realm="a", nonce="n", algorithm=MD5-sess`,
    `Digest`,
    `NTLM realm="a", nonce="n"`,
  ])
    same(read(401, `${www}${none}`), undefined, none);
  same(read(401, `${proxy}Digest realm="a", nonce="n"`), undefined);
  same(read(486, `${www}Digest realm="a", nonce="n"`), undefined);
});

test("digest: what answers it brings back what was asked, and counts", () => {
  const challenge = challengeIn(
    response(407, `Proxy-Authenticate: Digest realm="r\\"x", nonce="n", opaque="o", qop="auth"`),
  )!;
  const given = { cnonce: "c0ffee", count: 17 };
  const { name, value } = authorizationOf(
    challenge,
    { user: "u", password: "secret" },
    { method: "INVITE", uri: "sip:1@192.0.2.1" },
    given,
  );
  same(name, "Proxy-Authorization");
  same(
    value.replace(/response="[0-9a-f]{32}"/, "response"),
    'Digest username="u", realm="r\\"x", nonce="n", uri="sip:1@192.0.2.1", response, algorithm=MD5, opaque="o", cnonce="c0ffee", qop=auth, nc=00000011',
  );
});
