import type { Headers } from './dead-letter-headers.ts';

/** A Kafka record to write. */
export interface OutputRecord {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: Headers;
}
