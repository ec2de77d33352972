import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../config/config.ts';

const required = {
  REDIS_URL: 'redis://127.0.0.1:6379',
  KAFKA_BROKERS: 'a:9092',
  TRINO_URL: 'http://127.0.0.1:8080',
  ML_API_URL: 'http://127.0.0.1:8000',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
};
const load = (variables: Readonly<Record<string, string>>) => loadConfig({ ...required, ...variables });

/** The message of the error that these variables cause. */
function problemOf(variables: Readonly<Record<string, string>>): string {
  try {
    load(variables);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration is accepted');
}

describe('an address that is printed', () => {
  test.each(['TRINO_URL', 'ML_API_URL', 'API_URL', 'TEMPORAL_UI_URL'])(
    '%s must not hold credentials, and the error does not show them',
    (name) => {
      for (const secret of [
        'https://us3r:s3cret@host:8443',
        'https://s3cret@host',
        'https://host/?token=s3cret',
        'https://host/#s3cret',
        'ftp://us3r:s3cret@host',
      ]) {
        const problem = problemOf({ [name]: secret });
        expect(problem).toContain(`${name} is not valid`);
        expect(problem).not.toMatch(/s3cret|us3r/);
      }
      expect(() => load({ [name]: 'https://host:8443/path' })).not.toThrow();
    },
  );

  test('can be an IPv6 address', () => {
    const config = load({
      REDIS_URL: 'redis://[::1]:6379',
      TRINO_URL: 'http://[2001:db8::1]:8080',
      ML_API_URL: 'http://[::1]:8000',
      TEMPORAL_ADDRESS: '[::1]:7233',
      KAFKA_BROKERS: '[::1]:9092, [2001:db8::1]:9092, host:9092',
    });
    expect(config).toMatchObject({
      REDIS_URL: 'redis://[::1]:6379',
      TEMPORAL_ADDRESS: '[::1]:7233',
      KAFKA_BROKERS: ['[::1]:9092', '[2001:db8::1]:9092', 'host:9092'],
    });
  });

  test.each([
    '::1:7233',
    '[::1]',
    '[host]:7233',
    'host',
    'host:',
    'a b:1',
    '[::1:7233',
    'host:0',
    'host:65536',
  ])('of Temporal or of a broker is not %o', (address) => {
    expect(problemOf({ KAFKA_BROKERS: `host:9092,${address}` })).toContain('must be host:port');
    expect(problemOf({ TEMPORAL_ADDRESS: address })).toContain('must be host:port');
  });
});

test.each([
  ' 0123456789abcdef',
  '0123456789abcdef ',
  '0123456789 abcdef',
  '0123456789abcdef\n',
  '0123456789abcdéf',
])('API_TOKEN %o, which no header can carry as it is, is refused', (token) => {
  expect(problemOf({ API_TOKEN: token })).toContain('API_TOKEN is not valid');
});

describe('trusted proxies', () => {
  test.each([
    ['2', 2],
    ['loopback', ['loopback']],
    ['10.0.0.0/8, 2001:db8::/32,192.0.2.1', ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']],
  ])('%s', (text, expected) => {
    expect(load({ API_TRUST_PROXY: text }).API_TRUST_PROXY).toEqual(expected);
  });

  test.each(['true', '*', '10.0.0.0/33', '::/129', '10.0.0/8', 'proxy.example.com', '-1'])(
    'not %s',
    (text) => {
      expect(problemOf({ API_TRUST_PROXY: text })).toContain('API_TRUST_PROXY is not valid');
    },
  );

  test('are none by default', () => {
    expect(load({}).API_TRUST_PROXY).toBe(0);
  });
});

describe('origins', () => {
  test.each([
    ['https://app.example.com, http://localhost:3000', ['https://app.example.com', 'http://localhost:3000']],
    ['*', ['*']],
  ])('%s', (text, expected) => {
    expect(load({ API_CORS_ORIGINS: text }).API_CORS_ORIGINS).toEqual(expected);
  });

  test.each(['app.example.com', 'https://app.example.com/', 'https://*.example.com/a', 'null', 'https://a,'])(
    'not %s',
    (text) => {
      expect(problemOf({ API_CORS_ORIGINS: text })).toContain('API_CORS_ORIGINS is not valid');
    },
  );
});

describe('the address that the API listens on', () => {
  test.each(['127.0.0.1', '0.0.0.0', '::1', '::', 'localhost', 'api-1.internal'])('can be %s', (host) => {
    expect(load({ API_HOST: host }).API_HOST).toBe(host);
  });

  test.each(['', undefined])('is each of the machine without a value (%j)', (host) => {
    expect(load(host === undefined ? {} : { API_HOST: host }).API_HOST).toBeUndefined();
  });

  test.each(['127.0.0.1:80', 'http://localhost', 'a b', '[::1]', ':80'])('is not %s', (host) => {
    expect(problemOf({ API_HOST: host })).toContain('API_HOST is not valid');
  });
});
