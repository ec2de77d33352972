import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../config/config.ts';
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

  it.each(['docker-compose.yml', 'Dockerfile', 'docs/deployment.md'])(
    '%s names only files that exist',
    async (file) => {
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
    },
  );

  it('docs/deployment.md names the variables that Compose takes from the shell, and no others', async () => {
    const [, variables = ''] = /^### Variables$([^]*?)^###? /m.exec(await read('docs/deployment.md')) ?? [];
    const names = (text: string) =>
      [...text.matchAll(/`([A-Z][A-Z0-9_]*\*?)`/g)].map(([, name = '']) => name);
    const rows = variables.split('\n').filter((line) => line.startsWith('| '));
    const rest = rows.find((line) => line.startsWith('| the rest')) ?? '';
    const [included = '', excluded = ''] = rest.split(' without ');
    const named = [...rows.flatMap((line) => names(line.split('|')[1] ?? '')), ...names(included)];
    const isNamed = (variable: string) =>
      !names(excluded).includes(variable) &&
      named.some((name) => (name.endsWith('*') ? variable.startsWith(name.slice(0, -1)) : variable === name));
    const compose = await read('docker-compose.yml');
    const settings = Object.keys(environmentSchema.shape);
    expect(settings.filter(isNamed)).toEqual(settings.filter((name) => compose.includes(`\${${name}:-`)));
  });
});
