/**
 * A key of `vipr.toml`: what it takes, what it means, and what holds without it. From these descriptions are made the check
 * of a file, the types of what was read, and the table of docs/configuration.md. DECISIONS.md D-088.
 */
import { Effect, Schema, SchemaIssue, SchemaTransformation } from "effect";

/** What a value may be: Effect's schema of it, and the same in words. */
export interface Kind<A> {
  readonly schema: Schema.Codec<A, any>;
  /** "wants ..." */
  readonly want: string;
  /** Written without quotes behind `--set KEY=`. */
  readonly isText: boolean;
  /** Of a list or a table: each of its values. */
  readonly each?: { readonly kind: Kind<any>; readonly isList: boolean };
}

export interface Key<A> {
  readonly kind: Kind<any>;
  readonly about: string;
  readonly initial: A;
}

export type Keys = Readonly<Record<string, Key<any>>>;

/** Where the file lacks it, programs see `initial`, or undefined where there is none. */
export function key<A>(kind: Kind<A>, about: string): Key<A | undefined>;
export function key<A>(kind: Kind<A>, about: string, initial: A): Key<A>;
export function key<A>(kind: Kind<A>, about: string, initial?: A): Key<A | undefined> {
  return { kind, about, initial };
}

type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
/** `digits-to-number` of the file is `digitsToNumber` of the program. */
export type TableOf<K extends Keys> = {
  readonly [N in keyof K & string as Camel<N>]: K[N] extends Key<infer A> ? A : never;
};

export const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const TEXT_CHARS_MAX = 4_096;
export const ENTRIES_MAX = 100_000;

/** A text that is kept as it is. */
export const textThat = (isRight: (text: string) => boolean, want: string): Kind<string> => ({
  schema: Schema.String.check(Schema.makeFilter((text: string) => text.length <= TEXT_CHARS_MAX && isRight(text))),
  want,
  isText: true,
});

export const text = (want: string): Kind<string> => textThat((value) => value !== "", want);
export const like = (form: RegExp, want: string): Kind<string> => textThat((value) => form.test(value), want);

export const whole = (min: number, max: number): Kind<number> => ({
  schema: Schema.Int.check(Schema.isBetween({ minimum: min, maximum: max })),
  want: `a whole number from ${min} to ${max}`,
  isText: false,
});

export const flag: Kind<boolean> = { schema: Schema.Boolean, want: "true or false", isText: false };

export const oneOf = <const T extends string>(...among: ReadonlyArray<T>): Kind<T> => ({
  schema: Schema.Literals(among) as unknown as Schema.Codec<T>,
  want: `${among.length > 1 ? "one of " : ""}${among.map((one) => `"${one}"`).join(", ")}`,
  isText: true,
});

export const numberOf = <const N extends number>(...among: ReadonlyArray<N>): Kind<N> => ({
  schema: Schema.Literals(among) as unknown as Schema.Codec<N>,
  want: `one of ${among.join(", ")}`,
  isText: false,
});

export const list = <A>(of: Kind<A>, want: string): Kind<ReadonlyArray<A>> => ({
  schema: Schema.Array(of.schema).check(Schema.isMaxLength(ENTRIES_MAX)) as Schema.Codec<ReadonlyArray<A>, any>,
  want,
  isText: false,
  each: { kind: of, isList: true },
});

export const map = <A>(of: Kind<A>, want: string): Kind<Readonly<Record<string, A>>> => ({
  schema: Schema.Record(Schema.String, of.schema).check(Schema.isMaxProperties(ENTRIES_MAX)) as Schema.Codec<
    Readonly<Record<string, A>>,
    any
  >,
  want,
  isText: false,
  each: { kind: of, isList: false },
});

/** A text that is read into something else; undefined when it is none. */
export const readAs = <A>(read: (text: string) => A | undefined, want: string): Kind<A> => ({
  schema: Schema.String.pipe(
    Schema.decodeTo(
      Schema.Any,
      SchemaTransformation.transformEffect({
        decode: (value: string) => {
          const found = value.length > TEXT_CHARS_MAX ? undefined : read(value);
          return found === undefined
            ? Effect.fail(new SchemaIssue.InvalidValue(undefined, value))
            : Effect.succeed(found);
        },
        encode: (value: unknown) => Effect.succeed(String(value)),
      }),
    ),
  ) as unknown as Schema.Codec<A, any>,
  want,
  isText: true,
});
