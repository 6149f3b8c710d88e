/**
 * Branches and tags of one run: its mark, which nobody can guess, and a number. RFC 3261 §8.1.1.7 and §19.3.
 * Requirements: RFC 3261 §16.6.
 */
import { branchOf, MAGIC_BRANCH, type SipRequest } from "../../codecs/sip/mod.ts";

const TAG_CHARS = 24;

export class Ids {
  readonly mark: string;
  private count = 0;
  constructor(mark: string) {
    this.mark = mark;
  }
  branch(): string {
    return `${MAGIC_BRANCH}${this.mark}${(this.count++).toString(36)}`;
  }
  tag(): string {
    return `${this.mark}${(this.count++).toString(36)}`;
  }
  /** The same for a request that comes again. RFC 3261 §8.2.7. */
  tagOfRefusal(request: SipRequest): string {
    return `${this.mark}${(branchOf(request) ?? "").replace(/[^A-Za-z0-9]/g, "").slice(-TAG_CHARS)}`;
  }
}
