import { ETL_WINDOW_SECONDS } from '../../domain/warming/etl-load.ts';
import type { EtlLoadsState, EtlWarm } from './etl-loads.ts';

/** What became of the loads, for the Temporal UI, as Markdown. */
export function formatEtlLoadsDetails({
  taken,
  repeats,
  ignored,
  problems,
  waiting,
  lastWarm,
}: EtlLoadsState): string {
  return [
    `**${doing(waiting.loads, lastWarm)}**`,
    '',
    '| loads taken | repeats | ignored | waiting |',
    '|---|---|---|---|',
    `| ${taken} | ${repeats} | ${ignored} | ${waiting.loads} |`,
    ...(lastWarm === null ? [] : ['', describeWarm(lastWarm)]),
    ...(problems.length === 0 ? [] : ['', 'Wrong in signals, newest first:', '']),
    ...problems.toReversed().map(({ at, ignored: all, reason }) => {
      return `- ${at}, ${all ? 'ignored' : 'ignored in part'}: ${asCode(reason)}`;
    }),
  ].join('\n');
}

function doing(waiting: number, lastWarm: EtlWarm | null): string {
  if (lastWarm !== null && lastWarm.endedAt === null) return `Warming ${lastWarm.parts.join(', ')}`;
  return waiting > 0 ? `Gathering loads for ${ETL_WINDOW_SECONDS} s` : 'Waiting for loads';
}

function describeWarm({
  workflowId,
  parts,
  requestedBy,
  loads,
  startedAt,
  endedAt,
  keys,
  error,
}: EtlWarm): string {
  const what = `\`${workflowId}\`: ${parts.join(', ')} for ${loads} loads by ${asCode(requestedBy)}, begun ${startedAt}`;
  if (endedAt === null) return `Warm ${what}`;
  return `Last warm ${what}, ended ${endedAt}: ${error === null ? `${keys} keys written` : `failed: ${asCode(error)}`}`;
}

/** Foreign text, such that Markdown takes it for nothing else. */
const asCode = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll(/\s+/g, ' ')}\``;
