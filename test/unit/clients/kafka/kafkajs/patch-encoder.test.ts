import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { patchEncoder } from '../../../../../clients/kafka/kafkajs/patch-encoder.ts';

/** The patch changes an internal class of kafkajs. This test fails if a new version changes that class. */
const produceRequest = createRequire(import.meta.url)('kafkajs/src/protocol/requests/produce/v3/request') as (
  request: object,
) => { encode: () => Promise<{ buffer: Buffer }> };

const text = fc.string({ maxLength: 200, unit: 'grapheme' });
const data = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
);
const message = fc.record({
  key: fc.option(data),
  value: fc.option(data),
  headers: fc.dictionary(text, fc.oneof(data, fc.array(data, { maxLength: 3 }))),
  // Deltas of a few bits, and of more than 32.
  timestamp: fc.oneof(
    fc.integer({ min: 1, max: 1000 }),
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  ),
});
const partition = fc.record({
  partition: fc.nat(1000),
  firstSequence: fc.nat(),
  messages: fc.array(message, { minLength: 1, maxLength: 5 }),
});
const request = fc.record({
  acks: fc.constant(-1),
  timeout: fc.nat(),
  transactionalId: fc.option(text),
  topicData: fc.array(fc.record({ topic: text, partitions: fc.array(partition, { maxLength: 3 }) }), {
    maxLength: 3,
  }),
});

test('requests are the same bytes with and without the patch', async () => {
  const requests = fc.sample(request, 500);
  const encodeAll = () =>
    Promise.all(requests.map(async (each) => (await produceRequest(each).encode()).buffer.toString('hex')));
  const before = await encodeAll();
  patchEncoder();
  expect(await encodeAll()).toEqual(before);
});
