import type { Message } from 'kafkajs';
import type { OutputRecord } from '../../domain/scoring/output-record.ts';

/** A record as kafkajs sends it. kafkajs writes a list as one header per value, all with the same name. */
export const toMessage = ({ key, value, headers }: OutputRecord): Message => ({
  key: key === null ? null : asBuffer(key),
  value: value === null ? null : asBuffer(value),
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [
      name,
      Array.isArray(header) ? header.map(asBuffer) : asBuffer(header),
    ]),
  ),
});

const asBuffer = (data: Uint8Array | string): Buffer => Buffer.from(data);
