/** Tokens: what one core has sealed another with the same key opens, in whatever letters, beside its own Call-ID only. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { TOKEN_KEY_BYTES, tokenKey } from "../../machines/border/mod.ts";
import { Tokens } from "../../machines/border/tokens.ts";
import { keptSeal } from "../../machines/ticket/mod.ts";
import { runs, test } from "../kit/harness.ts";

const key = tokenKey(7, new Uint8Array(TOKEN_KEY_BYTES).fill(7), keptSeal);
/** Letters of all alphabets; a line's end and 0 stand in no header field. */
const text = fc.string({ unit: "grapheme", maxLength: 40 }).map((given) => given.replace(/[\r\n\0]/g, " "));

test("tokens: any call, contact and way comes back as it was, and with another Call-ID nothing", () =>
  fc.assert(
    fc.property(
      fc.record({ call: text, domain: text, number: text, contact: text, routes: fc.array(text, { maxLength: 3 }) }),
      text,
      text,
      (drawn, callId, other) => {
        const of = { ...drawn };
        const [ours, again] = [new Tokens([key]), new Tokens([key])];
        const [outside, inside] = [ours.outside("o", of, callId), ours.inside(of, callId)];
        for (const tokens of [ours, again]) {
          if (other !== callId) same([tokens.openOutside(outside, other), tokens.openInside(inside, other)], NOTHING);
          same(tokens.openOutside(outside, callId), of);
          same(tokens.openInside(inside, callId), { call: of.call, domain: of.domain });
          if (other !== callId) same([tokens.openOutside(outside, other), tokens.openInside(inside, other)], NOTHING);
        }
      },
    ),
    { numRuns: runs },
  ));
const NOTHING = [undefined, undefined];
