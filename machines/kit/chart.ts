/**
 * The language in which the machines of this project are defined: XState's, as far as we step it, checked by the compiler.
 *
 *   const { machine, assign, decide, give } = setup<{ input: I; context: C; event: E; order: A }>();
 *   export const lamp = machine("lamp", { context: (input) => ..., initial: "off", states: { off: { on: { ... } } } });
 *
 * What differs from XState's `setup({ types }).createMachine(config)`:
 *  - guards, decisions and `context` take plain arguments (context, event) and are given nothing else;
 *  - an order stands in `actions` as the value that the host will perform: { type: "stopTimer", timer: "ring" };
 *  - a computed order names its types first, so that the table and the drawing show them;
 *  - a state's timers stand under `timers`, by name, beside its events: { ring: { target: "busy" } };
 *  - names of states are unique in a machine, and a target is such a name, at whatever depth;
 *  - an event that no state handles gives { type: "note", unexpected }, unless the machine says otherwise under "*".
 *
 * A misspelt state, event, timer, order or context field, and a handler for another event, are errors of the compiler
 * (properties/machines/compiler.test.ts). What XState has and this language has not (parallel states, history, after,
 * invoke, spawn, output) is refused by refuse.ts where a machine is defined. DECISIONS.md says why it is done so.
 */
export interface Typed {
  readonly type: string;
}

/** The members of a union with that type: `Of<CallEvent, "answered" | "refused">`. */
export type Of<U extends Typed, K extends U["type"]> = Extract<U, { readonly type: K }>;

/** Ordered for an event that the machine did not expect in its state. Every machine's orders include it. */
export interface Note {
  readonly type: "note";
  /** The type of the event. */
  readonly unexpected: string;
}

/** The event of a fired timer. A machine may add to it what it needs, such as `atMs`. */
export interface TimerFired {
  readonly type: "timerFired";
  readonly timer: string;
}

/** What a decision gives: the fields of the context that change, and the orders, first to last. */
export interface Decision<C, A> {
  readonly context?: Partial<C> | undefined;
  readonly actions?: ReadonlyArray<A> | undefined;
}
type KeysOf<U> = U extends unknown ? keyof U : never;
/** Refuses fields that C does not have; the compiler alone lets them pass in what an inline function returns. */
export type KnownFields<P, C> =
  Exclude<KeysOf<P>, keyof C> extends never ? unknown : { readonly [X in Exclude<KeysOf<P>, keyof C> & string]: never };
type Changed<D> = D extends { readonly context?: infer P } ? NonNullable<P> : never;
export type KnownDecision<D, C> =
  Exclude<KeysOf<Changed<D>>, keyof C> extends never ? unknown : { readonly context: KnownFields<Changed<D>, C> };

/** A function of context and event in a list of actions, with the types of the orders that it may give. */
export interface Deed<in C, in E, out A> {
  readonly orders: ReadonlyArray<string>;
  /** It gives each of them, each time. */
  readonly isCertain?: true;
  readonly of: (context: C, event: E) => Decision<any, A>;
}
export type Action<C, E, A> = A | Deed<C, E, A>;
export type Actions<C, E, A> = Action<C, E, A> | ReadonlyArray<Action<C, E, A>>;

/** What an event does in a state: of several the first whose guard holds. */
export interface Transition<S extends string, C, E, A> {
  readonly guard?: (context: C, event: E) => boolean;
  /** Absent: the state stays, and nothing is left or entered. */
  readonly target?: S;
  /** A target that is the source itself, or within it, is left and entered again. */
  readonly reenter?: true;
  readonly actions?: Actions<C, E, A>;
}
/** The first whose guard holds is taken. `{}` ignores the event. */
export type Transitions<S extends string, C, E, A> = Transition<S, C, E, A> | ReadonlyArray<Transition<S, C, E, A>>;

export type Handlers<S extends string, C, E extends Typed, A> = {
  readonly [K in E["type"]]?: Transitions<S, C, Of<E, K>, A>;
} & {
  /** Whatever event has no handler of its own here or further in. */
  readonly "*"?: Transitions<S, C, E, A>;
};

/** The names of a machine's timers: `timer` of its event "timerFired". */
export type TimerOf<E extends Typed> = Extract<E, TimerFired>["timer"];
export type TimerHandlers<S extends string, C, E extends Typed, A> = {
  readonly [K in TimerOf<E>]?: Transitions<S, C, Extract<E, TimerFired>, A>;
};

/** What `entry`, `exit` and `always` see besides events: the beginning. */
export interface Begun<I> {
  readonly type: "xstate.init";
  readonly input: I;
}

/** What a state and the machine itself have in common. */
export interface Region<S extends string, I, C, E extends Typed, A> {
  readonly entry?: Actions<C, E | Begun<I>, A>;
  readonly exit?: Actions<C, E | Begun<I>, A>;
  /** Taken without an event, as soon as its guard holds. */
  readonly always?: Transitions<NoInfer<S>, C, E | Begun<I>, A>;
  readonly on?: Handlers<NoInfer<S>, C, E, A>;
  /** Tried before `on.timerFired`. */
  readonly timers?: TimerHandlers<NoInfer<S>, C, E, A>;
  /** The state within that is entered first. */
  readonly initial?: NoInfer<S>;
  readonly states?: { readonly [K in S]?: State<S, I, C, E, A> };
}
export interface State<S extends string, I, C, E extends Typed, A> extends Region<S, I, C, E, A> {
  /** The machine ends here. Only states of the outermost level can be final. */
  readonly type?: "final";
}
/** A machine as it is written: its context from the input, its first state, and what each state does with which event. */
export interface Chart<S extends string, I, C, E extends Typed, A> extends Region<S, I, C, E, A> {
  readonly context: (input: I) => C;
  readonly initial: NoInfer<S>;
  readonly states: { readonly [K in S]?: State<S, I, C, E, A> };
}

/** True for a function among the actions, false for an order as it stands. */
export const isDeed = (action: object): action is Deed<any, any, any> =>
  "of" in action && typeof action.of === "function" && "orders" in action;

/** A value or a list of them, as a list. */
export const listOf = <T>(given: T | ReadonlyArray<T> | undefined): ReadonlyArray<T> =>
  given === undefined ? [] : Array.isArray(given) ? (given as ReadonlyArray<T>) : [given as T];
