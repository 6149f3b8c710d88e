/** What a PVP server counts of the streams that originators open to it. */
export interface PvpCounters {
  streams: number;
  validated: number;
  declined: number;
  /** Wrong passwords for calls that exist. */
  failed: number;
  /** Wrong passwords where no call was to be proved. */
  simulated: number;
  /** User names for another server's node: closed at once, and not counted as failures. */
  foreign: number;
  lost: number;
  malformed: number;
  /** Validations of peers that failed often: delayed, and refused. */
  slowed: number;
  barred: number;
  /** Streams closed at once, since the address had too many. */
  crowded: number;
}
