import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ModelFeatures } from '../../../../domain/scoring/trust-model.ts';

/** A response that is no prediction: a status, a body of status 200, or none at all. */
export type Fault = number | 'html' | 'nan' | 'out-of-range' | 'other-id' | 'hang' | 'reset' | 'endless';

export interface Behaviour {
  /** Status of the batch endpoint when the deployment lacks it. */
  readonly lacksBatch?: number;
  /** Larger batches get 413. */
  readonly maxBatch?: number;
  /** Larger batches are not answered in time. */
  readonly maxTimelyBatch?: number;
  /** Profiles that spoil each call that they are in. */
  readonly faults?: Readonly<Record<string, Fault>>;
  /** Fault of a whole call, for any profiles. */
  readonly outage?: (call: Call) => Fault | undefined;
  /** How the service prints an id. */
  readonly printId?: (kolId: string) => string;
  /** The score is the number of followers, not one of the id. */
  readonly scoreByFollowers?: boolean;
  /** Answers a batch in the reverse order. */
  readonly reverse?: boolean;
}

export interface Call {
  readonly path: string;
  readonly kolIds: readonly string[];
  /** Number of the calls before this one. */
  readonly index: number;
}

export type Deployment = Awaited<ReturnType<typeof startDeployment>>;

/** An ML service over HTTP that fails in the ways of real deployments. */
export async function startDeployment() {
  let behaviour: Behaviour = {};
  let calls: Call[] = [];
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { kols?: ModelFeatures[] } & ModelFeatures;
    const profiles = body.kols ?? [body];
    const call = {
      path: request.url ?? '',
      kolIds: profiles.map(({ kol_id }) => kol_id),
      index: calls.length,
    };
    calls.push(call);
    const outage = behaviour.outage?.(call);
    const fault = outage ?? faultOf(behaviour, call, body.kols !== undefined);
    if (fault === 'hang') return;
    if (fault === 'reset') return void response.destroy();
    if (fault === 'endless') return streamWithoutEnd(response);
    if (typeof fault === 'number') response.statusCode = fault;
    if (fault === 301 || fault === 302) response.setHeader('location', '/login');
    response.end(
      bodyOf(fault, profiles, {
        isBatch: body.kols !== undefined,
        isOutage: outage !== undefined,
        behaviour,
      }),
    );
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Forgets the calls before. */
    behave(next: Behaviour) {
      behaviour = next;
      calls = [];
    },
    calls: (): readonly Call[] => calls,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function streamWithoutEnd(response: ServerResponse): void {
  const megabyte = Buffer.alloc(1024 * 1024, ' ');
  const write = () => {
    while (!response.destroyed && response.write(megabyte));
  };
  response.on('drain', write);
  write();
}

function faultOf(behaviour: Behaviour, call: Call, isBatch: boolean): Fault | undefined {
  const { lacksBatch, maxBatch = Infinity, maxTimelyBatch = Infinity, faults = {} } = behaviour;
  if (isBatch && lacksBatch !== undefined) return lacksBatch;
  if (isBatch && call.kolIds.length > maxBatch) return 413;
  if (isBatch && call.kolIds.length > maxTimelyBatch) return 'hang';
  return call.kolIds.map((id) => faults[id]).find((fault) => fault !== undefined);
}

function bodyOf(
  fault: Fault | undefined,
  profiles: readonly ModelFeatures[],
  { isBatch, isOutage, behaviour }: { isBatch: boolean; isOutage: boolean; behaviour: Behaviour },
) {
  if (fault === 'html') return '<html><body>Welcome to nginx!</body></html>';
  if (typeof fault === 'number') return JSON.stringify({ detail: `status ${fault}` });
  const { faults = {}, printId = (id: string) => id, scoreByFollowers, reverse } = behaviour;
  const predictions = profiles.map(({ kol_id, followers_count }) => {
    // The fault of the call is that of one profile, unless it is an outage.
    const own = isOutage ? fault : faults[kol_id];
    return {
      kol_id: own === 'other-id' ? 'somebody else' : printId(kol_id),
      trust_score: own === 'out-of-range' ? 100.01 : scoreByFollowers ? followers_count : scoreOf(kol_id),
      is_trustworthy: true,
      confidence: 0.9,
      risk_level: 'low',
      prediction_source: 'model',
      model_version: 'v1',
      timestamp: '2026-01-31T12:00:00Z',
    };
  });
  if (reverse) predictions.reverse();
  const json = JSON.stringify(isBatch ? { predictions } : predictions[0]);
  // Python prints the float NaN so.
  return fault === 'nan' ? json.replace('0.9', 'NaN') : json;
}

/** A different score for each profile. */
export const scoreOf = (kolId: string): number =>
  [...kolId].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 10_007, 0) / 100.07;
