import { environmentSchema } from '../../config/config.ts';
import { code, table } from './markdown.ts';

/** docs/configuration.md: every environment variable, from the schema. */
export function renderConfiguration(): string {
  const rows = Object.entries(environmentSchema.shape).map(([name, schema]) => {
    const unset = schema.safeParse(undefined);
    const fallback = !unset.success
      ? '**required**'
      : unset.data === undefined
        ? ''
        : code(String(unset.data));
    return [code(name), fallback, schema.description ?? ''];
  });
  return `# Configuration

All settings come from environment variables. \`npm run docs\` generates this page from \`config/config.ts\`, and a test compares the two.
A program that finds a variable missing or not valid exits and lists all of them.

${table(['variable', 'default', 'meaning'], rows)}
`;
}
