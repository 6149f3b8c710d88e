/** A record file as the exchange writes and renames it, whenever we look: `runtime/records/tail.ts`. */
import { ok, deepStrictEqual as same } from "node:assert";
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { FilePlace } from "../../actors/records/mod.ts";
import { beginOf, placeOf } from "../../runtime/records/fingerprint.ts";
import { openTail } from "../../runtime/records/tail.ts";
import { runs, test } from "../kit/harness.ts";

/** A follower that keeps the place behind the last whole line of a file, as the program does, and may be killed. */
const followerIn = (path: string) => {
  const places = new Map<number, FilePlace>();
  const lines: Array<string> = [];
  let now = openTail(path, () => places.values());
  let [id, offset, held, fd, name] = [0, 0, "", -1, ""];
  const keep = () => {
    places.set(id, placeOf(fd, { id, path: name, offset, line: 0, atMs: Date.now() }));
  };
  return {
    lines,
    places,
    /** Looks until there is nothing new so many times; `keeps`: whether what it reads reaches the disk. */
    look: (idle = 6, keeps = true): void => {
      for (let idles = 0, looks = 0; idles < idle; looks++) {
        ok(looks < 10_000, "it reads without end");
        const step = now.step();
        if (step.type === "idle") idles += 1;
        if (step.type === "begun") {
          const { known } = step.file;
          [fd, name, id, offset, held] = [
            step.file.fd,
            step.file.path,
            known?.id ?? places.size,
            known?.offset ?? 0,
            "",
          ];
          if (known === undefined) keep();
        }
        if (step.type === "bytes" && keeps) {
          const whole = (held + new TextDecoder("latin1").decode(step.bytes)).split("\n");
          held = whole.pop()!;
          for (const line of whole) offset += line.length + 1;
          lines.push(...whole);
          keep();
        }
      }
    },
    kill: (): void => {
      now.close();
      now = openTail(path, () => places.values());
    },
  };
};

const inFolder = (use: (path: string) => void): void => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-tail-"));
  try {
    use(join(folder, "Master.csv"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
const line = (n: number): string => `row ${n}, of some length so that files differ\n`;

type Step = { readonly type: "write"; readonly rows: number } | { readonly type: "rotate" | "look" | "kill" };
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant("write" as const), rows: fc.integer({ min: 1, max: 30 }) }) },
    fc.record({ type: fc.constantFrom("rotate" as const, "look" as const, "kill" as const) }),
  ),
  { maxLength: 25 },
) as fc.Arbitrary<ReadonlyArray<Step>>;

test("tail: whatever is renamed between two looks or while nobody looks, each line is read, once", () =>
  fc.assert(
    fc.property(steps, (script) =>
      inFolder((path) => {
        writeFileSync(path, "");
        const follower = followerIn(path);
        follower.look(1);
        let [written, files, ms] = [0, 0, Date.now() + 1_000];
        // Each write is later than the one before it, also on file systems with a coarse clock.
        const stamp = () => {
          ms += 1_000;
          utimesSync(path, ms / 1_000, ms / 1_000);
        };
        for (const step of script) {
          if (step.type === "write") {
            appendFileSync(path, Array.from({ length: step.rows }, (_, i) => line(written + i)).join(""));
            written += step.rows;
            stamp();
          }
          if (step.type === "rotate") {
            renameSync(path, `${path}.${++files}`);
            writeFileSync(path, "");
            stamp();
          }
          if (step.type === "look") follower.look(1);
          if (step.type === "kill") follower.kill();
        }
        follower.look();
        same([...follower.lines].sort(), Array.from({ length: written }, (_, i) => line(i).trimEnd()).sort());
      }),
    ),
    { numRuns: runs },
  ));

test("tail: a file that is renamed before anything of it is on disk is known again", () =>
  inFolder((path) => {
    writeFileSync(path, line(0));
    const follower = followerIn(path);
    follower.look(1, false);
    follower.kill();
    renameSync(path, `${path}.1`);
    writeFileSync(path, line(1));
    follower.look();
    same(
      follower.lines,
      [line(0), line(1)].map((text) => text.trimEnd()),
    );
  }));

test("tail: a file that was begun when it held no more than all files begin with is taken for no other", () => {
  for (const begin of ["row ", "names of columns that each file begins with\n"])
    inFolder((path) => {
      const lines = begin.endsWith("\n") ? [begin.slice(0, -1)] : [];
      const whole = (n: number) => (begin.endsWith("\n") ? begin : "") + line(n);
      const follower = followerIn(path);
      writeFileSync(path, whole(0));
      follower.look();
      renameSync(path, `${path}.1`);
      writeFileSync(path, begin);
      follower.look();
      follower.kill();
      writeFileSync(path, whole(1));
      renameSync(path, `${path}.2`);
      writeFileSync(path, whole(2));
      follower.look();
      const rows = [0, 1, 2].map((n) => line(n).slice(0, -1));
      same(
        follower.lines.filter((one) => !lines.includes(one)),
        rows,
      );
    });
});

test("tail: files that are renamed before the follower has looked at all are read, once it is known that it follows", () =>
  inFolder((path) => {
    const since = beginOf(0, path, Date.now());
    const lines = [line(0), line(1), line(2)];
    for (const [i, text] of lines.entries()) {
      writeFileSync(path, text);
      if (i < 2) renameSync(path, `${path}.${i}`);
    }
    const follower = followerIn(path);
    follower.places.set(0, since);
    follower.look();
    same(
      [...follower.lines].sort(),
      lines.map((text) => text.trimEnd()),
    );
  }));

test("tail: what lay there before it was followed, and copies of what is followed, are not read", () =>
  inFolder((path) => {
    writeFileSync(`${path}.old`, line(7));
    utimesSync(`${path}.old`, 1_000, 1_000);
    writeFileSync(path, line(0) + line(1));
    const follower = followerIn(path);
    follower.look();
    copyFileSync(path, `${path}.copy`);
    appendFileSync(path, line(2));
    follower.kill();
    follower.look();
    same(
      follower.lines,
      [line(0), line(1), line(2)].map((text) => text.trimEnd()),
    );
  }));

test("tail: a renamed file that ends in half a line is left once", () =>
  inFolder((path) => {
    writeFileSync(path, `${line(0)}half`);
    const follower = followerIn(path);
    follower.look();
    renameSync(path, `${path}.1`);
    writeFileSync(path, line(1));
    follower.look(12);
    same(
      follower.lines,
      [line(0), line(1)].map((text) => text.trimEnd()),
    );
  }));
