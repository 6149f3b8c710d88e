/** Standard output and error. Written synchronously: the last line is out before the process ends, whatever it leads to. */
import { writeSync } from "node:fs";

/** Why standard output could not be written whole: a full disk must not look like success. */
let unwritten: string | undefined;
export const whyUnwritten = (): string | undefined => unwritten;

export const say = (text: string): void => write(1, text);
export const complain = (text: string): void => write(2, text);

const write = (to: 1 | 2, text: string): void => {
  const bytes = Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
  for (let at = 0; at < bytes.length; )
    try {
      at += writeSync(to, bytes, at);
    } catch (error) {
      if ((error as { code?: string }).code === "EAGAIN") continue; // a full pipe: its reader is slower than we are
      if (to === 1 && (error as { code?: string }).code !== "EPIPE") unwritten = (error as Error).message;
      return; // a reader who left has what it wanted
    }
};
