/** A chart of curves over counts by powers of ten, as a picture of properties/kit/svg.ts. */
import { box, path, picture, text } from "../../kit/svg.ts";

export interface Curve {
  readonly name: string;
  readonly points: ReadonlyArray<readonly [x: number, y: number]>;
}
export interface Chart {
  readonly title: string;
  /** What the axes count. */
  readonly x: string;
  readonly y: string;
  /** By powers of ten, or evenly from 0. */
  readonly scale: "tens" | "even";
  readonly curves: ReadonlyArray<Curve>;
}

const WIDTH = 520;
const PLOT = { left: 62, right: 500, top: 64, bottom: 268 } as const;
const LEGEND_LINE = 20;

/** 10, 1 000, 0.1: as an axis says it. */
export const said = (value: number): string =>
  value >= 1 ? String(value).replace(/\B(?=(\d{3})+$)/g, " ") : String(Number(value.toPrecision(1)));

const decades = (values: ReadonlyArray<number>): readonly [from: number, to: number] => [
  Math.floor(Math.log10(Math.min(...values)) + 1e-9),
  Math.ceil(Math.log10(Math.max(...values)) - 1e-9),
];
const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Where the axis has a line, and where a value lies on it, from 0 to 1. */
const axisOf = (values: ReadonlyArray<number>, scale: Chart["scale"]) => {
  if (scale === "tens") {
    const [from, to] = decades(values);
    return {
      ticks: range(from, to).map((power) => 10 ** power),
      at: (value: number) => (Math.log10(value) - from) / Math.max(1, to - from),
    };
  }
  const step = [1, 2, 5, 10, 20, 50, 100].find((one) => Math.max(...values) / one <= 6) ?? 200;
  const most = step * Math.ceil(Math.max(...values) / step);
  return { ticks: range(0, most / step).map((i) => i * step), at: (value: number) => value / most };
};

export const chartPicture = ({ title, x, y, scale, curves }: Chart): string => {
  const [xs, ys] = [0, 1].map((side) => curves.flatMap(({ points }) => points.map((point) => point[side as 0 | 1])));
  const [across, up] = [axisOf(xs!, "tens"), axisOf(ys!, scale)];
  const left = (value: number) => Math.round(PLOT.left + across.at(value) * (PLOT.right - PLOT.left));
  const top = (value: number) => Math.round(PLOT.bottom - up.at(value) * (PLOT.bottom - PLOT.top));
  const height = PLOT.bottom + 58 + LEGEND_LINE * curves.length;
  const parts = [
    text(16, 28, title, { size: 17, isBold: true }),
    text(16, 48, y, { size: 13, className: "quiet" }),
    box(PLOT.left, PLOT.top, PLOT.right - PLOT.left, PLOT.bottom - PLOT.top, "rule"),
    ...across.ticks.flatMap((tick) => [
      path(`M${left(tick)} ${PLOT.top}V${PLOT.bottom}`, "rule"),
      text(left(tick), PLOT.bottom + 18, said(tick), {
        size: 12,
        anchor: left(tick) > PLOT.right - 20 ? "end" : "middle",
      }),
    ]),
    ...up.ticks.flatMap((tick) => [
      path(`M${PLOT.left} ${top(tick)}H${PLOT.right}`, "rule"),
      text(PLOT.left - 6, top(tick) + 4, said(tick), { size: 12, anchor: "end" }),
    ]),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 38, x, { size: 13, anchor: "middle", className: "quiet" }),
    ...curves.flatMap(({ name, points }, i) => [
      path(`M${points.map(([px, py]) => `${left(px)} ${top(py)}`).join("L")}`, `way${i}`, ' stroke-width="2.5"'),
      ...points.map(([px, py]) => `<circle cx="${left(px)}" cy="${top(py)}" r="4" class="dot${i}"/>`),
      `<circle cx="24" cy="${PLOT.bottom + 56 + LEGEND_LINE * i}" r="5" class="dot${i}"/>`,
      text(36, PLOT.bottom + 61 + LEGEND_LINE * i, name, { size: 14 }),
    ]),
  ];
  const words = curves.map(
    ({ name, points }) => `${name}: ${points.map(([px, py]) => `${said(px)} gives ${py.toPrecision(2)}`).join(", ")}`,
  );
  return picture(WIDTH, height, title, `${y} over ${x}. ${words.join(". ")}.`, parts);
};
