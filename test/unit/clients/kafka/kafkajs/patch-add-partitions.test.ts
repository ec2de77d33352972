import { createRequire } from 'node:module';
import { beforeAll, expect, test } from 'vitest';
import { patchAddPartitions } from '../../../../../clients/kafka/kafkajs/patch-add-partitions.ts';

/** The patch changes an internal object of kafkajs. This test fails if a new version changes that object. */
const require = createRequire(import.meta.url);
const Broker = require('kafkajs/src/broker') as new (options: object) => {
  lookupRequest: () => (request: object) => object;
  addPartitionsToTxn(request: object): Promise<unknown>;
};
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error;
};
const CONCURRENT_TRANSACTIONS = 51;
const INVALID_PRODUCER_EPOCH = 47;

beforeAll(patchAddPartitions);

/** Adds partitions at a broker that answers the first requests with these errors. @returns the requests that it got */
async function addPartitions(...errorCodes: number[]): Promise<object[]> {
  const requests: object[] = [];
  const send = (request: object) => {
    requests.push(request);
    const code = errorCodes.shift();
    return code === undefined ? Promise.resolve({}) : Promise.reject(createErrorFromCode(code));
  };
  const broker = new Broker({ connectionPool: { send }, logger: { namespace: () => undefined } });
  broker.lookupRequest = () => (request) => request;
  const outcome = broker.addPartitionsToTxn({ topics: ['t'] });
  await outcome.catch((error: unknown) => requests.push(error as Error));
  return requests.map((request) => ('type' in request ? { type: request.type } : request));
}
const request = expect.objectContaining({ topics: ['t'] }) as object;

test('partitions that are refused because the last transaction is not complete are added again', async () => {
  expect(await addPartitions(CONCURRENT_TRANSACTIONS, CONCURRENT_TRANSACTIONS)).toEqual([
    request,
    request,
    request,
  ]);
});

test('any other refusal is an error', async () => {
  expect(await addPartitions(INVALID_PRODUCER_EPOCH)).toEqual([request, { type: 'INVALID_PRODUCER_EPOCH' }]);
});
