import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../config/config.ts';

/** The variables without a default. */
const required = {
  REDIS_URL: 'redis://127.0.0.1:6379',
  KAFKA_BROKERS: 'a:9092, b:9092',
  TRINO_URL: 'http://127.0.0.1:8080',
  ML_API_URL: 'http://127.0.0.1:8000',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
};

test('only the addresses are required, every other variable has a default', () => {
  expect(loadConfig(required)).toMatchObject({
    KAFKA_BROKERS: ['a:9092', 'b:9092'],
    TRINO_SCHEMA: 'kol_silver',
    WARM_EVERY_MINUTES: 15,
    WARM_GRACE_SECONDS: 120,
    WARM_RANKING_LIMITS: [100, 50],
  });
});

test.each([
  ['17', undefined, undefined],
  ['18', undefined, 'missing for 60 s before each warm: raise WARM_GRACE_SECONDS by as much'],
  ['30', undefined, 'missing for 780 s'],
  ['30', '900', undefined],
  ['31', '3600', 'expected number to be <=30'],
])(
  'a warm every %s minutes is refused if sets would be missing before it: a grace of %s s',
  (minutes, grace, problem) => {
    const load = () =>
      loadConfig({ ...required, WARM_EVERY_MINUTES: minutes, ...(grace && { WARM_GRACE_SECONDS: grace }) });
    if (problem === undefined) expect(load().WARM_EVERY_MINUTES).toBe(Number(minutes));
    else expect(load).toThrow(new RegExp(`WARM_EVERY_MINUTES is not valid: .*${problem}`));
  },
);

test('a program checks and receives only the variables that it needs', () => {
  const environment = { KAFKA_BROKERS: 'a:9092', TRINO_SCHEMA: 'x; DROP' };
  const needed = ['KAFKA_BROKERS', 'SCORING_GROUP'] as const;
  expect(loadConfig(environment, needed)).toEqual({
    KAFKA_BROKERS: ['a:9092'],
    SCORING_GROUP: expect.any(String) as string,
  });
  expect(() => loadConfig({}, needed)).toThrow(/^[^\n]*\n {2}- KAFKA_BROKERS is not set[^\n]*$/);
});

test('the error names every missing or invalid variable and shows no value', () => {
  const load = () =>
    loadConfig({ ...required, REDIS_URL: '', TRINO_SCHEMA: 'x; DROP', API_TOKEN: 'hunter2' });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(/REDIS_URL is not set/);
  expect(load).toThrow(/TRINO_SCHEMA is not valid/);
  expect(load).toThrow(/API_TOKEN is not valid/);
  let message = '';
  try {
    load();
  } catch (error) {
    message = String(error);
  }
  expect(message).not.toContain('hunter2');
});

test('REDIS_URL is one Redis, or several nodes of a cluster with the same scheme, user and password', () => {
  const redisUrl = (text: string) => loadConfig({ ...required, REDIS_URL: text }).REDIS_URL;
  expect(redisUrl('rediss://user:pa%2Css@a:6380/3')).toBe('rediss://user:pa%2Css@a:6380/3');
  expect(redisUrl('redis://a:1, redis://b:2/0')).toBe('redis://a:1,redis://b:2/0');
  expect(redisUrl('redis://:pa,ss@a:1/3')).toBe('redis://:pa,ss@a:1/3');
  expect(redisUrl('redis://:pa,ss@a:1,redis://:pa,ss@b:2')).toBe('redis://:pa,ss@a:1,redis://:pa,ss@b:2');
  const nodes = (second: string) => () => redisUrl(`redis://u:secret@a:1,${second}`);
  expect(nodes('redis://u:secret@b:2/3')).toThrow(/REDIS_URL .* only database 0/);
  expect(nodes('redis://u:secret@b:2?db=3')).toThrow(/REDIS_URL .* only database 0/);
  expect(nodes('rediss://u:secret@b:2')).toThrow(/REDIS_URL .* the same scheme/);
  expect(nodes('redis://u:other@b:2')).toThrow(/REDIS_URL .* the same scheme, user and password/);
  expect(nodes('')).toThrow(/REDIS_URL is not valid/);
  expect(nodes('b:2')).toThrow(ConfigError);
});

test('API_DEADLINE_SECONDS ends before the server closes a silent connection', () => {
  const deadline = (text: string) => loadConfig({ ...required, API_DEADLINE_SECONDS: text });
  expect(deadline('60').API_DEADLINE_SECONDS).toBe(60);
  expect(() => deadline('61')).toThrow(/API_DEADLINE_SECONDS is not valid/);
});
