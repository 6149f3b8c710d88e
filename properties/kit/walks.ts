/**
 * Walks of a machine's graph, as an arbitrary: at each state a few events are drawn, stepped, and the one taken whose way was
 * gone least often. So a guard that few events pass is met by search, and a walk goes on where an arbitrary list of events would
 * stand still. DECISIONS.md D-260.
 *
 *   state -- draw a few events --> step each --> the way least gone --> next state ... the end, or enough events
 *
 * A counter-example shrinks by leaving events out, many at once and then one by one, and then within each event.
 */
import fc from "fast-check";

/** What is walked: our machines, XState's, or any other step function without effects. */
export interface Walkable<I, E, S> {
  readonly start: (input: I) => S;
  /** May throw, which is then the end of the walk and for a law to find. */
  readonly step: (state: S, event: E) => S;
  readonly isDone: (state: S) => boolean;
  /** Names the way that the event took: of two events with the same name one is enough. */
  readonly way: (state: S, event: E, after: S) => string;
}
/** Events that lead a machine through its states. */
export interface Walk<I, E> {
  readonly input: I;
  readonly events: ReadonlyArray<E>;
}
/** How long walks are, and how many events are tried at each state. */
export interface WalkOptions {
  /** Events of one walk. Default 30. */
  readonly eventsMax?: number;
  /** Events drawn at each state. Default 4. */
  readonly draws?: number;
}

const EVENTS_MAX = 30;
const DRAWS = 4;

/** Walks of a machine's graph: at each state the event that leads where the fewest walks have been. */
export const walksOf = <I, E, S>(
  machine: Walkable<I, E, S>,
  inputs: fc.Arbitrary<I>,
  events: (input: I) => fc.Arbitrary<E>,
  { eventsMax = EVENTS_MAX, draws = DRAWS }: WalkOptions = {},
): fc.Arbitrary<Walk<I, E>> => new Walks(machine, inputs, events, eventsMax, draws);

/** What a walk was drawn from, so that it can be shrunk. */
interface Drawn<I, E> {
  readonly input: fc.Value<I>;
  readonly events: ReadonlyArray<fc.Value<E>>;
  readonly of: fc.Arbitrary<E>;
}

class Walks<I, E, S> extends fc.Arbitrary<Walk<I, E>> {
  readonly #machine: Walkable<I, E, S>;
  readonly #inputs: fc.Arbitrary<I>;
  readonly #eventsOf: (input: I) => fc.Arbitrary<E>;
  readonly #eventsMax: number;
  readonly #draws: number;
  constructor(
    machine: Walkable<I, E, S>,
    inputs: fc.Arbitrary<I>,
    eventsOf: (input: I) => fc.Arbitrary<E>,
    eventsMax: number,
    draws: number,
  ) {
    super();
    this.#machine = machine;
    this.#inputs = inputs;
    this.#eventsOf = eventsOf;
    this.#eventsMax = eventsMax;
    this.#draws = draws;
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<Walk<I, E>> {
    const input = this.#inputs.generate(random, biasFactor);
    const of = this.#eventsOf(input.value);
    const events: Array<fc.Value<E>> = [];
    const gone = new Map<string, number>();
    const length = random.nextInt(0, this.#eventsMax);
    let state = attempt(() => this.#machine.start(input.value));
    while (state !== undefined && events.length < length && !this.#machine.isDone(state.value)) {
      const ways = Array.from({ length: this.#draws }, () => this.#try(state!.value, of.generate(random, biasFactor)));
      const best = ways.reduce((one, other) => (goneBy(gone, other.way) < goneBy(gone, one.way) ? other : one));
      gone.set(best.way, goneBy(gone, best.way) + 1);
      events.push(best.event);
      state = best.after;
    }
    return this.#walk({ input, events, of });
  }

  #try(state: S, event: fc.Value<E>) {
    const after = attempt(() => this.#machine.step(state, event.value));
    const way = after === undefined ? "throws" : this.#machine.way(state, event.value, after.value);
    return { event, after, way };
  }

  override canShrinkWithoutContext(_value: unknown): _value is Walk<I, E> {
    return false;
  }

  override shrink(_: Walk<I, E>, context: unknown): fc.Stream<fc.Value<Walk<I, E>>> {
    return context === undefined ? fc.Stream.nil() : fc.stream(this.#smaller(context as Drawn<I, E>));
  }

  *#smaller(drawn: Drawn<I, E>): IterableIterator<fc.Value<Walk<I, E>>> {
    const { input, events, of } = drawn;
    for (let size = events.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let at = 0; at < events.length; at += size)
        yield this.#walk({ ...drawn, events: [...events.slice(0, at), ...events.slice(at + size)] });
    // Events may be of their input: only where they are not, the input shrinks by itself.
    if (this.#eventsOf.length === 0)
      for (const smaller of this.#inputs.shrink(input.value, input.context))
        yield this.#walk({ ...drawn, input: smaller });
    for (const [at, event] of events.entries())
      for (const smaller of of.shrink(event.value, event.context))
        yield this.#walk({ ...drawn, events: events.map((one, i) => (i === at ? smaller : one)) });
  }

  #walk(drawn: Drawn<I, E>): fc.Value<Walk<I, E>> {
    const walk = { input: drawn.input.value, events: drawn.events.map(({ value }) => value) };
    return new fc.Value(walk, drawn);
  }
}

const goneBy = (gone: ReadonlyMap<string, number>, way: string): number => gone.get(way) ?? 0;

/** Undefined: it threw. */
const attempt = <A>(of: () => A): { readonly value: A } | undefined => {
  try {
    return { value: of() };
  } catch {
    return undefined;
  }
};

const SHORTER_MAX = 20_000;
const ALPHABET_MAX = 8;

/** Every shorter sequence of the events of a walk, the shortest first, as far as there are not too many. */
export function* shorterWalks<I, E>({ input, events }: Walk<I, E>): IterableIterator<Walk<I, E>> {
  const alphabet = distinct(events).slice(0, ALPHABET_MAX);
  let left = SHORTER_MAX;
  let row: ReadonlyArray<ReadonlyArray<E>> = [[]];
  for (let length = 0; length < events.length && left > 0; length++) {
    for (const one of row) {
      if (left-- <= 0) return;
      yield { input, events: one };
    }
    row = row.length * alphabet.length > left ? [] : row.flatMap((one) => alphabet.map((event) => [...one, event]));
  }
}
const distinct = <E>(events: ReadonlyArray<E>): ReadonlyArray<E> => [
  ...new Map(events.map((event) => [fc.stringify(event), event])).values(),
];
