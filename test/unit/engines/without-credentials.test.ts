import { expect, test } from 'vitest';
import { withoutCredentials } from '../../../engines/without-credentials.ts';

test.each([
  ['redis://127.0.0.1:6379/3', 'redis://127.0.0.1:6379/3'],
  ['rediss://us3r:s3cret@a:6380/3', 'rediss://a:6380/3'],
  ['redis://:s3,cr@et@a:1,redis://:s3,cr@et@b:2/0', 'redis://a:1,redis://b:2/0'],
  ['redis://a:1/0?password=s3cret,redis://b:2?password=s3cret', 'redis://a:1/0,redis://b:2'],
  ['https://s3cret@[::1]:8443/path?token=s3cret#s3cret', 'https://[::1]:8443/path'],
  ['a:9092,[::1]:9092', 'a:9092,[::1]:9092'],
  [
    'TRINO_URL is set to http://u:s3cret@h:1, which does not respond (bad URL: http://u:s3cret@h:1/v1?t=s3cret): start it',
    'TRINO_URL is set to http://h:1, which does not respond (bad URL: http://h:1/v1): start it',
  ],
])('%s has no credentials as %s', (text, expected) => {
  expect(withoutCredentials(text)).toBe(expected);
});
