import type { Message } from 'kafkajs';
import type { OutputRecord } from '../../domain/scoring/output-record.ts';

/** A record as kafkajs sends it. kafkajs writes a list as one header per value, all with the same name. */
export const toMessage = ({ key, value, headers }: OutputRecord): Message => ({
  key: key === null ? null : asData(key),
  value: value === null ? null : asData(value),
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [
      name,
      Array.isArray(header) ? header.map(asData) : asData(header),
    ]),
  ),
});

/** kafkajs encodes texts itself. */
const asData = (data: Uint8Array | string): Buffer | string =>
  typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
