/**
 * The page's files as they stand in web/, and the two libraries that they import, as the package manager laid them. Read once,
 * at the first request: a program whose page nobody opens holds none of it.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { PageAsset } from "../../actors/admin/mod.ts";

/** From the sources, from dist/runtime/page, and from dist/command, where modules are joined. */
const FOLDERS = ["./web/", "../../../runtime/page/web/", "../../runtime/page/web/"];
const LIBRARIES: Readonly<Record<string, string>> = { "preact.mjs": "preact", "htm.mjs": "htm" };
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};
const NAME = /^[a-z][a-z-]*\.(html|css|js|mjs|svg)$/;

export const pageAssets = (): ((name: string) => PageAsset | undefined) => {
  const read = new Map<string, PageAsset | undefined>();
  return (name) => {
    const ending = NAME.exec(name)?.[1];
    if (ending === undefined) return undefined;
    if (!read.has(name)) read.set(name, assetOf(name, TYPES[ending]!));
    return read.get(name);
  };
};

const assetOf = (name: string, contentType: string): PageAsset | undefined => {
  const library = Object.hasOwn(LIBRARIES, name) ? LIBRARIES[name] : undefined;
  const url = library === undefined ? fileOf(name) : import.meta.resolve(library);
  return url === undefined ? undefined : { contentType, text: readFileSync(fileURLToPath(url), "utf8") };
};

const fileOf = (name: string): string | undefined =>
  FOLDERS.map((folder) => new URL(`${folder}${name}`, import.meta.url).href).find((url) =>
    existsSync(fileURLToPath(url)),
  );
