import type { Admin } from 'kafkajs';
import { median } from '../../bench/figures.ts';

const POLL_MS = 100;

/** Watches the committed offsets of a group: how long each partition goes without a commit. */
export class CommitGaps {
  readonly #last = new Map<number, { offset: string; atMs: number }>();
  /** By partition. */
  readonly #longestMs = new Map<number, number>();
  #moved = new Set<number>();
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
    this.#last.clear();
    this.#moved.clear();
    this.#longestMs.clear();
  }

  /** Number of partitions that have committed since the reset. */
  get partitions(): number {
    return this.#moved.size;
  }

  /** Longest time without a commit of any partition since the reset, in seconds. One that still lasts counts too. */
  longest(): number {
    return Math.max(0, ...this.#ofPartitions());
  }

  /** The same of the partition in the middle: half of them had a shorter one. */
  median(): number {
    return median(this.#ofPartitions());
  }

  #ofPartitions(): number[] {
    const now = performance.now();
    return [...this.#last].map(
      ([partition, { atMs }]) => Math.max(this.#longestMs.get(partition) ?? 0, now - atMs) / 1000,
    );
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
    const atMs = performance.now();
    const last = this.#last.get(partition);
    if (last?.offset === offset) return;
    this.#last.set(partition, { offset, atMs });
    if (last === undefined) return;
    this.#moved.add(partition);
    this.#longestMs.set(partition, Math.max(this.#longestMs.get(partition) ?? 0, atMs - last.atMs));
  }
}
