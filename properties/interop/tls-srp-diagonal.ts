/** The matrix's diagonal on the runtime that runs this file; the results go to standard output as one line of JSON. */
import process from "node:process";
import { diagonal, rows, run, type Tried, tryRow } from "./tls-srp-matrix.ts";

const tried: Array<Tried> = [];
for (const row of rows) tried.push(await run(tryRow(row, diagonal)));
console.log(JSON.stringify(tried));
process.exit(0);
