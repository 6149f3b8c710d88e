/**
 * Pictures of the pages, as text: a card with its own ground, so that it is legible on a light page and on a dark one, whichever of
 * the two the reader's system asks for. Sizes are pixels; text is set in the reader's own sans serif.
 */

const LIGHT = { ground: "#ffffff", ink: "#16202c", quiet: "#51606f", line: "#c3ccd6", fill: "#eef2f7" };
const DARK: typeof LIGHT = { ground: "#18202a", ink: "#e8edf3", quiet: "#a3b1c0", line: "#3d4b5b", fill: "#232e3b" };
/** Of curves and ways, by number; told apart by brightness as well. */
const HUES_LIGHT = ["#1f5fcc", "#b3261e", "#0b7449", "#8a5a00", "#6b3fa0"];
const HUES_DARK = ["#7fb0ff", "#ff9b93", "#5fd6a2", "#e8b84a", "#c9a6ff"];

const rules = (of: typeof LIGHT, hues: ReadonlyArray<string>): string =>
  [
    `.ground{fill:${of.ground}}.box{fill:${of.fill};stroke:${of.line}}.rule{stroke:${of.line};fill:none}`,
    `text{fill:${of.ink}}.quiet{fill:${of.quiet}}.wire{stroke:${of.quiet};fill:none}.head{fill:${of.quiet}}`,
    ...hues.map(
      (hue, i) =>
        `.way${i}{stroke:${hue};fill:none}text.way${i}{stroke:none}.way${i},text.way${i},.dot${i}{--c:${hue}}text.way${i},.dot${i}{fill:${hue}}`,
    ),
  ].join("");

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

export interface Text {
  readonly size?: number;
  readonly anchor?: "start" | "middle" | "end";
  readonly className?: string;
  readonly isBold?: boolean;
}

export const text = (
  x: number,
  y: number,
  words: string,
  { size = 14, anchor = "start", className, isBold }: Text = {},
): string =>
  `<text x="${x}" y="${y}" font-size="${size}"${anchor === "start" ? "" : ` text-anchor="${anchor}"`}${className === undefined ? "" : ` class="${className}"`}${isBold === true ? ' font-weight="600"' : ""}>${escaped(words)}</text>`;

export const box = (x: number, y: number, width: number, height: number, className = "box"): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" class="${className}"/>`;

export const path = (d: string, className: string, more = ""): string => `<path d="${d}" class="${className}"${more}/>`;

/** The picture, with what it shows in words for those who do not see it. */
export const picture = (
  width: number,
  height: number,
  title: string,
  description: string,
  parts: ReadonlyArray<string>,
): string =>
  `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="t d" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    `<title id="t">${escaped(title)}</title><desc id="d">${escaped(description)}</desc>`,
    `<style>${rules(LIGHT, HUES_LIGHT)}@media (prefers-color-scheme:dark){${rules(DARK, HUES_DARK)}}</style>`,
    `<rect width="${width}" height="${height}" rx="10" class="ground"/>`,
    ...parts,
    "</svg>",
  ].join("\n")}\n`;
