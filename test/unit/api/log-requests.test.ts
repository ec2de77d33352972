import type { Request } from 'express';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createRequestLog } from '../../../api/log-requests.ts';

/** A logger like that of the API, and the lines that it wrote. */
function collect(level = 'info') {
  const lines: string[] = [];
  const options = {
    ...{ name: 'api', level, timestamp: () => ',"time":"2026-11-25T12:00:00.000Z"' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return { lines, log: pino(options, { write: (line) => void lines.push(line) }) };
}

const request = (method: string, url: string) => ({ method, url }) as Request;

test('the line of an answer from L1 is the one that pino writes', () => {
  const urls = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(fc.constantFrom('GET', 'HEAD'), urls, fc.constantFrom(200, 304), (method, url, status) => {
      const { lines, log } = collect();
      const cache = 'kol-l1; hit; ttl=9';
      createRequestLog(log)(request(method, url), status, cache, performance.now() - 1.5, 'id-1');
      const { duration_ms } = JSON.parse(lines[0] ?? '') as { duration_ms: number };
      log.child({ request_id: 'id-1' }).info({ method, url, status, cache, duration_ms }, 'request');
      expect(lines).toEqual([lines[1], lines[1]]);
      expect(duration_ms).toBeGreaterThanOrEqual(1.5);
    }),
  );
});

test('nothing is logged when the level of the logger is higher', () => {
  const { lines, log } = collect('warn');
  createRequestLog(log)(request('GET', '/'), 200, 'kol-l1; hit', 0, 'id-1');
  expect(lines).toEqual([]);
});
