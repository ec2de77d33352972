import { once, setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createColdScores } from '../../../../cache/reading/cold-scores.ts';
import { createMlApi, type MlApi } from '../../../../clients/ml-api.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import { profileOf } from '../../../support/model-features.ts';
import { until } from '../../../support/until.ts';
import { startDeployment } from '../../clients/ml-api/deployment.ts';

/** These limits end no call during a test. */
const PATIENT = { sharedSeconds: 60, aloneSeconds: 60 };

let server: Server;
let mlApi: MlApi;
/** Calls that arrived, and those whose connection was closed without an answer. */
let calls: number;
let cancelled: number;
/** A model that never answers. */
beforeEach(async () => {
  [calls, cancelled] = [0, 0];
  server = createServer((_, response) => {
    calls += 1;
    response.once('close', () => (cancelled += 1));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  mlApi = createMlApi({ url: `http://127.0.0.1:${port}`, timeoutSeconds: 60, concurrency: 2 });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await mlApi.close();
});

test('cancels the call of the model when the last client that needs its scores has left, and not before', async () => {
  const score = createColdScores(mlApi, PATIENT);
  const clients = [new AbortController(), new AbortController()];
  const loads = clients.map(({ signal }, index) => score(profileOf(`kol-${index}`), signal));
  const settled = Promise.allSettled(loads);
  await until('the model is called', () => Promise.resolve(calls === 1), 10);
  clients[0]?.abort(new Error('left'));
  expect(cancelled).toBe(0);
  clients[1]?.abort(new Error('left'));
  await until('the call is cancelled', () => Promise.resolve(cancelled === 1), 10);
  expect(await settled).toMatchObject([{ reason: { message: 'left' } }, { reason: { message: 'left' } }]);
});

test('refuses profiles while 1,000 wait, and accepts them again afterwards', async () => {
  const score = createColdScores(mlApi, PATIENT);
  const client = new AbortController();
  setMaxListeners(0, client.signal);
  const loads = Array.from({ length: 1000 }, (_, index) => score(profileOf(`kol-${index}`), client.signal));
  const settled = Promise.allSettled(loads);
  await expect(score(profileOf('another'), client.signal)).rejects.toThrow(MlApiUnavailableError);
  client.abort(new Error('left'));
  await settled;
  const next = new AbortController();
  const accepted = score(profileOf('another'), next.signal);
  next.abort(new Error('was accepted'));
  await expect(accepted).rejects.toThrow('was accepted');
});

test('one profile that makes the model hang does not hold up the others', async () => {
  const model = await startDeployment();
  model.behave({ faults: { hangs: 'hang' } });
  const api = createMlApi({ url: model.url, timeoutSeconds: 60, concurrency: 8 });
  const score = createColdScores(api, { ...PATIENT, sharedSeconds: 0.2 });
  const client = new AbortController();
  const load = (id: string) => score(profileOf(id), client.signal);
  const hanging = load('hangs');
  expect(await Promise.all(['a', 'b', 'c'].map(load))).toHaveLength(3);
  client.abort(new Error('left'));
  await expect(hanging).rejects.toThrow('left');
  await api.close();
  await model.stop();
});

test('a model that hangs is unavailable, and after 10 unanswered calls it is not called for a while', async () => {
  const score = createColdScores(mlApi, { sharedSeconds: 0.05, aloneSeconds: 0.05 });
  const load = () => score(profileOf('kol-1'), new AbortController().signal).catch((error: unknown) => error);
  expect(await load()).toBeInstanceOf(MlApiUnavailableError);
  let failure: unknown;
  await until('the circuit is open', async () => {
    failure = await load();
    return String(failure).includes('the circuit is open');
  });
  expect(failure).toBeInstanceOf(MlApiUnavailableError);
});
