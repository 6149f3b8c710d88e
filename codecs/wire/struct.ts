/**
 * A struct: fields one after the other. What its value is, by the compiler, and which structs cannot be read at all.
 *
 *   fields --> without lengths and constants, optional ones with `?` --+-- one shape for each arm of its selects --> value
 */
import { type Derived, must, type Optional, type Select, type TypeOf, type Wire } from "./describe.ts";

/** The fields of a struct by name, in their order on the wire. */
export type Fields = Record<string, Wire<any>>;
/** A struct's description keeps its fields, so that another may be made of them: `{ ...Header.fields, body: rest }`. */
export interface Struct<F extends Fields> extends Wire<StructOf<F>> {
  readonly fields: F;
}
/** Fields one after the other, with the section that draws them. */
export const struct = <const F extends Fields>(name: string, spec: string, fields: F): Struct<F> => {
  const entries = Object.entries(fields);
  checkStruct(name, entries);
  return {
    node: { kind: "struct", name, spec, fields: entries.map(([field, { node }]) => ({ name: field, node })) },
    fields,
  };
};

type KeysOf<F, W> = { [K in keyof F]: F[K] extends W ? K : never }[keyof F];
type SelectKeys<F> = KeysOf<F, Select<any, any, any>>;
type OnKeys<F> = { [K in SelectKeys<F>]: F[K] extends Select<infer On, any, any> ? On : never }[SelectKeys<F>];
type OptionalKeys<F> = KeysOf<F, Optional<any>>;
type PlainKeys<F> = Exclude<keyof F, KeysOf<F, Derived> | SelectKeys<F> | OnKeys<F> | OptionalKeys<F>>;
type Plain<F> = { readonly [K in PlainKeys<F>]: TypeOf<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: TypeOf<F[K]> | undefined;
};
type Choice<F, S extends keyof F> =
  F[S] extends Select<infer On, infer C, infer O>
    ?
        | { [K in keyof C & string]: { readonly [P in On]: K } & { readonly [P in S]: TypeOf<C[K]> } }[keyof C & string]
        | (O extends Wire<infer B>
            ? { readonly [P in On]: Exclude<On extends keyof F ? TypeOf<F[On]> : never, keyof C> } & {
                readonly [P in S]: B;
              }
            : never)
    : never;
type Choices<F> = [SelectKeys<F>] extends [never]
  ? {}
  : { [S in SelectKeys<F>]: (choice: Choice<F, S>) => void }[SelectKeys<F>] extends (choice: infer I) => void
    ? I
    : never;
type Show<X> = X extends unknown ? { [K in keyof X]: X[K] } : never;
/** The value of a struct: its fields without the derived ones, one shape for each arm of its selects. */
export type StructOf<F extends Fields> = Show<Plain<F> & Choices<F>>;

const checkStruct = (name: string, entries: ReadonlyArray<readonly [string, Wire<any>]>): void => {
  const names = entries.map(([field]) => field);
  entries.forEach(([field, { node }], i) => {
    must(field !== "__proto__", `a field ${field}`);
    if (node.kind === "select") {
      const on = node.on.split(".")[0]!;
      const seen = names.slice(0, i).includes(on) && !("derived" in entries[names.indexOf(on)]![1]);
      must(seen, `${name}.${field}: it chooses by ${on}, which does not stand before it`);
    }
    if (node.kind === "lengthOf" && Array.isArray(node.of)) {
      const first = names.indexOf(node.of[0] ?? "");
      const consecutive = node.of.every((of, k) => names[first + k] === of);
      must(
        first > i && consecutive,
        `${name}.${field}: it measures ${node.of}, which do not follow it one after the other`,
      );
    }
    if (node.kind === "optional")
      for (const [later, { node }] of entries.slice(i + 1))
        must(node.kind === "optional", `${name}.${later} after an optional`);
  });
};
