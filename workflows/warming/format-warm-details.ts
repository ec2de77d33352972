import { asCode } from '../as-code.ts';
import type { WarmCacheOptions, WarmReport } from '../../contract/warm-cache.ts';
import { formatMemory } from '../../domain/warming/redis-memory.ts';
import { formatPartNotes, type PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import type { WarmScope } from '../../domain/warming/warm-scope.ts';

/** Result of the warm of one part. */
export type PartResult = PartReport | { readonly error: string };
/** The result of each part; null while it is being warmed. */
export type PartProgress = ReadonlyMap<WarmPart, PartResult | null>;

/**
 * A warm as Markdown, for the Temporal UI: the requester, the progress of each part, and finally the problems for an operator.
 * @param report once the warm is done
 */
export function formatWarmDetails(
  { trigger, requestedBy, dryRun, allProfiles, force, allowShrink, scopes }: WarmCacheOptions,
  progress: PartProgress,
  report?: WarmReport,
): string {
  const how = [
    ...(allProfiles ? ['all profiles'] : []),
    ...(force ? ['unchanged tables too'] : []),
    ...(allowShrink ? ['shrunken sets too'] : []),
  ];
  return [
    `${dryRun ? 'Dry run' : 'Warm'}, trigger **${trigger}**, requested by ${asCode(requestedBy)}${how.length > 0 ? ` (${how.join(', ')})` : ''}`,
    '',
    '| part | state | rows read | written | renewed | removed | cached | ms | notes |',
    '|---|---|---|---|---|---|---|---|---|',
    ...[...progress].map(([part, result]) => formatPart(part + formatScope(scopes[part]), result)),
    ...(report === undefined ? [] : formatFindings(report)),
  ].join('\n');
}

function formatPart(part: string, result: PartResult | null): string {
  if (result === null) return `| ${part} | … | | | | | | | |`;
  if ('error' in result) return `| ${part} | failed: ${cell(result.error)} | | | | | | | |`;
  const { rowsRead, keys, renewed, removed, cached, durationMs } = result;
  const counts = [rowsRead, keys, renewed, removed, cached, durationMs].join(' | ');
  return `| ${part} | done | ${counts} | ${formatPartNotes(result).map(cell).join('; ')} |`;
}

const formatFindings = ({ renamed, memory, warnings }: WarmReport): string[] => [
  '',
  ...(memory === null ? [] : [`- ${formatMemory(memory)}`]),
  ...renamed.map((one) => `- column ${asCode(one)}`),
  ...warnings.map((one) => `- **${asCode(one)}**`),
];

function formatScope(scope: WarmScope | undefined): string {
  if (scope?.ids !== undefined) return ` (${scope.ids.length} ids)`;
  return scope?.platforms === undefined ? '' : ` (${scope.platforms.join(', ')})`;
}

/** Text with values from outside, for the cell of a table. */
const cell = (text: string): string => asCode(text).replaceAll('|', '\\|');
