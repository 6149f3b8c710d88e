/** Errors of decoding, which are returned and never thrown; and `Unfit`, which only `encode` throws. */

/** `at` is a field's path: `ForwardingHeader.destinationList[0].data`. */
export type WireError =
  | { readonly _tag: "Truncated"; readonly at: string; readonly missing: number }
  | { readonly _tag: "Malformed"; readonly at: string; readonly why: string };

/** What decoding gives: the value, or the place and the reason. */
export type Decoded<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: WireError };

/** One line for a log: the field and the reason, with no more of the message than a number. */
export const wireErrorText = (error: WireError): string =>
  error._tag === "Truncated" ? `${error.at}: ${error.missing} bytes missing` : `${error.at}: ${error.why}`;

/** Thrown by `encode` for a value that its description does not allow, with the field's path: a mistake of this program. */
export class Unfit extends Error {
  readonly at: string;
  readonly why: string;
  constructor(at: string, why: string) {
    super(`${at}: ${why}`);
    this.name = "Unfit";
    this.at = at;
    this.why = why;
  }
}
