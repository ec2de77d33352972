import type { Producer } from 'kafkajs';
import { profileMessage } from './profile-message.ts';

const MESSAGES_PER_SEND = 2000;

/** Sends a number of profile events, each of another KOL, and waits until Kafka has acknowledged them. */
export async function sendProfiles(producer: Producer, topic: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += MESSAGES_PER_SEND) {
    const size = Math.min(MESSAGES_PER_SEND, count - sent);
    const messages = Array.from({ length: size }, (_, index) => profileMessage(`bench-${sent + index}`));
    await producer.send({ topic, messages });
  }
}
