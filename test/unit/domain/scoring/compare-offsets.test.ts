import { describe, expect, test } from 'vitest';
import { compareOffsets } from '../../../../domain/scoring/compare-offsets.ts';

describe('comparing known and committed offsets', () => {
  test('equal offsets and new partitions are no difference', () => {
    expect(compareOffsets({ 0: 5, 1: 7 }, { 0: 5, 1: 7, 2: 0 }, [])).toBeUndefined();
    expect(compareOffsets({}, { 0: 5 }, [])).toBeUndefined();
  });

  test('lists partitions that are ahead, behind and forgotten', () => {
    expect(compareOffsets({ 0: 5, 1: 7, 2: 9, 3: 1 }, { 0: 6, 1: 3, 2: 9, 3: 1 }, [2])).toEqual({
      ahead: [0],
      behind: [1],
      forgotten: [2],
    });
  });
});
