import { expect, test } from 'vitest';
import { syntheticData } from '../../../engines/synthetic-data.ts';

test('engines that are started here get synthetic data', () => {
  expect(syntheticData({}, { TRINO_URL: '', KAFKA_BROKERS: '' })).toEqual({ fill: true, producerRate: 2 });
});

test('engines that already run get none', () => {
  expect(syntheticData({}, { TRINO_URL: 'http://a' })).toEqual({ fill: false, producerRate: 2 });
  expect(syntheticData({}, { KAFKA_BROKERS: 'a:1' })).toEqual({ fill: true, producerRate: 0 });
});

test('explicitly requested data is also written to engines that already run', () => {
  const reused = { TRINO_URL: 'http://a', KAFKA_BROKERS: 'a:1' };
  expect(syntheticData({ fill: true, producerRate: 5 }, reused)).toEqual({ fill: true, producerRate: 5 });
});

test('no producer is started when none is wanted', () => {
  expect(syntheticData({ producerRate: 0 }, {})).toEqual({ fill: true, producerRate: 0 });
});
