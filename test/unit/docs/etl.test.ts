import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseEtlLoad, parseEtlRunSelector } from '../../../contract/etl-loads.ts';
import { etlLoadsStateQuery, etlRunQuery, tablesLoadedSignal } from '../../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import type { Workflows } from '../../../contract/workflows.ts';
import { silverTables } from '../../../domain/schema/silver-tables.ts';
import { ETL_WINDOW_SECONDS, partsAndScopesOf } from '../../../domain/warming/etl-load.ts';
import {
  ETL_FINISHED_LOADS,
  ETL_MEMORY_HOURS,
  ETL_UNFINISHED_LOADS,
  type LoadState,
} from '../../../domain/warming/load-memory.ts';
import { MAX_SCOPE_CHARACTERS, MAX_SCOPE_IDS } from '../../../domain/warming/warm-scope.ts';

const docs = await readFile(fileURLToPath(new URL('../../../docs/etl.md', import.meta.url)), 'utf8');
/** The code blocks of a language. */
const code = (language: string) =>
  [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text ?? '');
/** The rows of all tables as cells without backticks. */
const rows = docs
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
      .slice(1, -1),
  );
const cell = (name: string) => rows.find(([first]) => first === name)?.[1];

const WORKFLOW_TYPE: keyof Workflows = 'etlLoads';

describe('docs/etl.md', () => {
  test('names the receiver as the contract does', () => {
    expect(cell('workflow id')).toBe(ETL_LOADS_ID);
    expect(cell('workflow type')).toBe(WORKFLOW_TYPE);
    expect(cell('task queue')).toBe(WARM_TASK_QUEUE);
    expect(cell('signal')).toBe(tablesLoadedSignal.name);
    expect(docs).toContain(`--type ${etlLoadsStateQuery.name}`);
  });

  test.each(['python', 'java', 'go'])('has one program in %s that uses these names', (language) => {
    const programs = code(language);
    expect(programs).toHaveLength(1);
    for (const name of [ETL_LOADS_ID, WORKFLOW_TYPE, WARM_TASK_QUEUE, tablesLoadedSignal.name])
      expect(programs[0]).toContain(`"${name}"`);
  });

  test('has a Temporal command with these names', () => {
    const commands = code('sh').join('\n');
    expect(commands).toContain(
      `signal-with-start --workflow-id ${ETL_LOADS_ID} --type ${WORKFLOW_TYPE} --task-queue ${WARM_TASK_QUEUE} \\\n  --signal-name ${tablesLoadedSignal.name} `,
    );
  });

  test('shows only valid loads', () => {
    const loads = [
      ...code('json'),
      ...[...docs.matchAll(/'(\{"tables".*?\})'/g)].map(([, text]) => text ?? ''),
    ];
    expect(loads.length).toBeGreaterThanOrEqual(3);
    for (const load of loads) expect(parseEtlLoad(JSON.parse(load)).problems).toEqual([]);
  });

  test('describes each field, and no other', () => {
    const { problems } = parseEtlLoad({ tables: ['kol_content'], other: 1 });
    const fields = /only the fields (.*)/.exec(problems[0]?.accepted ?? '')?.[1]?.split(', ');
    const from = rows.findIndex(([first]) => first === 'field') + 2;
    const named = rows.slice(from, from + (fields?.length ?? 0)).map(([name]) => name);
    expect(named).toEqual(fields);
    expect(cell('tables')).toContain(silverTables.join(', '));
    expect(cell('ids')).toContain(`at most ${MAX_SCOPE_IDS}`);
  });

  test.each(silverTables)('lists the parts that a load of %s refreshes', (table) => {
    const { parts } = partsAndScopesOf([{ tables: [table] }]);
    const documented = cell(table) ?? '';
    if (parts.length === 0) expect(documented).toMatch(/^none/);
    else expect(documented.split(', ')).toEqual(parts);
  });

  test('has the numbers of the code for the window and for what is remembered', () => {
    for (const limit of [
      `${ETL_WINDOW_SECONDS} seconds`,
      `${ETL_MEMORY_HOURS} hours`,
      `last ${ETL_FINISHED_LOADS} finished loads`,
      `last ${ETL_UNFINISHED_LOADS}.`,
      `more than ${MAX_SCOPE_CHARACTERS} characters`,
    ])
      expect(docs).toContain(` ${limit}`);
  });

  test('describes each state of a load, and a query that the receiver accepts', () => {
    const from = rows.findIndex(([first]) => first === 'state') + 2;
    const states: readonly LoadState[] = ['taken', 'warming', 'done', 'failed'];
    expect(rows.slice(from, from + 4).map(([state]) => state)).toEqual(states);
    const [, type, input = ''] = /query --workflow-id etl-loads --type (\S+) --input '(.*)'/.exec(docs) ?? [];
    expect(type).toBe(etlRunQuery.name);
    expect(parseEtlRunSelector(JSON.parse(input))).toEqual({ value: JSON.parse(input) as unknown });
  });
});
