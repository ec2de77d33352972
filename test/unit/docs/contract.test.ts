import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { internalKeys, publicKeys } from '../../../docs/generate/cache-keys.ts';
import { describeNames, fillSections } from '../../../docs/generate/markdown.ts';
import { parseCount } from '../../../domain/scoring/parse-count.ts';
import { parseProfileEvent } from '../../../domain/scoring/parse-profile-event.ts';
import { parseVideoEvent } from '../../../domain/scoring/parse-video-event.ts';
import { tableRows } from '../../support/repository-files.ts';

const contract = readFileSync('docs/contract.md', 'utf8');
const now = Date.parse('2026-11-22T10:00:00Z');
const encode = (event: unknown) => ({
  value: Buffer.from(JSON.stringify(event)),
  timestampMs: now,
});

describe('cache keys', () => {
  test('the contract describes every entity of domain/entities', async () => {
    const modules = await Promise.all(
      readdirSync('domain/entities').map(
        (file) =>
          import(/* @vite-ignore */ resolve('domain/entities', file)) as Promise<Record<string, unknown>>,
      ),
    );
    const names = modules
      .flatMap((exports) => Object.values(exports))
      .flatMap((value) => (isEntity(value) ? [value.name] : []));
    const described = [...publicKeys, ...internalKeys].map(({ entity }) => entity);
    expect(names.length).toBeGreaterThan(8);
    expect([...new Set(described)].sort()).toEqual(names.sort());
  });

  test('every key has a content and a writer', () => {
    for (const { pattern, content, writers } of [...publicKeys, ...internalKeys])
      expect([pattern, content, writers].every((text) => text.length > 0)).toBe(true);
  });
});

function isEntity(value: unknown): value is { name: string } {
  return typeof value === 'object' && value !== null && 'key' in value && 'name' in value;
}

describe('events', () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([
    ['Profile event', parseProfileEvent],
    ['Video event', parseVideoEvent],
  ])('the fields of a "%s" are exactly those that its parser reads', (heading, parse) => {
    const read = new Set<string>();
    const fields = { platform: 'tiktok', username: 'zoe', video_id: '1' };
    vi.spyOn(JSON, 'parse').mockReturnValue(
      new Proxy<Record<string, unknown>>(fields, {
        get(target, name) {
          read.add(String(name));
          return target[String(name)];
        },
      }),
    );
    expect(parse(encode({}), now).kind).toBe('ok');
    const described = tableRows(contract, heading).flatMap(([names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect([...read].sort()).toEqual(described.sort());
  });

  test.each([
    ['Profile event', parseProfileEvent],
    ['Video event', parseVideoEvent],
  ])('the example of a "%s" is valid', (heading, parse) => {
    const [, section = ''] = contract.split(`### ${heading}`);
    const [, example = ''] = /```json\n([^]*?)```/.exec(section) ?? [];
    expect(parse(encode(JSON.parse(example)), now)).toMatchObject({ kind: 'ok' });
  });

  test('counts are accepted and refused according to the contract', () => {
    const rows = tableRows(contract, 'Forms of values');
    expect(rows.length).toBeGreaterThan(8);
    for (const [text = '', count = ''] of rows) {
      const expected = count === 'refused' ? null : Number(count);
      expect([text, parseCount(JSON.parse(text.slice(1, -1)) as string)]).toEqual([text, expected]);
    }
  });
});

describe('generator', () => {
  test('refuses a name without a description, and a description without a name', () => {
    const doc = { type: 'text', meaning: 'a field' };
    expect(() => describeNames('x', ['a', 'b'], { a: doc })).toThrow('b has no description');
    expect(() => describeNames('x', ['a'], { a: doc, gone: doc })).toThrow('not in the code: gone');
  });

  test('replaces what is between the markers, and refuses a section that it cannot fill', () => {
    const page = 'text\n\n<!-- generated: one -->\nold\n<!-- end of generated part -->\n';
    const filled = fillSections(page, { one: 'new' });
    expect(filled).toContain('text\n\n<!-- generated: one -->\n\nnew\n\n<!--');
    expect(fillSections(filled, { one: 'new' })).toBe(filled);
    expect(() => fillSections(page, {})).toThrow('nothing generates the section one');
    expect(() => fillSections(page, { one: 'new', two: 'x' })).toThrow('no section two');
  });
});
