/**
 * What the client's and the server's machine do alike: units taken one by one, the open session, the end.
 *
 *   received --> inbound --> unit --(the state that expects it)--> next state
 *                             +--(any other)--> ending --> ended     send alert, stopTimer, ended
 *
 * DECISIONS.md D-027.
 */
import { concat } from "../../codecs/shared/mod.ts";
import { type ContentType, TlsAlert, TlsChangeCipherSpec, TlsHandshake } from "../../codecs/tls/mod.ts";
import { encode, type TypeOf } from "../../codecs/wire/mod.ts";
import { type Decision, decide } from "../kit/mod.ts";
import { heldSize } from "./held.ts";
import { IDLE_RECORDS_MAX, received, takeUnit } from "./inbound.ts";
import type { DirectionKeys } from "./prf.ts";
import { RECORDS_MAX, type WriteProtection, writeRecords } from "./record.ts";
import { type Ending, newSession, refuse, type TlsAction, type TlsEvent, type TlsSession } from "./session.ts";

/** What may wait while powers are computed; an honest peer's flight has some 400 bytes. */
const WAITING_BYTES_MAX = 65_536;

type Shaped<C> = { readonly context: C };
type Decided = Decision<TlsSession, TlsAction>;

/** The unit at hand is this handshake message, and nothing has gone wrong. */
export const isMessage =
  (type: TlsHandshake["type"]) =>
  ({ context: { ending, unit } }: Shaped<TlsSession>): boolean =>
    ending === undefined && unit?.type === "handshake" && unit.message.type === type;

/** The power is one that we asked for. */
export const isAsked = ({ context, event }: Shaped<TlsSession> & { readonly event: TlsEvent | Answer }): boolean =>
  event.type === "powered" && context.asked.includes(event.id);
type Answer = { readonly type: "found" };

export const isChangeCipherSpec = ({ context: { ending, unit } }: Shaped<TlsSession>): boolean =>
  ending === undefined && unit?.type === "changeCipherSpec";

/** The message at hand: for actions behind `isMessage` with the same type. */
export const bodyOf = <K extends TlsHandshake["type"]>(
  { unit }: TlsSession,
  type: K,
): Extract<TlsHandshake, { readonly type: K }>["body"] => {
  if (unit?.type !== "handshake" || unit.message.type !== type) throw new Error(`${type} is not at hand`);
  return unit.message.body as never;
};

/** The session with the next unit at hand, if a whole one is there. */
export const advance = <S extends TlsSession>(session: S): S => {
  const { inbound, unit, refusal } = takeUnit(session.inbound);
  const ending = refusal === undefined ? session.ending : refuse(refusal.alert, refusal.why).ending;
  return { ...session, inbound, unit, ending };
};

/** The session when the unit at hand has been acted upon: a handshake message joins the transcript. */
export const done = <S extends TlsSession>(session: S): S => {
  const { unit, transcript } = session;
  const spoken = unit?.type === "handshake" ? concat(transcript, unit.bytes) : transcript;
  return advance({ ...session, transcript: spoken, unit: undefined });
};

/** As `done` with a ChangeCipherSpec: what follows is read under these keys. */
export const readUnder = <S extends TlsSession>(session: S, keys: DirectionKeys): S => {
  const { encryptThenMac } = session.facts!;
  return done({ ...session, inbound: { ...session.inbound, read: { ...keys, encryptThenMac, sequence: 0 } } });
};

export const writingUnder = ({ chance, facts }: TlsSession, keys: DirectionKeys): WriteProtection => ({
  ...keys,
  ivKey: chance.ivKey,
  encryptThenMac: facts!.encryptThenMac,
  sequence: 0,
});

/** A message of ours: the bytes to send in a record, and to add to the transcript. */
export const say = (message: TlsHandshake): Uint8Array => encode(TlsHandshake, message);

/** A flight of ours in the clear. */
export const inClear = (type: ContentType, bytes: Uint8Array): Uint8Array => writeRecords(undefined, type, bytes).bytes;

export const changeCipherSpec = (): Uint8Array =>
  inClear("changeCipherSpec", encode(TlsChangeCipherSpec, {} as TypeOf<typeof TlsChangeCipherSpec>));

/** Eventless transition of a state that waits for the peer: what it says is not what the state expects. */
export const unexpected = {
  guard: ({ context: { ending, unit } }: Shaped<TlsSession>): boolean => ending === undefined && unit !== undefined,
  actions: decide((session: TlsSession): Decided => ({ context: surprised(session) })),
};

/** Eventless transition of the machine's root: the last orders, and no secret kept beyond them. */
export const ends = <S extends TlsSession>(forgetful: (session: S) => S) => ({
  guard: ({ context: { ending } }: Shaped<TlsSession>): boolean => ending !== undefined,
  target: ".ended",
  actions: decide((session: S): Decision<S, TlsAction> => {
    const { side, chance, ending, isOpen, facts } = session;
    const bare = { ...newSession(side, { ...chance, secret: none, ivKey: none }), ending, isOpen, facts };
    return { context: { ...forgetful(session), ...bare } as S, actions: lastOrders(session) };
  }),
});
const none = new Uint8Array();

/** Transitions of the machine's root. */
export const whenever = {
  received: { actions: decide(holdBytes) },
  close: { actions: decide((): Decided => ({ context: { ending: closedByUs } })) },
  lost: {
    actions: decide(
      (_: TlsSession, { why }: { readonly why: string }): Decided => ({
        context: { ending: { outcome: { type: "lost", why } } },
      }),
    ),
  },
};

/** Only before the session is open: the timer does not run later, and a late one is not believed. */
export const timesOut = {
  actions: decide((): Decided => ({ context: { ending: timedOut } })),
};

/** The session is open: what the peer said meanwhile is read, and the timer stops. */
export const opens = decide((session: TlsSession): Decided => {
  if (session.ending !== undefined) return {};
  const { context, actions = [] } = drain({ ...session, isOpen: true, transcript: new Uint8Array() });
  const secured = { type: "secured", ...session.facts! } as const;
  return { context: context!, actions: [{ type: "stopTimer", timer: "handshake" }, secured, ...actions] };
});

/** Transitions of the open session. */
export const whileOpen = {
  received: {
    actions: decide(
      (session: TlsSession, { bytes }: { readonly bytes: Uint8Array }): Decided =>
        drain(advance({ ...session, inbound: received(session.inbound, bytes) })),
    ),
  },
  sendData: { actions: decide(sendData) },
};

function holdBytes(session: TlsSession, { bytes }: { readonly bytes: Uint8Array }): Decided {
  const next = { ...session, inbound: received(session.inbound, bytes) };
  if (session.unit === undefined) return { context: advance(next) };
  const isTooMuch = heldSize(next.inbound.raw) > WAITING_BYTES_MAX;
  return { context: isTooMuch ? refuse("unexpectedMessage", "too much before its turn") : next };
}

/** Takes unit after unit, for as long as they bring data. */
function drain(session: TlsSession): Decided {
  const actions: Array<TlsAction> = [];
  let now = session;
  while (now.ending === undefined && now.unit !== undefined) {
    if (now.unit.type === "applicationData") {
      if (now.unit.bytes.length > 0) actions.push({ type: "data", bytes: now.unit.bytes });
      now = done(now);
    } else if (asksToRenegotiate(now)) {
      const { bytes, write } = writeRecords(now.write!, "alert", encode(TlsAlert, noRenegotiation));
      actions.push({ type: "send", bytes });
      now = passedOver({ ...now, write });
    } else now = { ...now, ...surprised(now) };
  }
  return { context: now, actions };
}

//# "Either of these would normally lead to renegotiation; when that is not appropriate, the recipient should respond
//# with this alert." (RFC 5246 §7.2.2)
const noRenegotiation = { level: "warning", description: "noRenegotiation" } as const;

const asksToRenegotiate = ({ side, unit, inbound }: TlsSession): boolean =>
  unit?.type === "handshake" &&
  unit.message.type === (side === "client" ? "helloRequest" : "clientHello") &&
  inbound.idle < IDLE_RECORDS_MAX;

/** Without the message at hand, which says nothing, and is no part of the transcript. */
const passedOver = (session: TlsSession): TlsSession => {
  const idle = session.inbound.idle + 1;
  return advance({ ...session, inbound: { ...session.inbound, idle }, unit: undefined });
};

/** A unit that no state asked for: an alert, or an error. */
function surprised(session: TlsSession): Partial<TlsSession> {
  const unit = session.unit!;
  if (unit.type === "alert") return alerted(session, unit.alert);
  const name = unit.type === "handshake" ? String(unit.message.type) : unit.type;
  //# "This message will be ignored by the client if the client is currently negotiating a session." (RFC 5246 §7.4.1.1)
  if (name === "helloRequest" && session.side === "client" && session.inbound.idle < IDLE_RECORDS_MAX)
    return passedOver(session);
  return refuse("unexpectedMessage", `unexpected ${name}`);
}

function alerted(session: TlsSession, { level, description }: TlsAlert): Partial<TlsSession> {
  if (description === "closeNotify" && session.isOpen) return { ending: closedByPeer };
  if (level === "warning" && description !== "closeNotify") return done(session);
  return { ending: { outcome: { type: "alerted", alert: description } } };
}

const closedByUs: Ending = { outcome: { type: "closed" }, alert: { level: "warning", description: "closeNotify" } };
//# "The other party MUST respond with a close_notify alert of its own and close down the connection immediately,
//# discarding any pending writes." (RFC 5246 §7.2.1)
const closedByPeer: Ending = closedByUs;
const timedOut: Ending = { outcome: { type: "timedOut" } };

function sendData(session: TlsSession, { bytes }: { readonly bytes: Uint8Array }): Decided {
  if (session.ending !== undefined || bytes.length === 0) return {};
  if (session.write!.sequence >= RECORDS_MAX) return { context: refuse("internalError", "too many records") };
  const { bytes: records, write } = writeRecords(session.write!, "applicationData", bytes);
  return { context: { write }, actions: [{ type: "send", bytes: records }] };
}

function lastOrders({ ending, write, isOpen }: TlsSession): ReadonlyArray<TlsAction> {
  const { alert, outcome } = ending!;
  const last =
    alert === undefined
      ? []
      : [{ type: "send" as const, bytes: writeRecords(write, "alert", encode(TlsAlert, alert)).bytes }];
  const timer = isOpen ? [] : [{ type: "stopTimer" as const, timer: "handshake" as const }];
  return [...last, ...(outcome.type === "timedOut" ? [] : timer), { type: "ended", outcome }];
}
