/** `[trace]`: where the steps of calls and numbers are sent, as spans of OpenTelemetry. docs/operator.md#traces */
import { key, like } from "./key.ts";

export const traceKeys = {
  otlp: key(
    like(/^https?:\/\/[^\s?#]+$/, 'a URL, as "http://127.0.0.1:4318"'),
    "a collector that takes OTLP over HTTP as JSON; without it nothing is sent",
  ),
} as const;
