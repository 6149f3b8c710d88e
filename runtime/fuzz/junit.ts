/** What a fuzzing run has shown as JUnit's XML, which continuous integration shows: a case for each law. */

export interface FuzzCase {
  readonly name: string;
  readonly runs: number;
  readonly seconds: number;
  /** What is wrong, with the counter-example; absent: it held. */
  readonly failure?: string;
}

export const junitOf = (suite: string, cases: ReadonlyArray<FuzzCase>): string => {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0);
  const counts = `name="${escaped(suite)}" tests="${cases.length}" failures="${failures}" errors="0"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite ${counts} skipped="0" time="${seconds.toFixed(3)}">
${cases.map((one) => caseOf(suite, one)).join("\n")}
  </testsuite>
</testsuites>
`;
};

const caseOf = (suite: string, { name, runs, seconds, failure }: FuzzCase): string => {
  const head = `    <testcase classname="${escaped(suite)}" name="${escaped(name)}" time="${seconds.toFixed(3)}"`;
  if (failure === undefined) return `${head}><system-out>${runs} runs</system-out></testcase>`;
  const message = escaped(failure.split("\n")[0] ?? "");
  return `${head}>\n      <failure type="counter-example" message="${message}">${escaped(failure)}</failure>\n    </testcase>`;
};

/** What XML 1.0 allows of a text: a counter-example may have any character in it. */
const FORBIDDEN = /[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const NAMES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escaped = (text: string): string =>
  text.replace(FORBIDDEN, (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`).replace(/[&<>"]/g, (one) => NAMES[one]!);
