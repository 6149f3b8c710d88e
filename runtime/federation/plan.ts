/**
 * A simulated federation as plain data: what is in it, and what happens when. A seed draws one (draw.ts), a run plays it
 * (run.ts), and what is left of it after shrinking (shrink.ts) is kept in a file. DECISIONS.md D-276.
 *
 *   seed --> plan --> run --> verdict, trace
 */

/** A company with all its roles. Times of a plan are milliseconds from the moment at which all have published. */
export interface PlannedCompany {
  readonly name: string;
  /** Its own, each in E.164. */
  readonly numbers: ReadonlyArray<string>;
  readonly nodes: number;
  /** Its clock less the true time. */
  readonly skewMs: number;
  /** Each write takes so long. */
  readonly diskMs: number;
}

export interface PlannedCall {
  readonly atMs: number;
  readonly from: string;
  /** Undefined: the caller withholds it. */
  readonly calling?: string | undefined;
  readonly called: string;
  readonly talkMs: number;
}

interface Timed {
  readonly atMs: number;
  readonly forMs: number;
}
export type PlannedFault =
  /** The companies `apart` and all others do not reach each other: streams break, or, if silent, stand still. */
  | (Timed & { readonly type: "partition"; readonly apart: ReadonlyArray<string>; readonly isSilent: boolean })
  /** Streams to and from that company lose segments, which are sent again, and are slower by up to `delayMs`. */
  | (Timed & {
      readonly type: "badLink";
      readonly company: string;
      readonly lossPercent: number;
      readonly delayMs: number;
    })
  /** All its programs end at once, and start again after `forMs`. */
  | (Timed & { readonly type: "crash"; readonly company: string; readonly losesDisk: boolean })
  /** The same with a service manager that lets them say goodbye. */
  | (Timed & { readonly type: "restart"; readonly company: string })
  | (Timed & { readonly type: "clockStep"; readonly company: string; readonly byMs: number })
  | (Timed & { readonly type: "slowDisk"; readonly company: string; readonly byMs: number })
  | (Timed & { readonly type: "fullDisk"; readonly company: string })
  /** Its domain's certificate ends, and is renewed after `forMs`. */
  | (Timed & { readonly type: "certificateEnds"; readonly company: string })
  /** It begins anew, with nodes whose certificates end while they run; `forMs` later it has new ones. */
  | (Timed & { readonly type: "membershipEnds"; readonly company: string })
  /** The operator's next configuration document, at its node; `forMs` says nothing. */
  | (Timed & { readonly type: "newConfiguration"; readonly storesPerSecond: number })
  /** Its tickets get a new secret; the old one's are taken for `forMs` more. */
  | (Timed & { readonly type: "newSecret"; readonly company: string })
  /** Its border element is off the network. */
  | (Timed & { readonly type: "borderCut"; readonly company: string });

export const ADVERSARIES = [
  "thief",
  "relay",
  "guesser",
  "coalition",
  "forger",
  "messagesForger",
  "hog",
  "flooder",
  "liar",
  "eclipse",
  "clockLiar",
] as const;
export type AdversaryKind = (typeof ADVERSARIES)[number];

export interface PlannedAdversary {
  readonly kind: AdversaryKind;
  readonly name: string;
  readonly atMs: number;
  /** Whose numbers it wants. */
  readonly targets: ReadonlyArray<string>;
  /** How often, or with how many nodes. */
  readonly strength: number;
}

/** The companies that a fault is about; undefined: it is about all. */
export const companiesOf = (fault: PlannedFault): ReadonlyArray<string> | undefined =>
  fault.type === "newConfiguration" ? undefined : fault.type === "partition" ? fault.apart : [fault.company];

/**
 * What a test breaks on purpose, to see that a checker can fail. No flag sets it.
 *   misdialled: the telephone network leads calls for a number to the thief
 *   overheard: the guesser knows the times of each call    unheard: the network fails every call that it is given
 *   forgetful: servers' disks say that they have what they have not    hoarding: they remove nothing
 *   torn: the network is never whole again    credulous: every signature counts as right
 *   unclosed: one listener is left open    dies: what serves a stream ends by a defect
 */
export type Planted =
  | "misdialled"
  | "overheard"
  | "unheard"
  | "forgetful"
  | "hoarding"
  | "torn"
  | "credulous"
  | "unclosed"
  | "dies";

export interface Plan {
  /** Of all that the plan does not say: keys, identifiers, each delay. */
  readonly seed: number;
  readonly minutes: number;
  readonly delayMs: readonly [min: number, max: number];
  readonly lossPercent: number;
  /** Tv. */
  readonly waitMs: readonly [min: number, max: number];
  /** What a route must have proved. */
  readonly requiredBits: number;
  readonly companies: ReadonlyArray<PlannedCompany>;
  readonly adversaries: ReadonlyArray<PlannedAdversary>;
  readonly calls: ReadonlyArray<PlannedCall>;
  readonly faults: ReadonlyArray<PlannedFault>;
  readonly planted?: ReadonlyArray<Planted>;
}

export const ownerOf = ({ companies }: Plan, number: string): string | undefined =>
  companies.find(({ numbers }) => numbers.includes(number))?.name;
