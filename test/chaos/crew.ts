import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../src/lib/duration.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import type { World } from '../../src/testing/world/world.ts';
import { SLOTS, type Slot } from './plan.ts';
import { childrenOf, signalIfThere } from './processes.ts';
import type { Timeline } from './timeline.ts';

export type CrewOptions = {
  world: World;
  timeline: Timeline;
  /** The variables of each process that override the world's environment. */
  envOf(slot: Slot): Readonly<Record<string, string>>;
};

/** A drain may take 10 s before jobs go back. A process that takes longer than this, even on a busy machine, hangs. */
const STOP_LIMIT_MS = seconds(30);

/** The processes of the service, each in its place: ended on purpose, replaced, and watched for unexpected ends. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #places = new Map<Slot, RoleProcess>();
  /** The places whose process is being acted on. */
  readonly #busy = new Set<Slot>();
  readonly #paused = new Set<Slot>();
  /** The processes that were ended on purpose. */
  readonly #meant = new WeakSet<RoleProcess>();
  /** The failures of the processes themselves. */
  readonly troubles: { atMs: number; what: string }[] = [];

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  get processes(): RoleProcess[] {
    return [...this.#places.values()].filter((process) => process.isRunning);
  }

  at(slot: Slot): RoleProcess | undefined {
    const process = this.#places.get(slot);
    return process?.isRunning ? process : undefined;
  }

  get workers(): RoleProcess[] {
    return SLOTS.filter((slot) => slot !== 'scheduler' && !this.#paused.has(slot)).flatMap(
      (slot) => this.at(slot) ?? [],
    );
  }

  async startAll(): Promise<void> {
    await Promise.all(SLOTS.map((slot) => this.start(slot)));
  }

  /** `env` overrides the variables of the place, until its next process. */
  async start(slot: Slot, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { envOf, world } = this.#options;
    const started = await world.start(slot === 'scheduler' ? 'scheduler' : 'worker', { ...envOf(slot), ...env });
    this.#places.set(slot, started);
    void started.ended.then(({ code, signal }) => this.#ended(slot, started, code, signal));
  }

  /** Runs `act` on the process in this place unless it is already being acted on. */
  async with(slot: Slot, act: (process: RoleProcess) => Promise<void>): Promise<boolean> {
    const process = this.at(slot);
    if (!process || this.#busy.has(slot)) return false;
    this.#busy.add(slot);
    try {
      await act(process);
    } finally {
      this.#busy.delete(slot);
    }
    return true;
  }

  async kill(process: RoleProcess): Promise<void> {
    this.#meant.add(process);
    await process.kill();
    await forgetClock(process);
  }

  /** SIGTERM. Sends SIGTERM. A process that does not end, or ends with an error, is recorded as a trouble. */
  async stop(process: RoleProcess): Promise<void> {
    this.#meant.add(process);
    const tooLate = delay(STOP_LIMIT_MS, 'late' as const, { ref: false });
    const end = await Promise.race([process.stop(), tooLate]);
    if (end === 'late') {
      this.#trouble(`${process.role} (${process.pid}) is still there ${STOP_LIMIT_MS / 1000} s after SIGTERM`, process);
      await process.kill();
    } else if (end.code !== 0) {
      this.#trouble(`${process.role} (${process.pid}) ended with ${end.code ?? end.signal} after SIGTERM`, process);
    }
    await forgetClock(process);
  }

  async pause(slot: Slot, process: RoleProcess, forMs: number): Promise<void> {
    this.#paused.add(slot);
    process.signal('SIGSTOP');
    await delay(forMs);
    if (process.isRunning) process.signal('SIGCONT');
    this.#paused.delete(slot);
  }

  /** Stops one of the processes that a supervisor has started; where it has none, the whole worker. */
  async hang(slot: Slot, process: RoleProcess, forMs: number): Promise<void> {
    const [child] = childrenOf(process.pid);
    if (child === undefined) return await this.pause(slot, process, forMs);
    signalIfThere(child, 'SIGSTOP');
    await delay(forMs);
    signalIfThere(child, 'SIGCONT');
  }

  /** Waits until no process is being acted on, and fills empty places. */
  async complete(): Promise<void> {
    while (this.#busy.size > 0) await delay(50);
    await Promise.all(SLOTS.filter((slot) => !this.at(slot)).map((slot) => this.start(slot)));
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.processes.map((process) => this.stop(process)));
  }

  #ended(slot: Slot, process: RoleProcess, code: number | null, signal: string | null): void {
    if (this.#meant.has(process)) return;
    this.#trouble(`${slot} (${process.pid}) ended by itself: ${code ?? signal}`, process);
    void this.with(slot, async () => undefined);
  }

  #trouble(what: string, process: RoleProcess): void {
    const last = process.output.slice(-6).join('\n    ');
    this.troubles.push({
      atMs: performance.timeOrigin + performance.now(),
      what: `${what}; it said last:\n    ${last}`,
    });
    this.#options.timeline.note('trouble', what);
  }
}

/** libfaketime leaves its shared memory behind where its process is killed. */
async function forgetClock({ pid }: RoleProcess): Promise<void> {
  for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`]) await rm(`/dev/shm/${name}`, { force: true });
}
