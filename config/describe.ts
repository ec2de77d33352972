import { environmentSchema } from './config.ts';

/** docs/configuration.md: a table of every variable, made from the schema so that it cannot go stale. */
export function describeConfiguration(): string {
  const rows = Object.entries(environmentSchema.shape).map(([name, schema]) => {
    const unset = schema.safeParse(undefined);
    const fallback = !unset.success
      ? '**required**'
      : unset.data === undefined
        ? ''
        : `\`${String(unset.data)}\``;
    return `| \`${name}\` | ${fallback} | ${schema.description ?? ''} |`;
  });
  return [
    '# Configuration',
    '',
    'Environment only. Made from `config/config.ts` by `npm run docs`; a test keeps the two equal.',
    '',
    '| variable | default | meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
