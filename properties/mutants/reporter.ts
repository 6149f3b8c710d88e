/** For Node's test runner: a line of JSON for each test that failed, when it has failed. */
import type { TestEvent } from "node:test/reporters";

export interface Failure {
  readonly test: string;
  readonly file: string;
  /** "testTimeoutFailure" where it took too long. */
  readonly kind: string;
  readonly message: string;
}

export default async function* failures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== "test:fail") continue;
    const { failureType = "", message, cause } = data.details.error as Error & { failureType?: string };
    const why = cause instanceof Error ? cause.message : message;
    const failure: Failure = { test: data.name, file: data.file ?? "", kind: failureType, message: why };
    yield `${JSON.stringify(failure)}\n`;
  }
}
