/** One call on its way to the telephone network, or there: its machine, and its dialog with the network. RFC 3261 §12. */
import type { Challenge, Dialog, Sdp, SipRequest } from "../../codecs/sip/mod.ts";
import type { Machine, Snapshot } from "../kit/mod.ts";
import type { ClientTransaction, ServerTransaction, Timed, Timer } from "../proxy/mod.ts";
import type { KnownCall } from "./known.ts";

export class FallbackLeg implements Timed {
  timers: Timer<any> | undefined = undefined;
  readonly call: KnownCall;
  /** As the relay names the call. */
  readonly media: string;
  readonly machine: Machine<any, any, any>;
  snapshot: Snapshot<any>;
  /** Of the dialog with the telephone network: its Call-ID, once there is one. */
  callId = "";
  /** Our tag, and the other's once it has answered. */
  readonly tag: string;
  remoteTag = "";
  dialog: Dialog | undefined = undefined;
  /** The transaction of the INVITE that opened it: ours, or the network's. */
  client: ClientTransaction<FallbackLeg> | undefined = undefined;
  server: ServerTransaction<FallbackLeg> | undefined = undefined;
  /** That opened the dialog: ours, or the network's. */
  invite: SipRequest | undefined = undefined;
  /** The network's description, to be settled; and ours. */
  theirs: Sdp | undefined = undefined;
  ours: Sdp | undefined = undefined;
  /** The number of our newest INVITE. */
  cseq = 0;
  /** What the network has asked for last to know who we are; how often it has, and how often that one was answered. */
  challenge: Challenge | undefined = undefined;
  challenges = 0;
  answered = 0;
  /** Sent again for each 2xx. */
  ack: Uint8Array | undefined = undefined;

  constructor(call: KnownCall, media: string, machine: Machine<any, any, any>, snapshot: Snapshot<any>, tag: string) {
    this.call = call;
    this.media = media;
    this.machine = machine;
    this.tag = tag;
    this.snapshot = snapshot;
  }
}
