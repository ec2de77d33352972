import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosRun } from './chaos-run.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Ranges that a worker commits before it may be killed: as many as a batch has. */
const COMMITS_BEFORE_KILL = 6;

/** A fixed number of workers. One of them is killed every few seconds and replaced immediately. */
export class WorkerCrew {
  kills = 0;
  #workers: WorkerProcess[] = [];
  #isKilling = true;
  #killing: Promise<void> = Promise.resolve();

  constructor(
    private readonly run: ChaosRun,
    private readonly size = 2,
  ) {}

  /** Starts the workers, and starts to kill them when all are ready. */
  async start(killEveryMs: number): Promise<void> {
    this.#workers = Array.from({ length: this.size }, () => this.run.startWorker());
    await Promise.all(this.#workers.map((worker) => worker.untilLine('ready')));
    this.#killing = this.#kill(killEveryMs);
  }

  /** Removes a worker from the crew, so that it is not killed, and starts another in its place. */
  release(): WorkerProcess {
    const worker = this.#workers.pop();
    if (!worker) throw new Error('the crew has no worker');
    this.#workers.push(this.run.startWorker());
    return worker;
  }

  /** Ends the kills. The workers keep running. */
  async stopKilling(): Promise<void> {
    this.#isKilling = false;
    await this.#killing;
  }

  /**
   * Kills only a worker that has committed as much as a batch. While the range of a killed worker waits for its heartbeat timeout
   * there is nothing to interrupt, and on a slow machine workers would die before they did any work.
   */
  async #kill(everyMs: number): Promise<void> {
    for (;;) {
      await sleep(everyMs);
      if (!this.#isKilling) return;
      const index = this.#workers.findIndex(
        (worker) => worker.linesStartingWith('commit done').length >= COMMITS_BEFORE_KILL,
      );
      const [victim] = index < 0 ? [] : this.#workers.splice(index, 1);
      if (victim === undefined) continue;
      await victim.kill();
      this.kills += 1;
      this.#workers.push(this.run.startWorker());
    }
  }
}
