/** What is wrong with a piece of SIP or SDP, and where. Errors are values here: nothing in this room throws on input. */

/** `SipTooLarge`: over a limit of ours. `SipMalformed`: not SIP or SDP, or not as strictly as it must be. */
export interface SipError {
  readonly _tag: "SipMalformed" | "SipTooLarge";
  /** The header field, line or part in which it was found. */
  readonly at: string;
  readonly why: string;
}

/** What reading gives. */
export type Parsed<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: SipError };

export const parsed = <A>(value: A): Parsed<A> => ({ ok: true, value });

export const malformed = (at: string, why: string): { readonly ok: false; readonly error: SipError } => ({
  ok: false,
  error: { _tag: "SipMalformed", at, why },
});

export const tooLarge = (at: string, why: string): { readonly ok: false; readonly error: SipError } => ({
  ok: false,
  error: { _tag: "SipTooLarge", at, why },
});
