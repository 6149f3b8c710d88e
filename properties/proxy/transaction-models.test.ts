/**
 * Client and server transaction of a request with a hostile network between them: datagrams are lost, doubled and overtaken, and
 * time passes between any two. RFC 3261 §17.1.2, §17.2.2.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { proxyRequestClient, proxyRequestServer } from "../../machines/proxy/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { type Modelled, modelLawOf } from "../kit/models.ts";

const T1_MS = 500;
/** T4: "the maximum duration that a message can remain in the network", §17.1.2.2. */
const LIFE_MS = 10 * T1_MS;
const DATAGRAMS_MAX = 24;
const input = { isReliable: false, t1Ms: T1_MS };
type Final = "success" | "refusal";
type Said = "request" | "provisional" | Final;
interface Datagram {
  readonly said: Said;
  readonly sentMs: number;
}

/** Both transactions, the datagrams between them, and the timers of each. */
class World {
  nowMs = 0;
  readonly flying: Array<Datagram> = [];
  readonly timers = new Map<string, number>();
  /** What the client's user was told, in its order. */
  readonly told: Array<Said | "timedOut" | "unreachable"> = [];
  /** What the server's user has said last, which its transaction sends again. */
  said: Said = "provisional";
  private client = proxyRequestClient.start(input);
  private server: ReturnType<typeof proxyRequestServer.start> | undefined;

  constructor() {
    this.performClient("request");
  }
  get isServing(): boolean {
    return this.server !== undefined && !proxyRequestServer.isDone(this.server.snapshot);
  }
  get isOver(): boolean {
    return proxyRequestClient.isDone(this.client.snapshot) && !this.isServing;
  }
  /** The client asks once more before its time is over, and the server answers then. */
  get isAskedAgain(): boolean {
    const dueMs = (timer: string, otherwise: number) => this.timers.get(timer) ?? otherwise;
    const askedMs = dueMs("client E", Number.POSITIVE_INFINITY);
    const isWhole = this.server === undefined || (this.isServing && dueMs("server J", askedMs + 1) > askedMs);
    return isWhole && askedMs < dueMs("client F", 0);
  }
  answer(said: Exclude<Said, "request">): void {
    this.said = said;
    this.tellServer({ type: said });
  }
  arrive(at: number): void {
    const [one] = this.flying.splice(at, 1);
    if (one === undefined || this.nowMs - one.sentMs > LIFE_MS) return;
    if (one.said !== "request") this.tellClient({ type: one.said }, one.said);
    else if (this.server === undefined) {
      this.server = proxyRequestServer.start(input);
      this.performServer();
    } else if (this.isServing) this.tellServer({ type: "repeated" });
  }
  /** To the timer that is due first, and fires it. */
  pass(): void {
    const [first] = [...this.timers].sort(([, a], [, b]) => a - b);
    if (first === undefined) return;
    this.timers.delete(first[0]);
    this.nowMs = Math.max(this.nowMs, first[1]);
    const [side, timer] = first[0].split(" ") as ["client" | "server", never];
    if (side === "client") this.tellClient({ type: "timerFired", timer }, "provisional");
    else this.tellServer({ type: "timerFired", timer });
  }

  private tellClient(event: Parameters<typeof proxyRequestClient.step>[1], passed: Said): void {
    if (proxyRequestClient.isDone(this.client.snapshot)) return;
    this.client = proxyRequestClient.step(this.client.snapshot, event);
    this.performClient(passed);
  }
  private tellServer(event: Parameters<typeof proxyRequestServer.step>[1]): void {
    this.server = proxyRequestServer.step(this.server!.snapshot, event);
    this.performServer();
  }
  private performClient(passed: Said): void {
    for (const order of this.client.actions) {
      if (order.type === "send") this.fly("request");
      if (order.type === "pass") this.told.push(passed);
      if (order.type === "fail") this.told.push(order.why);
      this.timed("client", order);
    }
  }
  private performServer(): void {
    for (const order of this.server!.actions) {
      if (order.type === "send") this.fly(this.said);
      this.timed("server", order);
    }
  }
  private fly(said: Said): void {
    if (this.flying.length < DATAGRAMS_MAX) this.flying.push({ said, sentMs: this.nowMs });
  }
  private timed(side: string, order: { readonly type: string; readonly timer?: string; readonly ms?: number }): void {
    if (order.type === "startTimer") this.timers.set(`${side} ${order.timer}`, this.nowMs + order.ms!);
    if (order.type === "stopTimer") this.timers.delete(`${side} ${order.timer}`);
  }
}

/** What the server's user has answered: provisional responses, and one final. */
interface Model {
  isServing: boolean;
  hasRung: boolean;
  final: Final | undefined;
}
const isFinal = (told: World["told"][number]): boolean => told !== "provisional";

const holds = (model: Model, { told }: World): void => {
  const finals = told.filter(isFinal);
  ok(finals.length <= 1, `the client's user is told ${finals.join(", ")}`);
  if (told.some((one) => one === "provisional")) ok(model.hasRung, "a provisional response that nobody gave");
  for (const one of finals) ok(one === "timedOut" || one === model.final, `${one}, and ${model.final} was answered`);
};
const after =
  (change: (world: World, drawn: number) => void) =>
  (model: Model, world: World, drawn: number): void => {
    change(world, drawn);
    model.isServing = world.isServing;
    holds(model, world);
  };

const transactions: Modelled<Model, World> = {
  begin: () => ({ model: { isServing: false, hasRung: false, final: undefined }, real: new World() }),
  commands: {
    arrives: { run: after((world, drawn) => world.arrive(drawn % Math.max(1, world.flying.length))) },
    isLost: { run: after((world, drawn) => void world.flying.splice(drawn % Math.max(1, world.flying.length), 1)) },
    isDoubled: {
      run: after((world, drawn) => {
        const one = world.flying[drawn % Math.max(1, world.flying.length)];
        if (one !== undefined && world.flying.length < DATAGRAMS_MAX) world.flying.push(one);
      }),
    },
    timePasses: { run: after((world) => world.pass()) },
    rings: {
      may: ({ isServing, final }) => isServing && final === undefined,
      run: (model, world) => {
        model.hasRung = true;
        world.answer("provisional");
        holds(model, world);
      },
    },
    answers: {
      may: ({ isServing, final }) => isServing && final === undefined,
      run: (model, world, drawn) => {
        model.final = drawn % 2 === 0 ? "success" : "refusal";
        world.answer(model.final);
        holds(model, world);
      },
    },
  },
  // From here on the network carries everything, and the server's user has answered: both come to their end.
  end: (model, world) => {
    const isAnswerable = world.isAskedAgain;
    for (let turns = 0; !world.isOver && turns < 1_000; turns++) {
      while (world.flying.length > 0) world.arrive(0);
      if (world.isServing && model.final === undefined) {
        model.final = "success";
        world.answer("success");
      } else world.pass();
    }
    ok(world.isOver || model.final === undefined, "one of both does not end");
    same([...world.timers.keys()], []);
    holds(model, world);
    const outcome = world.told.filter(isFinal);
    same(outcome.length, 1, "the client's user is told an outcome");
    if (isAnswerable) same(outcome, [model.final]);
  },
};

const law = modelLawOf("transactions", transactions, { runs, commandsMax: 60 });
test("RFC 3261 §17.1.2, §17.2.2: over a network that loses, doubles and overtakes, a request has one outcome, the one that was answered", async () =>
  law.check());
