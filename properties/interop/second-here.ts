/** Both directions on the runtime that runs this file; the results go to standard output as one line of JSON. */
import process from "node:process";
import { answeringCases, proving, tryCases } from "./second-cases.ts";
import { run } from "./tls-srp-matrix.ts";

console.log(JSON.stringify([await run(tryCases(proving)), await run(tryCases(answeringCases))]));
process.exit(0);
