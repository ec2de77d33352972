import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import { nextMessage, type Message } from './next-message.ts';
import type { Random } from './random.ts';
import type { Subjects } from './subjects.ts';

export interface ProduceOptions {
  readonly producer: Producer;
  readonly subjects: Subjects;
  readonly random: Random;
  /** Events a second. */
  readonly rate: number;
  readonly badShare: number;
  readonly signal: AbortSignal;
  /** Called after each failed attempt to send; the same events are sent again. */
  readonly onFailure: (error: unknown) => void;
}

/** At high rates events go out in batches this far apart. */
const TICK_MS = 100;
const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * Produces events at a steady rate until aborted. Kafka being away is waited for; the time of the outage is not made
 * up for by a burst.
 * @returns how many events were sent
 */
export async function produce(options: ProduceOptions): Promise<number> {
  const { producer, subjects, random, rate, badShare, signal } = options;
  const tickMs = Math.max(TICK_MS, 1000 / rate);
  let sent = 0;
  let since = performance.now();
  let owed = 0;
  while (await passed(tickMs, signal)) {
    const now = performance.now();
    owed += (Math.min(now - since, 2 * tickMs) * rate) / 1000;
    since = now;
    const messages = Array.from({ length: Math.floor(owed) }, () =>
      nextMessage(random, Date.now(), subjects, badShare),
    );
    if (messages.length === 0) continue;
    owed -= messages.length;
    if (await sendUntilTaken(producer, messages, options)) sent += messages.length;
  }
  return sent;
}

async function sendUntilTaken(
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
  } while (await passed(PAUSE_AFTER_FAILURE_MS, signal));
  return false;
}

/** Whether the time passed without an abort. */
async function passed(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
