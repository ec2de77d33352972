import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import { nextMessage, type Message } from './next-message.ts';
import type { Random } from './random.ts';
import type { Subjects } from './subjects.ts';

interface ProduceOptions {
  readonly producer: Producer;
  readonly subjects: Subjects;
  readonly random: Random;
  /** Events per second. */
  readonly rate: number;
  /** Share of malformed events, 0 to 1. */
  readonly badShare: number;
  readonly signal: AbortSignal;
  /** Called after each failed attempt to send; the next attempt sends the same events. */
  readonly onFailure: (error: unknown) => void;
}

/** At high rates events are sent in batches, one per interval. */
const MIN_INTERVAL_MS = 100;
const RETRY_MS = 1_000;

/**
 * Produces events at a steady rate until aborted. During an outage of Kafka it waits; afterwards it does not catch up with a burst.
 * @returns the number of events sent
 */
export async function produce(options: ProduceOptions): Promise<number> {
  const { producer, subjects, random, rate, badShare, signal } = options;
  const intervalMs = Math.max(MIN_INTERVAL_MS, 1000 / rate);
  let sent = 0;
  let lastTick = performance.now();
  // The fraction of an event carries over to the next interval.
  let due = 0;
  while (await delay(intervalMs, signal)) {
    const now = performance.now();
    due += (Math.min(now - lastTick, 2 * intervalMs) * rate) / 1000;
    lastTick = now;
    const messages = Array.from({ length: Math.floor(due) }, () =>
      nextMessage(random, Date.now(), subjects, badShare),
    );
    if (messages.length === 0) continue;
    due -= messages.length;
    if (await sendUntilAccepted(producer, messages, options)) sent += messages.length;
  }
  return sent;
}

async function sendUntilAccepted(
  producer: Producer,
  messages: readonly Message[],
  { signal, onFailure }: ProduceOptions,
): Promise<boolean> {
  const topicMessages = [...new Set(messages.map(({ topic }) => topic))].map((topic) => ({
    topic,
    messages: messages.filter((message) => message.topic === topic).map(({ key, value }) => ({ key, value })),
  }));
  do {
    try {
      await producer.sendBatch({ topicMessages, acks: -1, timeout: 5_000 });
      return true;
    } catch (error) {
      onFailure(error);
    }
  } while (await delay(RETRY_MS, signal));
  return false;
}

/** Waits. @returns false when the signal was aborted */
async function delay(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
