import { readFile } from 'node:fs/promises';
import * as prettier from 'prettier';
import { cacheSections } from './cache-keys.ts';
import { renderConfiguration } from './configuration.ts';
import { fillSections } from './markdown.ts';
import { modelSections } from './ml-api.ts';
import { renderReadStates } from './read-states.ts';
import { silverSections } from './silver-tables.ts';
import { topicSections } from './topics.ts';

export interface GeneratedDoc {
  /** Path in the repository. */
  readonly path: string;
  readonly text: string;
}

/**
 * Every document that is generated from the code, as it must be on disk. In docs/contract.md only the parts between markers are
 * generated; the text around them is written by hand.
 */
export async function generateDocs(): Promise<GeneratedDoc[]> {
  const contract = fillSections(await readFile('docs/contract.md', 'utf8'), {
    ...cacheSections(),
    ...silverSections(),
    ...topicSections(),
    ...modelSections(),
  });
  return Promise.all([
    format('docs/configuration.md', renderConfiguration()),
    format('docs/contract.md', contract),
    format('docs/what-happens-to-a-read.md', renderReadStates()),
  ]);
}

async function format(path: string, text: string): Promise<GeneratedDoc> {
  const options = await prettier.resolveConfig(path);
  return { path, text: await prettier.format(text, { ...options, filepath: path }) };
}
