/** Types that differ in meaning and not in form, such as milliseconds since 1900 and since 1970: a mark that exists for the compiler only. */
declare const brand: unique symbol;

/** A value of type T that is taken only where this name is asked for; at run time it is a T and nothing else. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
