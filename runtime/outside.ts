/** Work that takes real time whatever the clock says (threads of the platform's cryptography): virtual time waits for it. */
import { Effect } from "effect";

let under = 0;

/** How many such works are under way in this process. */
export const worksOutside = (): number => under;

/** A rejection is a defect here: callers that expect one catch it within. */
export const outside = <A>(work: () => Promise<A>): Effect.Effect<A> =>
  Effect.promise(async () => {
    under += 1;
    try {
      return await work();
    } finally {
      under -= 1;
    }
  });
