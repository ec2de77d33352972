import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseLoopChange,
  parseScoringLoopInput,
  parseSeekTarget,
  type ScoringLoopInput,
} from '../../../contract/scoring-loop.ts';

const topic = 'kol.profiles.raw';
/** Any JSON can arrive as input, because any client can start a workflow. */
const parseInput = (given: unknown) => parseScoringLoopInput(given as ScoringLoopInput);

describe('parseScoringLoopInput', () => {
  test('needs only a topic', () => {
    expect(parseInput({ topic })).toEqual({
      value: {
        topic,
        kind: 'profiles',
        group: null,
        shard: 0,
        settings: {},
      },
    });
  });

  test('knows what the events of the input topics are', () => {
    expect(parseInput({ topic: 'kol.videos.raw' })).toMatchObject({ value: { kind: 'videos' } });
  });

  test('keeps what is given', () => {
    const given = { topic, kind: 'videos', group: 'g', shard: 3, settings: { trigger: 'available' } };
    expect(parseInput(given)).toEqual({ value: given });
  });

  test('does not check the state that continue-as-new hands over', () => {
    expect(parseInput({ topic, carried: { paused: 7 } })).toEqual(parseInput({ topic }));
  });

  test.each([
    ['topic', undefined],
    ['topic', ''],
    ['topic', 'a b'],
    ['topic', 'x'.repeat(250)],
    ['kind', 'comments'],
    ['group', 'a/b'],
    ['shard', -1],
    ['shard', 1.5],
    ['settings', { speed: 11 }],
    ['settings', { maxOffsets: 0 }],
    ['tpoic', topic],
  ])('refuses %s = %j', (name, value) => {
    expect(parseInput({ topic, [name]: value })).toMatchObject({ invalid: [{ name }] });
  });

  test.each([[undefined], [null], ['kol.profiles.raw'], [7], [[topic]]])('refuses %j', (given) => {
    expect(parseInput(given)).toHaveProperty('invalid');
  });
});

describe('parseLoopChange', () => {
  test.each([
    {},
    { maxOffsets: 1 },
    { maxOffsets: 10_000 },
    { trigger: 0.1 },
    { trigger: 3600 },
    { maxOffsets: 5, trigger: 'available' },
    { lateEvents: 'drop', sliceSeconds: 1, group: 'g', by: 'ana' },
  ])('accepts %j and adds nothing, so that absent settings keep their value', (settings) => {
    expect(parseLoopChange(settings)).toStrictEqual({ value: settings });
  });

  test.each([
    ['maxOffsets', 0],
    ['maxOffsets', 10_001],
    ['maxOffsets', 1.5],
    ['maxOffsets', '5'],
    ['trigger', 0],
    ['trigger', 0.09],
    ['trigger', 3601],
    ['trigger', 'often'],
    ['lateEvents', 'forget'],
    ['sliceSeconds', 0.5],
    ['sliceSeconds', 601],
    ['group', 'a/b'],
    ['speed', 11],
  ])('refuses %s = %j', (name, value) => {
    expect(parseLoopChange({ [name]: value })).toMatchObject({ invalid: [{ name, given: value }] });
  });
});

describe('parseSeekTarget', () => {
  test.each([
    [{ time: '2026-01-01T00:00:00Z' }],
    [{ offsets: { 0: 42, 11: 0 } }],
    [{ end: 'earliest' }],
    [{ end: 'latest' }],
  ])('accepts %j', (target) => {
    expect(parseSeekTarget(target)).toEqual({ value: target });
  });

  test.each([
    [{ time: 'yesterday' }],
    [{ offsets: {} }],
    [{ offsets: { 0: -1 } }],
    [{ offsets: { 0: 1.5 } }],
    [{ offsets: { zero: 1 } }],
    // Number('') is 0, Number('1e1') is 10: only digits name a partition.
    [{ offsets: { '': 1 } }],
    [{ offsets: { '1e1': 1 } }],
    [{ offsets: { ' 2 ': 1 } }],
    [{ offsets: { '-1': 1 } }],
    // Two names of one partition would move it twice.
    [{ offsets: { '01': 1 } }],
    [{ offsets: { 0: 1, '00': 2 } }],
    [{ end: 'middle' }],
    [{ end: 'latest', time: '2026-01-01T00:00:00Z' }],
    [{}],
    ['latest'],
    [null],
    [undefined],
  ])('refuses %j and shows each form that is accepted', (target) => {
    expect(parseSeekTarget(target)).toMatchObject({
      invalid: [{ name: 'seek', accepted: expect.stringMatching(/"time".*"offsets".*"end"/) as string }],
    });
  });
});

test('no JSON makes these functions throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (given) => {
      for (const parse of [parseInput, parseLoopChange, parseSeekTarget]) parse(given);
      parseInput({ topic, settings: given });
      parseSeekTarget({ offsets: given });
    }),
  );
});
