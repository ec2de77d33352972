import { describe, expect, test } from 'vitest';
import { compareOffsets } from '../../../../domain/scoring/compare-offsets.ts';

describe('what Kafka says of the positions', () => {
  test('agrees with the loop, also on partitions that are new', () => {
    expect(compareOffsets({ 0: 5, 1: 7 }, { 0: 5, 1: 7, 2: 0 }, [])).toBeUndefined();
    expect(compareOffsets({}, { 0: 5 }, [])).toBeUndefined();
  });

  test('is told apart: further, further back, and forgotten', () => {
    expect(compareOffsets({ 0: 5, 1: 7, 2: 9, 3: 1 }, { 0: 6, 1: 3, 2: 9, 3: 1 }, [2])).toEqual({
      ahead: [0],
      behind: [1],
      forgotten: [2],
    });
  });
});
