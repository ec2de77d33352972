import { formatMemory } from '../../domain/warming/redis-memory.ts';
import {
  formatPartNotes,
  type PartReport,
  type WarmOptions,
  type WarmPart,
  type WarmScope,
  type WarmTrigger,
} from '../../domain/warming/warm-parts.ts';
import type { WarmReport } from './warm-cache.ts';

/** What the warm of a part came to. */
export type PartResult = PartReport | { readonly error: string };
/** The parts; null while one is warmed. */
type Progress = ReadonlyMap<WarmPart, PartResult | null>;

interface WarmHeading extends WarmOptions {
  readonly trigger: WarmTrigger;
  readonly requestedBy: string;
}

/**
 * A warm for the Temporal UI, as Markdown: who asked for what, how far each part is, and at the end what is to be looked at.
 * @param report once there is one
 */
export function formatWarmDetails(
  warm: WarmHeading,
  scopes: Partial<Readonly<Record<WarmPart, WarmScope>>>,
  progress: Progress,
  report?: Pick<WarmReport, 'renamed' | 'memory' | 'warnings'>,
): string {
  const how = [
    ...(warm.allProfiles ? ['all profiles'] : []),
    ...(warm.force ? ['unchanged tables too'] : []),
    ...(warm.allowShrink ? ['shrunken sets too'] : []),
  ];
  return [
    `${warm.dryRun ? 'Dry run' : 'Warm'}, triggered by **${warm.trigger}**, asked for by ${cell(warm.requestedBy)}${how.length > 0 ? ` (${how.join(', ')})` : ''}`,
    '',
    '| part | state | rows read | keys | renewed | removed | ms | notes |',
    '|---|---|---|---|---|---|---|---|',
    ...[...progress].map(([part, result]) => row(part + describeScope(scopes[part]), result)),
    ...(report === undefined ? [] : ending(report)),
  ].join('\n');
}

function row(part: string, result: PartResult | null): string {
  if (result === null) return `| ${part} | … | | | | | | |`;
  if ('error' in result) return `| ${part} | failed: ${cell(result.error)} | | | | | | |`;
  const { rowsRead, keys, renewed, removed, durationMs } = result;
  const counts = [rowsRead, keys, renewed, removed, durationMs].join(' | ');
  return `| ${part} | done | ${counts} | ${cell(formatPartNotes(result).join('; '))} |`;
}

const ending = ({
  renamed,
  memory,
  warnings,
}: Pick<WarmReport, 'renamed' | 'memory' | 'warnings'>): string[] => [
  '',
  ...(memory === null ? [] : [`- ${formatMemory(memory)}`]),
  ...renamed.map((one) => `- column ${one}`),
  ...warnings.map((one) => `- **${cell(one)}**`),
];

function describeScope(scope: WarmScope | undefined): string {
  if (scope?.ids !== undefined) return ` (${scope.ids.length} ids)`;
  return scope?.platforms === undefined ? '' : ` (${scope.platforms.join(', ')})`;
}

/** Text of anyone, in a cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
