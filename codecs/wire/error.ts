/** What can be wrong with bytes, and where: a value, never thrown. */

/** `at` is a field's path: `ForwardingHeader.destinationList[0].data`. */
export type WireError =
  | { readonly _tag: "Truncated"; readonly at: string; readonly missing: number }
  | { readonly _tag: "Malformed"; readonly at: string; readonly why: string };

export type Decoded<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: WireError };

/** One line for a log. Holds no byte of the message but a number or two. */
export const wireErrorText = (error: WireError): string =>
  error._tag === "Truncated" ? `${error.at}: ${error.missing} bytes missing` : `${error.at}: ${error.why}`;

/** Thrown by `encode` for a value that its description cannot say: our own fault, with the field's path. */
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
