/** The handshake between our two machines: what it settles, what it refuses and with which alert, and what it never shows. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { bigOf, bytesOfHex, concat, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import {
  bytesOfInteger,
  srpGroup,
  type TlsClientHello,
  TlsHandshake,
  type TlsServerHello,
  tls12,
} from "../../codecs/tls/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import type { PowerId, TlsEvent, TlsServerAction, TlsServerEvent } from "../../machines/tls/mod.ts";
import { tlsClient, tlsServer } from "../../machines/tls/mod.ts";
import { RECORDS_MAX, unprotect, type WriteProtection, writeRecords } from "../../machines/tls/record.ts";
import { privateKeyOf, saltFor, simulatedVerifier } from "../../machines/tls/srp.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import {
  allHeard,
  clientInput,
  type DuelOptions,
  duel,
  power,
  rightCredential,
  type Side,
  serverInput,
} from "./duel.ts";

const both = { client: [utf8("from the client")], server: [utf8("from the server")] };
const facts = {
  suite: "TLS_SRP_SHA_WITH_AES_128_CBC_SHA",
  group: 1024,
  extendedMasterSecret: true,
  encryptThenMac: true,
} as const;

// RFC 5054 §2.7
test("handshake: both sides are secured, agree on the facts, and hear each other to the end", () => {
  const { client, server } = duel({ says: both, closes: "client" });
  same([client.facts, server.facts], [facts, facts]);
  same([allHeard(server), allHeard(client)], [utf8("from the client"), utf8("from the server")]);
  same([client.outcome, server.outcome], [{ type: "closed" }, { type: "closed" }]);
  same(server.lookedUp, "alice");
});

// RFC 5054 §2.5.3, §5.2
test("handshake: every group, and a verifier as well as a password", () => {
  for (const group of [1536, 2048, 3072, 4096, 6144, 8192] as const)
    same(duel({ client: { groupBitsMin: group, groupBitsMax: 8192 }, server: { group } }).client.facts?.group, group);
  const verifier = { type: "verifier", salt: bytesOfHex("beb25379"), verifier: 0n } as const;
  const group = srpGroup(1024);
  same(duel({ credential: { ...verifier, verifier: group.generator } }).client.outcome, {
    type: "alerted",
    alert: "badRecordMac",
  });
  const { server } = duel({ credential: { type: "password", password: "secret", salt: verifier.salt } });
  same(server.facts, facts);
});

// RFC 5054 §2.8.1
test("handshake: user names of every kind of letter, up to 255 bytes", () => {
  for (const userName of ["ä", "x".repeat(255), "vipr1;A;0;1", "\ufeffvipr1;A;0;1", "\u0000"])
    same(duel({ client: { userName } }).server.lookedUp, userName);
});

const cuts = fc.array(fc.nat(2_000), { maxLength: 12 });
const cutting =
  (at: ReadonlyArray<number>) =>
  (_: Side, bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
    const points = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    return points.slice(1).map((point, i) => bytes.subarray(points[i]!, point));
  };

test("handshake: however the streams are cut, the same comes of it", () => {
  const whole = duel({ says: both, closes: "server" });
  const sent = (side: Side) => hexOf(concat(...whole[side].sent));
  fc.assert(
    fc.property(cuts, (at) => {
      const found = duel({ says: both, closes: "server", carry: cutting(at) });
      for (const side of ["client", "server"] as const) {
        same(hexOf(concat(...found[side].sent)), sent(side));
        same(found[side].outcome, { type: "closed" });
        same(allHeard(found[side]), allHeard(whole[side]));
      }
    }),
    { numRuns: runs },
  );
});

test("handshake: byte by byte it takes no longer than linear, a large record too", () => {
  const oneByOne = (_: Side, bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte));
  const says = { client: [new Uint8Array(20_000).fill(5)] };
  const { server } = duel({ says, carry: oneByOne, closes: "client" });
  same([allHeard(server).length, server.outcome], [20_000, { type: "closed" }]);
});

test("handshake: messages split over records, and several in one record, are the same messages", () => {
  // Each handshake record in the clear is written anew as records of at most `size` bytes.
  const resplit = (size: number) => (_: Side, bytes: Uint8Array) => {
    const out: Array<Uint8Array> = [];
    for (let at = 0; at < bytes.length; ) {
      const length = (bytes[at + 3]! << 8) | bytes[at + 4]!;
      const fragment = bytes.subarray(at + 5, at + 5 + length);
      const isClear = bytes[at] === 22 && out.every((record) => record[0] === 22);
      const step = isClear ? size : length;
      for (let from = 0; from < fragment.length; from += step) {
        const part = fragment.subarray(from, from + step);
        out.push(concat(Uint8Array.of(bytes[at]!, 3, 3, part.length >> 8, part.length & 255), part));
      }
      at += 5 + length;
    }
    return out;
  };
  for (const size of [1, 3, 100]) same(duel({ carry: resplit(size) }).server.facts, facts);
});

test("RFC 5246 §7.4.9: a Finished under the right keys that says something else ends in decrypt_error, on both sides", () => {
  const sealedBy = (liar: Side) => {
    let write: WriteProtection | undefined;
    return duel({
      says: both,
      sees: (side, context) => {
        if (side === liar) write = context.write ?? write;
      },
      carry: (from, bytes) => {
        const at = finishedAt(bytes);
        if (from !== liar || at === undefined || write === undefined) return [bytes];
        const lie = encode(TlsHandshake, { type: "finished", body: { verifyData: new Uint8Array(12) } });
        return [concat(bytes.subarray(0, at), writeRecords({ ...write, sequence: 0 }, "handshake", lie).bytes)];
      },
    });
  };
  const { client, server } = sealedBy("server");
  same(client.outcome?.type === "refused" && client.outcome.alert, "decryptError");
  same([client.facts, client.heard, server.outcome], [undefined, [], { type: "alerted", alert: "decryptError" }]);
  const other = sealedBy("client");
  same(other.server.outcome?.type === "refused" && other.server.outcome.alert, "decryptError");
  same([other.server.facts, other.server.heard], [undefined, []]);
});
/** Where the record after a ChangeCipherSpec begins. */
const finishedAt = (bytes: Uint8Array): number | undefined => {
  for (let at = 0; at + 5 <= bytes.length; at += 5 + ((bytes[at + 3]! << 8) | bytes[at + 4]!))
    if (bytes[at] === 20) return at + 6;
  return undefined;
};

test("RFC 5054 §2.6: a wrong password ends in bad_record_mac, sent by the server", () => {
  const { client, server } = duel({ client: { password: "wrong" }, says: both });
  same(client.outcome, { type: "alerted", alert: "badRecordMac" });
  same(server.outcome?.type === "refused" && server.outcome.alert, "badRecordMac");
  same([client.facts, server.facts], [undefined, undefined]);
});

/** The sizes of what the server sends, and when: all that a stranger can see besides random bytes. */
const seen = (options: DuelOptions) => {
  const { client, server } = duel(options);
  return { sizes: server.sent.map(({ length }) => length), server: server.outcome, client: client.outcome };
};

test("RFC 5054 §2.5.1.3: an unknown user, a wrong password and a password that nobody has look alike", () => {
  const wrong = seen({ client: { password: "wrong" } });
  same(seen({ credential: undefined }), wrong);
  same(seen({ credential: undefined, client: { password: "wrong" } }), wrong);
  // ServerHello, the group and the salt are the same for the name, known or not; only B is as random as ever.
  const beforeB = (options: DuelOptions) => {
    const flight = duel(options).server.sent[0]!;
    return hexOf(flight.subarray(0, 5 + 57 + 4 + 2 + 128 + 3 + 1 + 16));
  };
  same(beforeB({ credential: undefined }), beforeB({}));
});

test("RFC 5054 §2.5.1.3: the same powers are computed for a user that is not there", () => {
  const asked = (options: DuelOptions) => {
    const ids: Array<PowerId> = [];
    const powered = (side: Side, id: PowerId, value: bigint) => {
      if (side === "server") ids.push(id);
      return value;
    };
    duel({ ...options, powered });
    return ids;
  };
  same(asked({ credential: undefined }), asked({}));
  const stored = { type: "verifier", salt: new Uint8Array(16), verifier: 5n } as const;
  const verifiers = { server: { storedAs: "verifier" } as const };
  same(asked({ ...verifiers, credential: undefined }), asked({ ...verifiers, credential: stored }));
});

test("RFC 5054 §2.5.1.3: unknown_psk_identity is sent only if it is configured, and in legacy mode", () => {
  const outcome = (server: DuelOptions["server"] & {}) =>
    duel({ credential: undefined, server, client: { legacy: true } }).client.outcome;
  same(outcome({ legacy: true, refusesUnknown: true }), { type: "alerted", alert: "unknownPskIdentity" });
  const hidden = { type: "alerted", alert: "badRecordMac" };
  same([outcome({ refusesUnknown: true }), outcome({ legacy: true }), outcome({})], [hidden, hidden, hidden]);
  same(duel({ server: { legacy: true, refusesUnknown: true } }).server.facts, facts);
});

test("RFC 5054 §2.5.3: with g^b computed ahead it is the same handshake, and one power is not asked for", () => {
  const group = srpGroup(1024);
  const generatorPower = power(group.generator, bigOf(serverInput.randomness.secret), 1024);
  const seenWith = (options: DuelOptions) => {
    const ids: Array<PowerId> = [];
    const powered = (side: Side, id: PowerId, value: bigint) => {
      if (side === "server") ids.push(id);
      return value;
    };
    const { client, server } = duel({ ...options, powered, says: both, closes: "client" });
    return { ids, sent: [client.sent, server.sent].map((sent) => hexOf(concat(...sent))), ends: server.outcome };
  };
  const verifier = { type: "verifier", salt: new Uint8Array(16), verifier: 5n } as const;
  for (const options of [{}, { credential: undefined }, { client: { password: "wrong" } }, { credential: verifier }]) {
    const [here, ahead] = [seenWith(options), seenWith({ ...options, server: { generatorPower } })];
    same([ahead.sent, ahead.ends], [here.sent, here.ends]);
    same(
      ahead.ids,
      here.ids.filter((id) => id !== "ours"),
    );
    ok(here.ids.includes("ours"));
  }
});

test("a simulated user is refused, even to a client that could compute its secret", () => {
  // The simulated verifier of a server that keeps verifiers, given to a client that skips the password.
  const group = srpGroup(1024);
  const verifier = simulatedVerifier(serverInput.seedKey, utf8("alice"), group);
  const powered = (side: Side, id: PowerId, value: bigint) =>
    side === "client" && id === "verifier" ? verifier : value;
  const { server } = duel({ server: { storedAs: "verifier" }, credential: undefined, powered });
  same([server.facts, server.outcome?.type], [undefined, "refused"]);
});

const helloOf = (change: (hello: TlsClientHello) => TlsClientHello): DuelOptions => ({
  carry: (from, bytes, count) => {
    if (from === "server" || count > 0) return [bytes];
    const read = decode(TlsHandshake, bytes.subarray(5));
    if (!read.ok || read.value.type !== "clientHello") throw new Error("no hello");
    return [record(22, encode(TlsHandshake, { type: "clientHello", body: change(read.value.body) }))];
  },
});
const record = (type: number, fragment: Uint8Array, version = tls12): Uint8Array =>
  concat(Uint8Array.of(type, version >> 8, version & 255, fragment.length >> 8, fragment.length & 255), fragment);
const alertOf = (options: DuelOptions, side: Side) => {
  const { outcome, facts: settled } = duel(options)[side];
  same(settled, undefined);
  return outcome?.type === "refused" ? outcome.alert : outcome?.type;
};
const without = (type: string) => (hello: TlsClientHello) => ({
  ...hello,
  extensions: hello.extensions!.filter((extension) => extension.type !== type),
});

// RFC 5054 §2.5.1.2
test("the server refuses a hello that it cannot accept, each with its alert", () => {
  const refusal = (change: (hello: TlsClientHello) => TlsClientHello) => alertOf(helloOf(change), "server");
  same(
    refusal((hello) => ({ ...hello, version: 0x0302 })),
    "protocolVersion",
  );
  same(
    refusal((hello) => ({ ...hello, version: 0x0302, cipherSuites: [...hello.cipherSuites, 0x5600] })),
    "inappropriateFallback",
  ); // RFC 7507 §3
  same(
    refusal((hello) => ({ ...hello, cipherSuites: [0x00ff, 0x1301, 0xc02f] })),
    "handshakeFailure",
  );
  same(
    refusal((hello) => ({ ...hello, compressionMethods: [1] })),
    "illegalParameter",
  );
  same(refusal(without("srp")), "unknownPskIdentity"); // RFC 5054 §2.5.1.2
  same(refusal(without("extendedMasterSecret")), "handshakeFailure"); // RFC 7627 §5.2
  same(refusal(without("encryptThenMac")), "handshakeFailure");
  same(
    refusal((hello) => ({ ...hello, cipherSuites: [0xc01d] })),
    "handshakeFailure",
  ); // RFC 5746 §3.6
  same(
    refusal((hello) => ({ ...hello, extensions: [...hello.extensions!, hello.extensions![0]!] })),
    "illegalParameter",
  );
  const renegotiation = { type: "renegotiationInfo", value: Uint8Array.of(1) } as const;
  same(
    refusal((hello) => ({ ...hello, extensions: [...hello.extensions!, renegotiation] })),
    "handshakeFailure",
  );
  same(
    refusal(({ extensions: _, ...hello }) => hello),
    "unknownPskIdentity",
  );
});

test("the server lets a hello pass that says more than it knows", () => {
  const more = helloOf((hello) => ({
    ...hello,
    version: 0x0304, // RFC 5246 appendix E.1: a later version is answered by ours
    sessionId: new Uint8Array(32).fill(1), // ... and a session is never resumed
    cipherSuites: [0x1301, 0xfafa, ...hello.cipherSuites],
    compressionMethods: [1, 0],
    extensions: [...hello.extensions!, { type: "unknown", code: 43, value: bytesOfHex("0403040303") }],
  }));
  // The transcripts then differ, as somebody changed the hello on its way: it must fail, but only at the end.
  const { server, client } = duel(more);
  same([server.sent.length > 1, server.facts, client.facts], [true, undefined, undefined]);
});

const serverHelloOf = (change: (hello: TlsServerHello) => TlsServerHello): DuelOptions => ({
  carry: (from, bytes, count) => {
    if (from === "client" || count > 0) return [bytes];
    const size = 4 + ((bytes[6]! << 16) | (bytes[7]! << 8) | bytes[8]!);
    const read = decode(TlsHandshake, bytes.subarray(5, 5 + size));
    if (!read.ok || read.value.type !== "serverHello") throw new Error("no hello");
    const hello = encode(TlsHandshake, { type: "serverHello", body: change(read.value.body) });
    return [record(22, hello), record(22, bytes.subarray(5 + size))];
  },
});

// RFC 5054 §2.5.1.1
test("the client lets a server's hello pass that names a session, and asks for no other of it", () => {
  const named = serverHelloOf((hello) => ({ ...hello, sessionId: new Uint8Array(32).fill(1) }));
  const { client } = duel(named); // as above: it must fail, but only at the end
  same([client.sent.length > 1, client.facts], [true, undefined]);
});

test("the client refuses a server's hello that goes beyond its own, each with its alert", () => {
  const refusal = (change: (hello: TlsServerHello) => TlsServerHello) => alertOf(serverHelloOf(change), "client");
  same(
    refusal((hello) => ({ ...hello, version: 0x0302 })),
    "protocolVersion",
  );
  same(
    refusal((hello) => ({ ...hello, cipherSuite: 0xc01e })),
    "illegalParameter",
  );
  same(
    refusal((hello) => ({ ...hello, compressionMethod: 1 })),
    "illegalParameter",
  );
  const heartbeat = { type: "unknown", code: 15, value: Uint8Array.of(1) } as const;
  same(
    refusal((hello) => ({ ...hello, extensions: [...hello.extensions!, heartbeat] })),
    "unsupportedExtension",
  );
  for (const type of ["renegotiationInfo", "extendedMasterSecret", "encryptThenMac"])
    same(
      refusal((hello) => ({ ...hello, extensions: hello.extensions!.filter((found) => found.type !== type) })),
      "handshakeFailure",
    );
  same(
    refusal(({ extensions: _, ...hello }) => hello),
    "handshakeFailure",
  );
});

test("a downgrade is refused by both: what one side leaves out on its way, the other misses or finds at the end", () => {
  const strip = (type: string) =>
    alertOf({ ...helloOf(without(type)), client: { legacy: true }, server: { legacy: true } }, "server");
  // Even two that would do without notice that somebody else chose for them.
  same([strip("extendedMasterSecret"), strip("encryptThenMac")], ["decryptError", "badRecordMac"]);
});

// RFC 5054 §2.9, §3.2
test("RFC 5054 §2.5.3: a group that is too small, too large or unknown is insufficient_security", () => {
  same(alertOf({ client: { groupBitsMin: 2048 } }, "client"), "insufficientSecurity");
  same(alertOf({ server: { group: 6144 } }, "client"), "insufficientSecurity"); // larger than it accepts
  const group = srpGroup(1024);
  const [known, other] = [hexOf(bytesOfInteger(group.prime)), hexOf(bytesOfInteger(group.prime - 2n))];
  const carry = (_: Side, bytes: Uint8Array) => [bytesOfHex(hexOf(bytes).replace(known, other))];
  same(alertOf({ carry }, "client"), "insufficientSecurity");
});

// RFC 5054 §2.9
test("RFC 5054 §2.5.3, §2.5.4: A or B that is 0 modulo N, or no remainder at all, is illegal_parameter", () => {
  const group = srpGroup(1024);
  const bodies = [0n, group.prime, 2n * group.prime, group.prime + 1n].map(bytesOfInteger);
  for (const value of bodies) {
    const forgeB: DuelOptions = {
      carry: (from, bytes, count) => {
        if (from === "client" || count > 0) return [bytes];
        return [replaced(bytes, "serverKeyExchange", (body) => ({ ...body, serverPublic: value }))];
      },
    };
    same(alertOf(forgeB, "client"), "illegalParameter");
    const forgeA: DuelOptions = {
      carry: (from, bytes, count) => {
        if (from === "server" || count !== 1) return [bytes];
        return [replaced(bytes, "clientKeyExchange", () => ({ clientPublic: value }))];
      },
    };
    same(alertOf(forgeA, "server"), "illegalParameter");
  }
});

/** A flight in one record of handshake messages, one of them changed. */
const replaced = (bytes: Uint8Array, type: string, change: (body: any) => any): Uint8Array => {
  const length = (bytes[3]! << 8) | bytes[4]!;
  const messages: Array<Uint8Array> = [];
  for (let at = 5; at < 5 + length; ) {
    const size = 4 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
    const read = decode(TlsHandshake, bytes.subarray(at, at + size));
    if (!read.ok) throw new Error("not a message");
    const { value } = read;
    messages.push(
      encode(TlsHandshake, (value.type === type ? { type, body: change(value.body) } : value) as TlsHandshake),
    );
    at += size;
  }
  return concat(record(22, concat(...messages)), bytes.subarray(5 + length));
};

/** A server that has heard nothing yet, given these bytes: its alert, or that it waits. */
const first = (bytes: Uint8Array) => {
  const { snapshot } = tlsServer.start(serverInput);
  const { actions } = tlsServer.step(snapshot, { type: "received", bytes });
  const ended = actions.find((action) => action.type === "ended");
  return ended?.type === "ended" && ended.outcome.type === "refused" ? ended.outcome.alert : "waits";
};

test("what is no TLS is refused at once, and nothing is held beyond its limit", () => {
  same(first(utf8("GET / HTTP/1.1\r\n\r\n")), "unexpectedMessage");
  same(first(bytesOfHex("160301")), "waits");
  same(first(bytesOfHex("1604010001")), "protocolVersion");
  same(first(bytesOfHex("1603034001")), "recordOverflow"); // 2^14 + 1 in the clear
  same(first(bytesOfHex("1603030000")), "decodeError"); // RFC 5246 §6.2.1: no empty handshake record
  same(first(bytesOfHex("160303000401004000")), "decodeError"); // a message of 2^14 + 4
  same(first(bytesOfHex("140303000101")), "unexpectedMessage");
  same(first(bytesOfHex("170303000161")), "unexpectedMessage");
  same(first(bytesOfHex("1603030005010000010a")), "decodeError");
  same(first(concat(bytesOfHex("16030300020100"), bytesOfHex("140303000101"))), "unexpectedMessage");
  const { snapshot } = tlsServer.start(serverInput);
  const ended = tlsServer.step(snapshot, { type: "received", bytes: bytesOfHex("150303000202 28".replace(" ", "")) });
  same(ended.actions.at(-1), { type: "ended", outcome: { type: "alerted", alert: "handshakeFailure" } });
});

/** An open session of our server's, and a way to speak to it as its client. */
const openServer = () => {
  let snapshot = tlsServer.start(serverInput).snapshot;
  let client = tlsClient.start(clientInput);
  const queue: Array<{ readonly to: Side; readonly event: any }> = [];
  const route = (side: Side, actions: ReadonlyArray<any>) => {
    for (const action of actions) {
      if (action.type === "send")
        queue.push({ to: side === "client" ? "server" : "client", event: { type: "received", bytes: action.bytes } });
      if (action.type === "power")
        queue.push({
          to: side,
          event: { type: "powered", id: action.id, value: power(action.base, action.exponent, action.group) },
        });
      if (action.type === "lookUp") queue.push({ to: side, event: { type: "found", credential: rightCredential } });
    }
  };
  route("client", client.actions);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (next.to === "server") {
      const step = tlsServer.step(snapshot, next.event);
      snapshot = step.snapshot;
      route("server", step.actions);
    } else {
      client = tlsClient.step(client.snapshot, next.event);
      route("client", client.actions);
    }
  }
  return { server: snapshot, client: client.snapshot };
};

/** The content of one record of an open session, read with its keys. */
const opened = (write: WriteProtection, action: TlsServerAction | undefined) => {
  if (action?.type !== "send") throw new Error("nothing sent");
  return unprotect(write, "alert", action.bytes.subarray(5));
};

test("the open session: no renegotiation, no flood of empty records, no record after the end", () => {
  const { server, client } = openServer();
  same([server.value, client.value], ["open", "open"]);
  const hello = encode(TlsHandshake, {
    type: "clientHello",
    body: {
      version: tls12,
      random: new Uint8Array(32),
      sessionId: new Uint8Array(),
      cipherSuites: [0xc01d],
      compressionMethods: [0],
    },
  });
  const outcomeOf = (bytes: Uint8Array) => {
    const ended = tlsServer.step(server, { type: "received", bytes }).actions.find((action) => action.type === "ended");
    return ended?.type === "ended" ? ended.outcome : undefined;
  };
  const write = client.context.write!;
  const finished = encode(TlsHandshake, { type: "finished", body: { verifyData: new Uint8Array(12) } });
  same(outcomeOf(writeRecords(write, "handshake", finished).bytes), {
    type: "refused",
    alert: "unexpectedMessage",
    why: "unexpected finished",
  });
  // RFC 5246 §7.2.2: a request to renegotiate is answered by no_renegotiation, and the session goes on; but not for ever.
  const again = tlsServer.step(server, {
    type: "received",
    bytes: writeRecords(write, "handshake", concat(hello, hello)).bytes,
  });
  same([again.snapshot.value, again.actions.map(({ type }) => type)], ["open", ["send", "send"]]);
  same(opened(server.context.write!, again.actions[0]), Uint8Array.of(1, 100));
  const insistent = outcomeOf(writeRecords(write, "handshake", concat(...Array(17).fill(hello))).bytes);
  same(insistent?.type === "refused" && insistent.alert, "unexpectedMessage");
  let now = write;
  const empty = Array.from({ length: 17 }, () => {
    const { bytes, write: after } = writeRecords(now, "applicationData", new Uint8Array());
    now = after;
    return bytes;
  });
  same(outcomeOf(concat(...empty.slice(0, 15))), undefined);
  const flood = outcomeOf(concat(...empty));
  same(flood?.type === "refused" && flood.alert, "unexpectedMessage");
  const helloRequest = encode(TlsHandshake, { type: "helloRequest", body: {} });
  const asked = tlsClient.step(client, {
    type: "received",
    bytes: writeRecords(server.context.write!, "handshake", helloRequest).bytes,
  });
  same([asked.snapshot.value, asked.actions.length], ["open", 1]);
  same(opened(write, asked.actions[0]), Uint8Array.of(1, 100));
  const closing = writeRecords(write, "alert", Uint8Array.of(1, 0));
  const after = writeRecords(closing.write, "applicationData", utf8("late"));
  const ended = tlsServer.step(server, { type: "received", bytes: concat(closing.bytes, after.bytes) });
  same(
    ended.actions.map(({ type }) => type),
    ["send", "ended"],
  );
  same(outcomeOf(writeRecords(write, "alert", Uint8Array.of(2, 80)).bytes), {
    type: "alerted",
    alert: "internalError",
  });
  const spent = {
    ...server,
    context: { ...server.context, write: { ...server.context.write!, sequence: RECORDS_MAX } },
  };
  same(tlsServer.step(spent, { type: "sendData", bytes: utf8("x") }).actions.at(-1), {
    type: "ended",
    outcome: { type: "refused", alert: "internalError", why: "too many records" },
  });
  same(tlsServer.step(server, { type: "lost", why: "reset" }).actions, [
    { type: "ended", outcome: { type: "lost", why: "reset" } },
  ]);
});

/** What a context still holds, as text in which a secret would be seen. */
const textOf = (context: unknown) =>
  JSON.stringify(context, (_, value) =>
    typeof value === "bigint" ? value.toString(16) : value instanceof Uint8Array ? hexOf(value) : value,
  );

test("secrets are let go once the session is open, and all of them once it has ended", () => {
  const { server, client } = openServer();
  const [a, b] = [hexOf(clientInput.randomness.secret), hexOf(serverInput.randomness.secret)];
  const x = privateKeyOf(saltFor(serverInput.seedKey, utf8("alice")), utf8("alice"), utf8("secret"));
  for (const snapshot of [server, client])
    for (const secret of [':"secret"', a, b, x.toString(16), '"master":'])
      ok(!textOf(snapshot.context).includes(secret));
  const keys = [server.context.write!, client.context.write!].flatMap(({ key, macKey, ivKey }) => [key, macKey, ivKey]);
  const closed = [
    tlsServer.step(server, { type: "close" }).snapshot,
    tlsClient.step(client, { type: "lost", why: "reset" }).snapshot,
    tlsClient.step(tlsClient.start(clientInput).snapshot, { type: "close" }).snapshot,
  ];
  for (const { value, context } of closed) {
    same(value, "ended");
    for (const key of [...keys.map(hexOf), a, b, ':"secret"']) ok(!textOf(context).includes(key));
  }
  ok(textOf(server.context).includes(hexOf(keys[0]!))); // it would be seen
});

test("a peer that floods while powers are computed is refused", () => {
  const { client } = duel();
  let { snapshot } = tlsServer.start(serverInput);
  snapshot = tlsServer.step(snapshot, { type: "received", bytes: client.sent[0]! }).snapshot;
  same(snapshot.value, "lookingUp");
  let refused = false;
  for (let i = 0; i < 20 && !refused; i++) {
    const step = tlsServer.step(snapshot, { type: "received", bytes: record(22, new Uint8Array(16_000).fill(1)) });
    snapshot = step.snapshot;
    refused = tlsServer.isDone(snapshot);
  }
  ok(refused);
});

test("a handshake that takes too long ends, an open session has no such limit", () => {
  const late = { type: "timerFired", timer: "handshake" } as const;
  const over = [{ type: "ended", outcome: { type: "timedOut" } }];
  same(tlsClient.step(tlsClient.start(clientInput).snapshot, late).actions, over);
  same(tlsServer.step(tlsServer.start(serverInput).snapshot, late).actions, over);
  const { server } = openServer();
  same(tlsServer.step(server, { type: "timerFired", timer: "handshake" }).actions, [
    { type: "note", unexpected: "timerFired" },
  ]);
});

// Events as a peer and a host may mix them: pieces of real flights among noise.
const told: { readonly [S in Side]: Array<any> } = { client: [], server: [] };
const writes: { [S in Side]?: WriteProtection } = {};
const honest = duel({
  says: both,
  closes: "client",
  tells: (side, event) => told[side].push(event),
  sees: (side, { write }) => {
    if (write !== undefined) writes[side] = { ...write, sequence: 0 };
  },
});
const received = (...parts: ReadonlyArray<Uint8Array>) => ({ type: "received", bytes: concat(...parts) }) as const;
/** The messages of a record in the clear, each in a record of its own. */
const messagesIn = (record: Uint8Array): ReadonlyArray<Uint8Array> => {
  const found: Array<Uint8Array> = [];
  for (let at = 5; at < record.length; ) {
    const end = at + 4 + ((record[at + 2]! << 8) | record[at + 3]!);
    found.push(writeRecords(undefined, "handshake", record.subarray(at, end)).bytes);
    at = end;
  }
  return found;
};
/** Of what a side is sent before it is secured: what stands alone, and another message in the place of the next one. */
const changeCipher = writeRecords(undefined, "changeCipherSpec", Uint8Array.of(1)).bytes;
const early = (side: Side) => writeRecords(writes[side]!, "applicationData", Uint8Array.of(1)).bytes;
const [serverHello, serverKeyExchange] = messagesIn(honest.server.sent[0]!);
const powersOf = (side: Side) => told[side].filter(({ type }) => type === "powered");
const clientPlays: ReadonlyArray<ReadonlyArray<TlsEvent>> = [
  told.client,
  [received(serverHello!), received(changeCipher)],
  [received(serverHello!), received(serverKeyExchange!), ...powersOf("client"), received(changeCipher)],
  [received(honest.server.sent[0]!), ...powersOf("client"), received(changeCipher, early("server"))],
];
const second: Uint8Array = told.server.filter(({ type }) => type === "received")[1].bytes;
const keyExchange = second.subarray(0, 5 + ((second[3]! << 8) | second[4]!));
const serverPlays: ReadonlyArray<ReadonlyArray<TlsServerEvent>> = [
  told.server,
  [...told.server.slice(0, 4), received(keyExchange), ...powersOf("server").slice(-2), received(keyExchange)],
  [
    ...told.server.slice(0, 4),
    received(keyExchange),
    ...powersOf("server").slice(-2),
    received(changeCipher, early("client")),
  ],
];
const piecesOf = (side: Side) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...honest[side].sent) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
const commonEvents = (from: Side): fc.Arbitrary<TlsEvent> =>
  fc.oneof(
    { weight: 8, arbitrary: piecesOf(from).map((bytes) => ({ type: "received", bytes }) as const) },
    {
      weight: 6,
      arbitrary: fc
        .record(
          {
            id: fc.constantFrom<PowerId>("ours", "verifier", "scrambled", "premaster"),
            value: fc.bigInt({ min: 1n, max: 2n ** 64n }),
          },
          { noNullPrototype: true },
        )
        .map(({ id, value }) => ({ type: "powered", id, value }) as const),
    },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 20 }).map((bytes) => ({ type: "sendData", bytes }) as const) },
    { weight: 1, arbitrary: fc.constantFrom<TlsEvent>({ type: "close" }, { type: "lost", why: "reset" }) },
  );

machineLaws(
  tlsClient,
  {
    inputs: fc.boolean().map((legacy) => ({ ...clientInput, legacy })),
    events: () => commonEvents("server"),
  },
  { plays: clientPlays.map((events) => ({ input: clientInput, events })) },
);
machineLaws(
  tlsServer,
  {
    inputs: fc
      .record({ legacy: fc.boolean(), generatorPower: fc.constantFrom(undefined, 4n) }, { noNullPrototype: true })
      .map((drawn) => ({ ...serverInput, ...drawn })),
    events: (): fc.Arbitrary<TlsServerEvent> =>
      fc.oneof(
        { weight: 5, arbitrary: commonEvents("client") },
        {
          weight: 1,
          arbitrary: fc
            .constantFrom(rightCredential, undefined)
            .map((credential) => ({ type: "found", credential }) as const),
        },
      ),
  },
  { plays: serverPlays.map((events) => ({ input: serverInput, events })) },
);
