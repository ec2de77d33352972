import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalisedId, readBatch, readSingle } from '../../../../clients/ml-api/predictions.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import type { ModelFeatures } from '../../../../domain/scoring/trust-model.ts';

const profile = (kol_id: string) => ({ kol_id }) as ModelFeatures;
const prediction = (kol_id: string, more: object = {}) => ({
  kol_id,
  trust_score: 80,
  is_trustworthy: true,
  confidence: 0.9,
  risk_level: 'low',
  prediction_source: 'model',
  model_version: 'v1',
  timestamp: '2026-01-31T12:00:00Z',
  ...more,
});
const response = (body: unknown, status = 200) => ({
  path: '/predict/trust',
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const single = (body: unknown, status?: number) => readSingle(response(body, status), profile('a'));
/** The id and the score of each prediction, in order; or the kind of the outcome. */
function batch(profiles: readonly string[], answers: readonly object[]) {
  const outcome = readBatch(response({ predictions: answers }), profiles.map(profile));
  if (outcome.kind !== 'scored') return outcome.kind;
  return outcome.predictions.map(({ kol_id, trust_score }) => [kol_id, trust_score]);
}

describe('the status of a response', () => {
  const statuses = fc.integer({ min: 100, max: 599 });
  const refusing = [400, 413, 422];
  const noEndpoint = [404, 405, 501];

  test('of a single call means a refusal, a failure to be judged, or an outage', () => {
    fc.assert(
      fc.property(statuses, (status) => {
        const read = () => single('{}', status).kind;
        if (refusing.includes(status)) expect(read()).toBe('refused');
        else if (status >= 500 || (status >= 200 && status < 300)) expect(read()).toBe('failed');
        else expect(read).toThrow(MlApiUnavailableError);
      }),
      { numRuns: 1000 },
    );
  });

  test('of a batch gives the same outcome, or a missing endpoint', () => {
    fc.assert(
      fc.property(statuses, (status) => {
        const read = () => readBatch(response('{}', status), [profile('a')]).kind;
        if (noEndpoint.includes(status)) expect(read()).toBe('no-endpoint');
        else if (refusing.includes(status)) expect(read()).toBe('refused');
        else if (status >= 500 || (status >= 200 && status < 300)) expect(read()).toBe('failed');
        else expect(read).toThrow(MlApiUnavailableError);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a prediction', () => {
  test.each([
    ['trust_score', 100],
    ['confidence', 1],
  ])(
    'has a %s from 0 to %d; noise up to 0.001 beyond is cut off, more is no prediction',
    (field, maximum) => {
      fc.assert(
        fc.property(fc.double({ min: -0.01, max: maximum + 0.01, noNaN: true }), (value) => {
          const outcome = single(prediction('a', { [field]: value }));
          const isNoise = value >= -1e-3 && value <= maximum + 1e-3;
          expect(outcome.kind).toBe(isNoise ? 'scored' : 'failed');
          if (outcome.kind === 'scored')
            expect(outcome.predictions[0]).toMatchObject({ [field]: Math.min(maximum, Math.max(0, value)) });
        }),
      );
      for (const value of [-1e-3, maximum + 1e-3])
        expect(single(prediction('a', { [field]: value })).kind).toBe('scored');
    },
  );

  test.each([
    ['HTML', '<html>', 'the response is not JSON: <html>'],
    ['NaN, as Python prints it', JSON.stringify(prediction('a')).replace('80', 'NaN'), 'not JSON'],
    ['a score of null', prediction('a', { trust_score: null }), 'not a prediction: trust_score: '],
    ['an unknown risk level', prediction('a', { risk_level: 'none' }), 'not a prediction: risk_level: '],
    ['a prediction of somebody else', prediction('b'), 'no prediction for one of the profiles'],
    ['nothing', '', 'not JSON'],
  ])('is not %s', (_, body, reason) => {
    expect(single(body)).toEqual({ kind: 'failed', reason: expect.stringContaining(reason) as string });
  });
});

test.each(['kol_id', 'prediction_source', 'model_version', 'timestamp'])(
  'a prediction whose %s is longer than 1,024 characters is not valid',
  (field) => {
    const outcome = single(prediction('a', { [field]: 'a'.repeat(1025) }));
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining(field) as string });
  },
);

describe('the predictions of a batch', () => {
  /** What services do to ids. */
  const prints = fc.constantFrom<(kolId: string) => string>(
    (kolId) => ` ${kolId.trim()}`,
    (kolId) => kolId.replace(/\s/g, '').replace(/^@+/, ''),
    (kolId) => kolId.toLowerCase(),
    (kolId) => kolId.toUpperCase(),
    ...['NFC', 'NFD', 'NFKC', 'NFKD'].map((form) => (kolId: string) => kolId.normalize(form)),
  );
  const print = fc
    .array(prints, { maxLength: 4 })
    .map((steps) => (kolId: string) => steps.reduce((printed, step) => step(printed), kolId));
  const letters = [...'abAB@ 1éÉßẞİıςΣﬁＡ①ªКK', 'e\u0301', '\u200d', '\u{1d49c}'];
  const kolId = fc.oneof(
    fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  );
  const kolIds = fc.uniqueArray(kolId, { minLength: 1, maxLength: 8 });
  const inAnyOrder = kolIds.chain((profiles) => {
    const order = profiles.map((_, index) => index);
    return fc.record({
      profiles: fc.constant(profiles),
      order: fc.shuffledSubarray(order, { minLength: order.length }),
    });
  });
  /** Each profile has its index as score. */
  const answersTo = (profiles: readonly string[], print = (id: string) => id) =>
    profiles.map((id, index) => prediction(print(id), { trust_score: index }));
  const expected = (profiles: readonly string[]) => profiles.map((id, index) => [id, index]);

  test('with the ids of the request belong to these, in any order and among others', () => {
    fc.assert(
      fc.property(inAnyOrder, fc.boolean(), ({ profiles, order }, others) => {
        const answers = answersTo(profiles);
        const shuffled = order.map((index) => answers[index] ?? {});
        const more = others ? [prediction('somebody else')] : [];
        expect(batch(profiles, [...shuffled, ...more])).toEqual(expected(profiles));
      }),
    );
  });

  const distinct = inAnyOrder.filter(
    ({ profiles }) => new Set(profiles.map(normalisedId)).size === profiles.length,
  );

  test('with normalised ids belong to the profiles whose ids are the same then, in any order', () => {
    fc.assert(
      fc.property(distinct, print, ({ profiles, order }, printed) => {
        const answers = answersTo(profiles, printed);
        const shuffled = order.map((index) => answers[index] ?? {});
        expect(batch(profiles, answers)).toEqual(expected(profiles));
        expect(batch(profiles, shuffled)).toEqual(expected(profiles));
      }),
      { numRuns: 1000 },
    );
  });

  test('are no answer when one of them is of somebody else, wherever it is', () => {
    fc.assert(
      fc.property(distinct, print, fc.nat(), kolId, ({ profiles }, printed, at, foreign) => {
        fc.pre(!profiles.map(normalisedId).includes(normalisedId(foreign)));
        const answers = answersTo(profiles, printed);
        answers[at % answers.length] = prediction(printed(foreign));
        expect(batch(profiles, answers)).toBe('failed');
      }),
      { numRuns: 1000 },
    );
  });

  test('are never those of another profile: what is ambiguous is no answer', () => {
    expect(batch(['Bob', 'bob'], [prediction('bob'), prediction('bob'), prediction('x')])).toBe('failed');
    expect(batch(['a', 'a', 'b'], answersTo(['a', 'a', 'b']))).toBe('failed');
    expect(batch(['a', 'b'], answersTo(['b', 'A', 'c']))).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
  });

  test('are missing when one profile has none', () => {
    expect(batch(['a', 'b'], [prediction('a')])).toBe('failed');
    expect(batch(['a', 'b'], [prediction('a'), prediction('c')])).toBe('failed');
  });
});
