import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEAD_LETTER_MAX_BYTES, TOPICS } from '../../../engines/definitions/kafka.ts';
import { projectFolder } from '../../../engines/paths.ts';

const read = (file: string) => readFile(join(projectFolder, file), 'utf8');

describe('files of the deployment', () => {
  it('deploy/create-topics.sh creates the topics of the local stack', async () => {
    const script = await read('deploy/create-topics.sh');
    const topics = [...script.matchAll(/^([\w.]+):(\d+)$/gm)].map(([, name, count]) => [name, Number(count)]);
    expect(Object.fromEntries(topics)).toEqual(TOPICS);
    expect(script).toContain(`*.dlq) size=${DEAD_LETTER_MAX_BYTES} `);
  });

  it.each(['docker-compose.yml', 'Dockerfile'])('%s names only files that exist', async (file) => {
    const text = await read(file);
    const sources = [...text.matchAll(/\bdist\/([\w/-]+)\.js\b/g)].map(([, path]) => `${path}.ts`);
    const deployFiles = [...text.matchAll(/(?<![\w/])(?:\.\/)?(deploy\/[\w/.-]*\w)/g)].map(
      ([, path]) => path,
    );
    expect(sources.length).toBeGreaterThan(0);
    expect(deployFiles.length).toBeGreaterThan(0);
    const missing = [...sources, ...deployFiles].filter(
      (path) => !existsSync(join(projectFolder, path ?? '')),
    );
    expect(missing).toEqual([]);
  });
});
