import { expect, test } from 'vitest';
import { toMessage } from '../../../../clients/kafka/messages.ts';

test('texts stay texts, bytes become buffers, and a repeated header stays a list', () => {
  const headers = { reason: 'not_json', hop: ['a', new Uint8Array([1, 2])] };
  expect(toMessage({ key: 'kol', value: new Uint8Array([3]), headers })).toEqual({
    key: 'kol',
    value: Buffer.from([3]),
    headers: { reason: 'not_json', hop: ['a', Buffer.from([1, 2])] },
  });
});

test('a null key and a null value stay null', () => {
  expect(toMessage({ key: null, value: null, headers: {} })).toEqual({ key: null, value: null, headers: {} });
});
