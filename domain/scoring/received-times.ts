import { headerText, type LogRecord } from '../kafka-record.ts';
import { parseWholeNumber } from '../values/whole-number.ts';

/** On a dead letter and on a replayed record: when Kafka first got the record, in ms since 1970. */
export const RECEIVED_AT_HEADER = 'kol.received-at-ms';

/** What says when Kafka got a record. */
export type TimedRecord = Pick<LogRecord, 'timestampMs'> & Partial<Pick<LogRecord, 'headers'>>;

/** When Kafka first got a record, which is before its replay. */
export const firstReceivedMs = ({ headers, timestampMs }: TimedRecord): number =>
  parseWholeNumber(headerText(headers?.[RECEIVED_AT_HEADER])) ?? timestampMs;

/** When Kafka got a record, in ms since 1970. */
export interface ReceivedTimes {
  /** The same as `lastMs`, unless the record was replayed. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Never later than now: a producer with a wrong clock may have set the time. A record without a time was received now. */
export function receivedTimes(record: TimedRecord, nowMs: number): ReceivedTimes {
  const byNow = (ms: number) => (ms < 0 ? nowMs : Math.min(ms, nowMs));
  return { firstMs: byNow(firstReceivedMs(record)), lastMs: byNow(record.timestampMs) };
}
