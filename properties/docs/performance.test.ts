/** docs/performance.md and its pictures are what `npm run curves` has measured, and what the page says of limits is the code's. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import { ROUTES_MAX } from "../../machines/agent/route-cache.ts";
import { NUMBERS_MAX } from "../../machines/vap/mod.ts";
import { chartPicture } from "../bench/curves/chart.ts";
import { curvePictures, MEASURED, type Measured, PAGE, pageParts, withParts } from "../bench/curves/page.ts";
import { test } from "../kit/harness.ts";

const of: Measured = JSON.parse(readFileSync(MEASURED, "utf8"));

test("docs: the tables and curves of performance.md are the measured ones (VIPR_TABLES=write writes them anew)", () => {
  const page = withParts(readFileSync(PAGE, "utf8"), pageParts(of));
  const files = { [PAGE]: page, ...curvePictures(of) };
  for (const [file, text] of Object.entries(files)) {
    if (process.env.VIPR_TABLES === "write") writeFileSync(file, text);
    same(readFileSync(file, "utf8"), text, file);
  }
  for (const name of Object.keys(pageParts(of))) ok(page.includes(`<!-- curves: ${name} -->`), name);
  for (const file of Object.keys(curvePictures(of))) ok(page.includes(file.replace("docs/", "")), file);
});

test("docs: limits that performance.md names are the code's", () => {
  const page = readFileSync(PAGE, "utf8");
  const said = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
  const { quota, storesPerSecond } = viprOverlay({ name: "overlay.example", sequence: 1 });
  ok(page.includes(`may have ${said(quota)} entries in an overlay and store ${storesPerSecond} a second`));
  ok(page.includes(`and a VService, have ${said(NUMBERS_MAX)} numbers at most`));
  ok(page.includes(`keeps ${said(ROUTES_MAX)} routes`));
});

test("docs: what is measured makes sense: more of a thing never takes less, and each kind was measured more than once", () => {
  const counts: ReadonlyArray<ReadonlyArray<number>> = [
    of.publish.map(({ overlayCpuS }) => overlayCpuS),
    of.upload.map(({ serverCpuS }) => serverCpuS),
    ...[of.routes, of.values, of.agentCalls, of.borderCalls].map((rows) => rows.map(({ mb }) => mb)),
    of.hops.map(({ p99 }) => p99),
  ];
  for (const rows of counts) {
    ok(rows.length > 2);
    same(
      [...rows].sort((a, b) => a - b),
      rows,
    );
  }
});

test("docs: a chart has its curves, its words for those who do not see it, and stays within its frame", () => {
  const picture = chartPicture({
    title: "A",
    x: "how many",
    y: "MB",
    scale: "tens",
    curves: [
      {
        name: "one & two",
        points: [
          [1, 0.5],
          [1_000, 900],
        ],
      },
    ],
  });
  ok(picture.includes("one &amp; two") && picture.includes("<desc"));
  const heights = [...picture.matchAll(/cy="(-?\d+)"/g)].map(([, y]) => Number(y));
  ok(heights.length >= 3 && heights.every((y) => y >= 58 && y <= 330), heights.join(" "));
});
