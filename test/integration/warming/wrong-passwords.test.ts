import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { runActivity, WARM } from '../../support/run-activity.ts';

/** What Temporal stores of the failure of a warm, as its history shows it. */
async function storedFailure(environment: Readonly<Record<string, string>>): Promise<string> {
  const dependencies = await testDependencies(testConfig(3, { LOG_LEVEL: 'silent', ...environment }));
  try {
    const failure: unknown = await runActivity(dependencies.activities.warm.warmStats, WARM).catch(
      (error: unknown) => error,
    );
    const stored = new DefaultFailureConverter().errorToFailure(failure, defaultPayloadConverter);
    return JSON.stringify(stored);
  } finally {
    await dependencies.close();
  }
}

test('a warm with a wrong password of Redis fails without that password in Temporal', async () => {
  const url = testConfig(3).REDIS_URL.replace('//', '//us3r:redis-s3cret@');
  const stored = await storedFailure({ REDIS_URL: url });
  expect(stored).toMatch(/retries|WRONGPASS/);
  expect(stored).not.toMatch(/us3r|s3cret/);
});

test('a warm with a wrong password of Trino fails without that password in Temporal', async () => {
  const password = 'trino-s3cret';
  const refusing = createServer(({ headers }, response) => {
    response.writeHead(401).end(`Wrong credentials: ${headers.authorization}`);
  });
  await once(refusing.listen(0, '127.0.0.1'), 'listening');
  const stored = await storedFailure({
    TRINO_URL: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
    TRINO_PASSWORD: password,
  });
  refusing.close();
  expect(stored).toContain('HTTP 401');
  expect(stored).not.toContain('s3cret');
  expect(stored).not.toContain(Buffer.from(`kol-cache:${password}`).toString('base64'));
});
