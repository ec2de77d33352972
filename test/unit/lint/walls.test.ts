import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { expect, it } from 'vitest';

const projectFolder = fileURLToPath(new URL('../../..', import.meta.url));
const fixturesFolder = join(projectFolder, 'test/lint-fixtures/walls');
const fixtures = readdirSync(fixturesFolder, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

/** The project's configuration without the rules that need types: no fixture is a file of the TypeScript project. */
const eslint = new ESLint({
  cwd: projectFolder,
  overrideConfig: [
    {
      languageOptions: { parserOptions: { projectService: false } },
      rules: tseslint.configs.disableTypeChecked.rules ?? {},
    },
  ],
});

// The path of a fixture is its path in the repository. Its first line is the expected result.
it.each(fixtures)('reports for %s what its first line expects', async (file) => {
  const code = readFileSync(join(fixturesFolder, file), 'utf8');
  const expected = /^\/\/ (?:passes|fails: (.*))\n/.exec(code);
  if (!expected) throw new Error(`${file} does not begin with "// passes" or "// fails: <message>"`);

  const [result] = await eslint.lintText(code, { filePath: join(projectFolder, file) });

  const messages = result?.messages.map(({ message }) => message);
  expect(messages).toEqual(expected[1] ? [expect.stringContaining(expected[1])] : []);
});
