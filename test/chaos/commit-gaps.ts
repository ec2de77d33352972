import type { Admin } from 'kafkajs';
import { median } from '../../bench/figures.ts';

const POLL_MS = 100;

/** Watches the committed offsets of a group: how long each partition goes without a commit. */
export class CommitGaps {
  /** By partition: its offset, and when it was seen to change, in ms since 1970. */
  readonly #commits = new Map<number, { offset: string; readonly seenMs: number[] }>();
  #timer: NodeJS.Timeout | undefined;
  #isPolling = false;

  constructor(
    private readonly admin: Admin,
    private readonly group: string,
    private readonly topic: string,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#poll(), POLL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Begins to measure again. */
  reset(): void {
    this.#commits.clear();
  }

  /** Number of partitions that have committed since the reset. */
  get partitions(): number {
    return [...this.#commits.values()].filter(({ seenMs }) => seenMs.length > 1).length;
  }

  /** Longest time without a commit of any partition since the reset, in seconds. One that still lasts counts too. */
  longest(): number {
    const gaps = [...this.#commits.values()].flatMap(({ seenMs }) =>
      seenMs.map((ms, index) => (seenMs[index + 1] ?? Date.now()) - ms),
    );
    return Math.max(0, ...gaps) / 1000;
  }

  /** How long half of the partitions went at most without a commit around a moment (ms since 1970), in seconds. */
  medianAround(momentMs: number): number {
    const gaps = [...this.#commits.values()].map(({ seenMs }) => {
      const next = seenMs.findIndex((ms) => ms > momentMs);
      return (seenMs[next] ?? Infinity) - (seenMs[next - 1] ?? -Infinity);
    });
    return median(gaps) / 1000;
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    try {
      const [offsets] = await this.admin.fetchOffsets({ groupId: this.group, topics: [this.topic] });
      for (const { partition, offset } of offsets?.partitions ?? []) this.#sees(partition, offset);
    } catch {
      // The broker is down: nothing is committed.
    } finally {
      this.#isPolling = false;
    }
  }

  #sees(partition: number, offset: string): void {
    const known = this.#commits.get(partition);
    if (known?.offset === offset) return;
    this.#commits.set(partition, { offset, seenMs: [...(known?.seenMs ?? []), Date.now()] });
  }
}
