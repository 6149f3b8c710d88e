/** The documents of the project that are XML: whatever the bytes, a value or an error; what is written of a value reads the same. */
import { deepStrictEqual as same } from "node:assert";
import { readDocument, readKindBlock, readOverlay, writeOverlay } from "../../../codecs/overlay/mod.ts";
import { readAnswer, readRequest } from "../../../codecs/validation/mod.ts";
import { readValInfo, readVService, writeValInfo, writeVService } from "../../../codecs/vap/mod.ts";

type Read<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: unknown };

const readsBack = <A>(
  read: (bytes: Uint8Array) => Read<A>,
  write: (value: A) => Uint8Array,
  bytes: Uint8Array,
): void => {
  const first = read(bytes);
  if (first.ok) same(read(write(first.value)), first);
};

export const readAnyXml = (bytes: Uint8Array): void => {
  readsBack(readVService, writeVService, bytes);
  readsBack(readValInfo, writeValInfo, bytes);
  readRequest(bytes);
  readAnswer(bytes);
  const text = new TextDecoder().decode(bytes);
  readDocument(text);
  readKindBlock(text);
  const overlay = readOverlay(text);
  if (overlay.ok) same(readOverlay(writeOverlay(overlay.value)).ok, true);
};
