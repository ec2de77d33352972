import { setTimeout as sleep } from 'node:timers/promises';

/** Health checks are this far apart, as those of a fast load balancer. */
const CHECK_MS = 50;
const WORKERS = 8;

/** A client that sends requests to those of several processes that are ready. */
export interface BalancedClient {
  /** Ports of the processes whose /readyz was 200 last. */
  readonly ready: () => readonly number[];
  /** Requests that got no answer, or a 5xx. */
  readonly failures: string[];
  readonly answered: () => number;
  readonly stop: () => Promise<void>;
}

/** Starts a client that reads a path again and again. */
export function startBalancedClient(ports: readonly number[], path: string): BalancedClient {
  const failures: string[] = [];
  let ready: number[] = [];
  let answered = 0;
  let isStopped = false;

  async function isReady(port: number): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    await answer?.text();
    return answer?.status === 200;
  }

  async function check(): Promise<void> {
    while (!isStopped) {
      const states = await Promise.all(ports.map(isReady));
      ready = ports.filter((_, index) => states[index]);
      await sleep(CHECK_MS);
    }
  }

  async function work(): Promise<void> {
    while (!isStopped) {
      const port = ready[Math.floor(Math.random() * ready.length)];
      if (port === undefined) {
        await sleep(CHECK_MS);
        continue;
      }
      try {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`);
        await answer.text();
        if (answer.status >= 500) failures.push(`${port} answered ${answer.status}`);
        else answered += 1;
      } catch (error) {
        failures.push(`${port}: ${String((error as Error).cause ?? error)}`);
      }
      await sleep(1);
    }
  }

  const loops = [check(), ...Array.from({ length: WORKERS }, work)];
  return {
    ready: () => ready,
    failures,
    answered: () => answered,
    async stop() {
      isStopped = true;
      await Promise.all(loops);
    },
  };
}
