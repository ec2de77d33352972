import { z } from 'zod';
import { environmentSchema } from '../../config/config.ts';
import { code, table } from './markdown.ts';

/** docs/configuration.md: every environment variable, from the schema. */
export function renderConfiguration(): string {
  const rows = Object.entries(environmentSchema.shape).map(([name, schema]) => {
    const unset = schema.safeParse(undefined);
    const fallback = unset.success ? String(unset.data ?? '') : undefined;
    return [
      code(name),
      fallback === undefined ? '**required**' : fallback && code(fallback),
      formatValues(z.toJSONSchema(schema, { unrepresentable: 'any' })),
      schema.description ?? '',
    ];
  });
  return `# Configuration

All settings come from environment variables. \`npm run docs\` generates this page from \`config/config.ts\`, and a test compares the two.
A program that finds a variable missing or not valid exits and lists all of them.

${table(['variable', 'default', 'values', 'meaning'], rows)}
`;
}

type Schema = z.core.JSONSchema.BaseSchema;

/** Names the limits of a number and the words of a choice; nothing for other kinds of values. */
function formatValues({ enum: words, const: word, anyOf, items, ...number }: Schema): string {
  if (words !== undefined) return words.map((each) => code(String(each))).join(', ');
  if (word !== undefined) return code(String(word));
  if (anyOf !== undefined) return anyOf.map((each) => formatValues(each) || 'text').join(', or ');
  if (items !== undefined) return formatValues(items as Schema);
  return number.type === 'number' || number.type === 'integer' ? formatLimits(number) : '';
}

function formatLimits({ type, minimum, exclusiveMinimum, maximum }: Schema): string {
  const from = minimum === undefined ? `above ${exclusiveMinimum}` : String(minimum);
  // Zod gives numbers without a limit the largest that is exact, or none.
  const isLimited = typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER;
  const to = isLimited ? ` to ${maximum}` : minimum === undefined ? '' : ' or more';
  return `${from}${to}${type === 'integer' ? ', whole' : ''}`;
}
