import type { TopicPartition } from '../kafka-location.ts';
import {
  copyHeaders,
  ERROR_HEADER_PREFIX,
  LEFT_OUT_HEADER,
  type Headers,
  type ReadHeaders,
} from './dead-letter-headers.ts';
import type { RejectedRecord } from './keep-newest.ts';
import type { OutputRecord } from './output-record.ts';

/** A record of the input, bytes as they are in the log. */
interface OriginalRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: ReadHeaders;
}

/**
 * A dead letter: key, value and headers of the record (`copyHeaders` says what is lost), and headers that say why, with the
 * names of Kafka Connect (its ErrorReporter writes all values as UTF-8 text).
 */
export const deadLetterRecord = (
  input: TopicPartition,
  { key, value, headers }: OriginalRecord,
  rejected: RejectedRecord,
): OutputRecord => ({
  key,
  value,
  headers: { ...copyHeaders(headers), ...errorHeaders(input, rejected) },
});

/** A larger key is left out too. */
const MAX_BARE_KEY_BYTES = 1024;

/** A dead letter for a record that is too large for the topic: without value and headers, which remain in the input topic. */
export const bareDeadLetterRecord = (
  input: TopicPartition,
  { key, value }: OriginalRecord,
  rejected: RejectedRecord,
): OutputRecord => ({
  key: key !== null && key.length <= MAX_BARE_KEY_BYTES ? key : null,
  value: null,
  headers: { ...errorHeaders(input, rejected), [LEFT_OUT_HEADER]: String(value?.length ?? 0) },
});

/** The record could be parsed. */
const AFTER_PARSE: readonly string[] = ['rejected_by_model', 'score_too_large'];

function errorHeaders(
  { topic, partition }: TopicPartition,
  { offset, reason, detail }: RejectedRecord,
): Headers {
  const headers = {
    topic,
    partition: String(partition),
    offset: String(offset),
    'connector.name': 'kol-scoring',
    'task.id': String(partition),
    stage: AFTER_PARSE.includes(reason) ? 'TRANSFORMATION' : 'VALUE_CONVERTER',
    'class.name': `kol-scoring/${topic}`,
    'exception.class.name': reason,
    'exception.message': detail,
    'exception.stacktrace': `${reason}: ${detail}`,
  };
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [ERROR_HEADER_PREFIX + name, value]),
  );
}
