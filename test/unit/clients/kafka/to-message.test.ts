import { expect, test } from 'vitest';
import { toMessage } from '../../../../clients/kafka/to-message.ts';

test('a record becomes a message of buffers, a repeated header a list', () => {
  const headers = { reason: 'not_json', hop: ['a', new Uint8Array([1, 2])] };
  expect(toMessage({ key: 'kol', value: new Uint8Array([3]), headers })).toEqual({
    key: Buffer.from('kol'),
    value: Buffer.from([3]),
    headers: { reason: Buffer.from('not_json'), hop: [Buffer.from('a'), Buffer.from([1, 2])] },
  });
});

test('a null key and a null value stay null', () => {
  expect(toMessage({ key: null, value: null, headers: {} })).toEqual({ key: null, value: null, headers: {} });
});
