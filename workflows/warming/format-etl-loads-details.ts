import { asCode } from '../as-code.ts';
import { ETL_WINDOW_SECONDS } from '../../domain/warming/etl-load.ts';
import type { EtlLoadsState, EtlWarm } from '../../contract/etl-loads.ts';

/** The state of the receiver of ETL loads as Markdown, for the Temporal UI. */
export function formatEtlLoadsDetails({
  taken,
  repeats,
  ignored,
  problems,
  waiting,
  lastWarm,
}: EtlLoadsState): string {
  return [
    `**${formatActivity(waiting.loads, lastWarm)}**`,
    '',
    '| accepted loads | repeats | ignored | waiting |',
    '|---|---|---|---|',
    `| ${taken} | ${repeats} | ${ignored} | ${waiting.loads} |`,
    ...(lastWarm === null ? [] : ['', formatWarm(lastWarm)]),
    ...(problems.length === 0 ? [] : ['', 'Problems in signals, newest first:', '']),
    ...problems.toReversed().map(({ at, ignored: all, reason }) => {
      return `- ${at}, ${all ? 'ignored' : 'ignored in part'}: ${asCode(reason)}`;
    }),
  ].join('\n');
}

function formatActivity(waiting: number, lastWarm: EtlWarm | null): string {
  if (lastWarm !== null && lastWarm.endedAt === null) return `Warming ${lastWarm.parts.join(', ')}`;
  return waiting > 0 ? `Collecting loads for ${ETL_WINDOW_SECONDS} s` : 'Waiting for loads';
}

function formatWarm({
  workflowId,
  parts,
  requestedBy,
  loads,
  startedAt,
  endedAt,
  keys,
  error,
}: EtlWarm): string {
  const warm = `\`${workflowId}\`: ${parts.join(', ')} for ${loads} loads by ${asCode(requestedBy)}, started ${startedAt}`;
  if (endedAt === null) return `Warm ${warm}`;
  return `Last warm ${warm}, ended ${endedAt}: ${error === null ? `${keys} keys written` : `failed: ${asCode(error)}`}`;
}
