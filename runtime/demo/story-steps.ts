/** A step of the story that the demonstration tells. */
export const CHAPTERS = ["call", "theft"] as const;
export type Chapter = (typeof CHAPTERS)[number];

export interface StoryStep {
  readonly chapter: Chapter;
  /** Of its chapter, from 1 on. */
  readonly n: number;
  readonly name: string;
  readonly text: string;
  readonly atMs: number;
  /** The companies of the picture: who calls and who is called. */
  readonly from: string;
  readonly to: string;
}
