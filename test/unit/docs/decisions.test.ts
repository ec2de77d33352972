import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryFiles } from '../../support/repository-files.ts';

const files = repositoryFiles().filter((path) => /\.(ts|mjs|js|md|sh|yml|json|bash)$|Dockerfile$/.test(path));
const topFolders = readdirSync('.', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
  .map(({ name }) => name)
  .filter((name) => name !== 'dist');

/** A path from the root of the repository, such as domain/values/text-ids.ts; relative imports begin with a dot and do not match. */
const CITED_PATH = new RegExp(
  `(?<![\\w./@-])(?:${topFolders.join('|')})/[\\w./-]*\\.(?:ts|mjs|js|md|sh|yml|json|properties)\\b`,
  'g',
);

describe('citations', () => {
  test('every path in comments, code and documents names a file that exists', () => {
    const cited = files.flatMap((file) =>
      [...new Set(readFileSync(file, 'utf8').match(CITED_PATH))].map((path) => ({ file, path })),
    );
    expect(cited.length).toBeGreaterThan(100);
    expect(cited.filter(({ path }) => !existsSync(path))).toEqual([]);
  });

  test('every link of a document leads to a file and to a heading that exist', () => {
    const links = files
      .filter((path) => path.endsWith('.md'))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(LOCAL_LINK)].map(([, path = '', anchor]) => ({
          file,
          target: path === '' ? file : join(dirname(file), path),
          anchor,
        })),
      );
    expect(links.length).toBeGreaterThan(30);
    const isBroken = ({ target, anchor }: (typeof links)[number]) =>
      !existsSync(target) || (anchor !== undefined && !anchors(target).includes(anchor));
    expect(links.filter(isBroken)).toEqual([]);
  });
});

const LOCAL_LINK = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g;

/** Anchors of the headings of a page, as GitHub builds them. */
const anchors = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('decision records', () => {
  const records = readdirSync('docs/decisions');

  test('are numbered without gaps', () => {
    expect(records.map((name) => Number(name.slice(0, 4)))).toEqual(records.map((_, index) => index + 1));
  });

  test.each(records)('%s has its number and the four sections', (name) => {
    const text = readFileSync(join('docs/decisions', name), 'utf8');
    expect(text).toMatch(new RegExp(`^# ${Number(basename(name).slice(0, 4))}\\. \\S`));
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'Context',
      'Decision',
      'Consequences',
      'Rejected options',
    ]);
  });

  test('0011 names every runtime dependency that the owner did not fix', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const fixed = /^(@temporalio\/.*|ioredis|kafkajs|trino-client|express)$/;
    const text = readFileSync('docs/decisions/0011-libraries.md', 'utf8');
    const missing = Object.keys(dependencies).filter(
      (name) => !fixed.test(name) && !text.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
  });
});
