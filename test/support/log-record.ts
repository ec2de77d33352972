import type { LogRecord } from '../../domain/kafka-record.ts';

/** A record without key, value and headers, unless the fields have them. */
export const logRecord = (offset: number, fields: Partial<LogRecord> = {}): LogRecord => ({
  ...{ offset, key: null, value: null, headers: {}, timestampMs: 0 },
  ...fields,
});
