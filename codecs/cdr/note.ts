/**
 * What a dialplan notes for us in a record's userfield, where the call enters or is sent: what no column keeps.
 *
 *   vipr:in&trunk=trunk1&called=+14085550301&calling=+49305550777
 *   vipr:out&trunk=trunk1&called=+49305550901&calling=+14085550200&answer=1795998217.5
 *
 * Other text may stand before and behind it, with a blank, a comma or a semicolon between. docs/records.md has the dialplan.
 */

export interface Note {
  readonly side: "received" | "sent";
  readonly trunk: string | undefined;
  readonly called: string | undefined;
  readonly calling: string | undefined;
  /** Unix seconds at which the far end answered, or at which we did. */
  readonly answer: string | undefined;
}

/** The last one for each side: what is noted later is nearer to the call. */
export const notesIn = (userfield: string): ReadonlyArray<Note> => {
  if (!userfield.includes("vipr:")) return [];
  return [...userfield.matchAll(/vipr:(in|out)((?:&[a-z]+=[^&\s,;"]*)*)/g)].map(([, side, rest]) => {
    const values = new Map(
      rest!
        .slice(1)
        .split("&")
        .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const),
    );
    const of = (name: string) => values.get(name) || undefined;
    return {
      side: side === "in" ? "received" : "sent",
      trunk: of("trunk"),
      called: of("called"),
      calling: of("calling"),
      answer: of("answer"),
    };
  });
};
