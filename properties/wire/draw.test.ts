/** Drawings are golden files beside this one's tables: VIPR_TABLES=write draws them anew. */
import * as assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { draw, present } from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";
import * as shapes from "./shapes.ts";

const golden = (name: string, text: string): void => {
  const folder = new URL("../vectors/drawings/", import.meta.url);
  const file = new URL(`${name}.txt`, folder);
  if (process.env.VIPR_TABLES === "write") {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, "utf8"));
};

test("a STUN-shaped header is drawn as RFC 5389 figures 2 and 3 draw it", () => golden("stun", draw(shapes.Stun)));
test("an attribute is drawn as RFC 5389 figure 4 draws it", () => golden("attribute", draw(shapes.Attribute)));
test("tagged fields and wide integers are drawn", () => golden("ticketlike", draw(shapes.Ticketlike)));
test("every shape is said in the presentation language", () => {
  for (const [name, wire] of Object.entries(shapes)) golden(`${name.toLowerCase()}.presentation`, present(wire));
});
