/**
 * What the client's and the server's machine have in common: incoming data read one unit at a time, the open session, the
 * end. A unit is a handshake message, a ChangeCipherSpec, an alert, or application data.
 *
 *   received --> inbound --> unit --(the state that waits for it)--> next state
 *                             +--(any other state)--> ending --> ended     send alert, stopTimer, ended
 *
 * The unit that is to be acted upon next stands in the context, and states have eventless transitions for it: bytes that
 * arrive while a power is computed stay in `inbound` until their state is reached. DECISIONS.md D-027.
 */
import { concat } from "../../codecs/shared/mod.ts";
import { type ContentType, TlsAlert, TlsChangeCipherSpec, TlsHandshake } from "../../codecs/tls/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { type Decision, type Of, setup } from "../kit/mod.ts";
import { bufferedSize } from "./buffered-bytes.ts";
import { IDLE_RECORDS_MAX, received, takeUnit } from "./inbound.ts";
import type { DirectionKeys } from "./prf.ts";
import { RECORDS_MAX, type WriteProtection, writeRecords } from "./record.ts";
import type { TlsServerEvent } from "./server-session.ts";
import { type Ending, newSession, refuse, type TlsAction, type TlsSession } from "./session.ts";

/** What may wait while powers are computed; an honest peer's flight has some 400 bytes. */
const WAITING_BYTES_MAX = 65_536;

const { assign, decide, handlers } = setup<{
  input: unknown;
  context: TlsSession;
  event: TlsServerEvent;
  order: TlsAction;
}>();
type Decided<K extends TlsAction["type"]> = Decision<TlsSession, Of<TlsAction, K>>;

type MessageType = TlsHandshake["type"];
type Message<K extends MessageType> = Extract<TlsHandshake, { readonly type: K }>;
const isOfType = <K extends MessageType>(message: TlsHandshake, type: K): message is Message<K> =>
  message.type === type;

/** The unit to act upon is this handshake message, and the session is not about to end. */
export const isMessage = ({ ending, unit }: TlsSession, type: MessageType): boolean =>
  ending === undefined && unit?.type === "handshake" && unit.message.type === type;

export const isFinished = (session: TlsSession): boolean => isMessage(session, "finished");

export const isChangeCipherSpec = ({ ending, unit }: TlsSession): boolean =>
  ending === undefined && unit?.type === "changeCipherSpec";

/** The power is one that we asked for. */
export const isRequestedPower = ({ asked }: TlsSession, { id }: Of<TlsServerEvent, "powered">): boolean =>
  asked.includes(id);

export const isHandshaking = ({ isOpen }: TlsSession): boolean => !isOpen;
export const hasEnding = ({ ending }: TlsSession): boolean => ending !== undefined;
const hasUnit = ({ ending, unit }: TlsSession): boolean => ending === undefined && unit !== undefined;

/** The handshake message that `isMessage` found. */
export const messageOf = <K extends MessageType>({ unit }: TlsSession, type: K): Message<K> => {
  if (unit?.type !== "handshake" || !isOfType(unit.message, type)) throw new Error(`the unit is no ${type}`);
  return unit.message;
};

/** The session with the next unit in `unit`, if it has arrived completely. */
const withNextUnit = <S extends TlsSession>(session: S): S => {
  const { inbound, unit, refusal } = takeUnit(session.inbound);
  const ending = refusal === undefined ? session.ending : refuse(refusal.alert, refusal.why).ending;
  return { ...session, inbound, unit, ending };
};

/** The session after its unit has been acted upon. A handshake message joins the transcript. */
export const afterUnit = <S extends TlsSession>(session: S): S => {
  const { unit, transcript } = session;
  const extended = unit?.type === "handshake" ? concat(transcript, unit.bytes) : transcript;
  return withNextUnit({ ...session, transcript: extended, unit: undefined });
};

/** As `afterUnit` for a ChangeCipherSpec: what follows is protected by these keys. */
export const readingWith = <S extends TlsSession>(session: S, keys: DirectionKeys): S => {
  const { encryptThenMac } = session.facts!;
  return afterUnit({ ...session, inbound: { ...session.inbound, read: { ...keys, encryptThenMac, sequence: 0 } } });
};

/** Protection of what we send after our ChangeCipherSpec. */
export const writingWith = ({ randomness, facts }: TlsSession, keys: DirectionKeys): WriteProtection => ({
  ...keys,
  ivKey: randomness.ivKey,
  encryptThenMac: facts!.encryptThenMac,
  sequence: 0,
});

/** A handshake message of ours, as it is sent in a record and as it joins the transcript. */
export const handshakeBytes = (message: TlsHandshake): Uint8Array => encode(TlsHandshake, message);

/** Records without protection. */
export const inClear = (type: ContentType, bytes: Uint8Array): Uint8Array => writeRecords(undefined, type, bytes).bytes;

export const changeCipherSpec = inClear("changeCipherSpec", encode(TlsChangeCipherSpec, {}));

/** Eventless transition of a state that waits for one unit: another one arrived. */
export const onOtherUnit = { guard: hasUnit, actions: assign(afterUnexpected) };

/**
 * The last orders. What the session alone knows is dropped here; the machine drops what it added to the context before.
 */
export const endSession = decide(["send", "stopTimer", "ended"], (session) => {
  const { side, randomness, ending, isOpen, facts } = session;
  const empty = new Uint8Array();
  const bare = newSession(side, { ...randomness, secret: empty, ivKey: empty });
  return { context: { ...bare, ending, isOpen, facts }, actions: lastOrders(session) };
});

/** Handlers of the machine itself; the open session has one of its own for `received`. */
export const inAnyState = handlers({
  received: { actions: assign(withReceived) },
  close: { actions: assign(() => ({ ending: closed })) },
  lost: { actions: assign((_, { why }) => ({ ending: { outcome: { type: "lost", why } } })) },
});

/** The timer runs during the handshake only; one that fires later was already in the mailbox, and is ignored. */
export const handshakeTimeout = {
  guard: isHandshaking,
  actions: assign((): Pick<TlsSession, "ending"> => ({ ending: { outcome: { type: "timedOut" } } })),
};

/** Entry of the open session: data that arrived behind the peer's Finished is read now. */
export const openSession = decide(["stopTimer", "secured", "data", "send"], (session): Decided<OpenOrder> => {
  if (session.ending !== undefined) return {};
  const { context, actions = [] } = readUnits({ ...session, isOpen: true, transcript: new Uint8Array() });
  return {
    context,
    actions: [{ type: "stopTimer", timer: "handshake" }, { type: "secured", ...session.facts! }, ...actions],
  };
});
type OpenOrder = "stopTimer" | "secured" | "data" | "send";

/** Handlers of the open session. */
export const whileOpen = handlers({
  received: {
    actions: decide(["data", "send"], (session, { bytes }) =>
      readUnits(withNextUnit({ ...session, inbound: received(session.inbound, bytes) })),
    ),
  },
  sendData: { actions: decide(["send"], sendData) },
});

function withReceived(session: TlsSession, { bytes }: Of<TlsServerEvent, "received">): Partial<TlsSession> {
  const next = { ...session, inbound: received(session.inbound, bytes) };
  if (session.unit === undefined) return withNextUnit(next);
  const isTooMuch = bufferedSize(next.inbound.raw) > WAITING_BYTES_MAX;
  return isTooMuch ? refuse("unexpectedMessage", "too much before its turn") : next;
}

/** Acts upon unit after unit of an open session, until no whole one is left. */
function readUnits(session: TlsSession): Decided<"data" | "send"> {
  const actions: Array<Of<TlsAction, "data" | "send">> = [];
  let now = session;
  while (now.ending === undefined && now.unit !== undefined) {
    if (now.unit.type === "applicationData") {
      if (now.unit.bytes.length > 0) actions.push({ type: "data", bytes: now.unit.bytes });
      now = afterUnit(now);
    } else if (asksToRenegotiate(now)) {
      const { bytes, write } = writeRecords(now.write!, "alert", encode(TlsAlert, noRenegotiation));
      actions.push({ type: "send", bytes });
      now = withoutUnit({ ...now, write });
    } else now = { ...now, ...afterUnexpected(now) };
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

/** Ignores a handshake message: it does not join the transcript, and counts as a record without data. */
const withoutUnit = (session: TlsSession): TlsSession => {
  const idle = session.inbound.idle + 1;
  return withNextUnit({ ...session, inbound: { ...session.inbound, idle }, unit: undefined });
};

/** The state waits for another unit, or the session is open: an alert, or a fault of the peer's. */
function afterUnexpected(session: TlsSession): Partial<TlsSession> {
  const unit = session.unit!;
  if (unit.type === "alert") return afterAlert(session, unit.alert);
  const name = unit.type === "handshake" ? String(unit.message.type) : unit.type;
  //# "This message will be ignored by the client if the client is currently negotiating a session." (RFC 5246 §7.4.1.1)
  if (name === "helloRequest" && session.side === "client" && session.inbound.idle < IDLE_RECORDS_MAX)
    return withoutUnit(session);
  return refuse("unexpectedMessage", `unexpected ${name}`);
}

//# "The other party MUST respond with a close_notify alert of its own and close down the connection immediately,
//# discarding any pending writes." (RFC 5246 §7.2.1)
function afterAlert(session: TlsSession, { level, description }: TlsAlert): Partial<TlsSession> {
  if (description === "closeNotify" && session.isOpen) return { ending: closed };
  if (level === "warning" && description !== "closeNotify") return afterUnit(session);
  return { ending: { outcome: { type: "alerted", alert: description } } };
}

/** The same whichever side closes first. */
const closed: Ending = { outcome: { type: "closed" }, alert: { level: "warning", description: "closeNotify" } };

function sendData(session: TlsSession, { bytes }: Of<TlsServerEvent, "sendData">): Decided<"send"> {
  if (session.ending !== undefined || bytes.length === 0) return {};
  if (session.write!.sequence >= RECORDS_MAX) return { context: refuse("internalError", "too many records") };
  const { bytes: records, write } = writeRecords(session.write!, "applicationData", bytes);
  return { context: { write }, actions: [{ type: "send", bytes: records }] };
}

function lastOrders({
  ending,
  write,
  isOpen,
}: TlsSession): ReadonlyArray<Of<TlsAction, "send" | "stopTimer" | "ended">> {
  const { alert, outcome } = ending!;
  const orders: Array<Of<TlsAction, "send" | "stopTimer" | "ended">> = [];
  if (alert !== undefined)
    orders.push({ type: "send", bytes: writeRecords(write, "alert", encode(TlsAlert, alert)).bytes });
  if (!isOpen && outcome.type !== "timedOut") orders.push({ type: "stopTimer", timer: "handshake" });
  return [...orders, { type: "ended", outcome }];
}
