import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  checkLoad,
  ETL_DUPLICATE_HOURS,
  ETL_DUPLICATE_LOADS,
  ETL_WINDOW_SECONDS,
  partsAndScopesOf,
} from '../../../domain/warming/etl-load.ts';
import { silverTables } from '../../../domain/schema/silver-tables.ts';
import { MAX_SCOPE_IDS } from '../../../domain/warming/warm-parts.ts';
import { ETL_LOADS_ID, WARM_TASK_QUEUE } from '../../../contract/workflow-ids.ts';
import { etlLoadsStateQuery, tablesLoadedSignal } from '../../../contract/messages.ts';
import * as workflows from '../../../workflows/index.ts';

const docs = await readFile(fileURLToPath(new URL('../../../docs/etl.md', import.meta.url)), 'utf8');
const code = (language: string) =>
  [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text ?? '');
/** Rows of tables as cells, without backticks. */
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

const TYPE: keyof typeof workflows = 'etlLoads';

describe('docs/etl.md', () => {
  test('names the receiver as the code does', () => {
    expect(cell('workflow id')).toBe(ETL_LOADS_ID);
    expect(cell('workflow type')).toBe(TYPE);
    expect(workflows[TYPE].name).toBe(TYPE);
    expect(cell('task queue')).toBe(WARM_TASK_QUEUE);
    expect(cell('signal')).toBe(tablesLoadedSignal.name);
    expect(docs).toContain(`--type ${etlLoadsStateQuery.name}`);
  });

  test.each(['python', 'java', 'go'])('has one program in %s, which uses just those names', (language) => {
    const programs = code(language);
    expect(programs).toHaveLength(1);
    for (const name of [ETL_LOADS_ID, TYPE, WARM_TASK_QUEUE, tablesLoadedSignal.name])
      expect(programs[0]).toContain(`"${name}"`);
  });

  test('has a Temporal command of just those names', () => {
    const commands = code('sh').join('\n');
    expect(commands).toContain(
      `signal-with-start --workflow-id ${ETL_LOADS_ID} --type ${TYPE} --task-queue ${WARM_TASK_QUEUE} \\\n  --signal-name ${tablesLoadedSignal.name} `,
    );
  });

  test('shows loads that are valid', () => {
    const loads = [
      ...code('json'),
      ...[...docs.matchAll(/'(\{"tables".*?\})'/g)].map(([, text]) => text ?? ''),
    ];
    expect(loads.length).toBeGreaterThanOrEqual(3);
    for (const load of loads) expect(checkLoad(JSON.parse(load)).problems).toEqual([]);
  });

  test('tells of each field, and of no other', () => {
    const { problems } = checkLoad({ tables: ['kol_content'], other: 1 });
    const fields = /only the fields (.*)/.exec(problems[0]?.accepted ?? '')?.[1]?.split(', ');
    const from = rows.findIndex(([first]) => first === 'field') + 2;
    const named = rows.slice(from, from + (fields?.length ?? 0)).map(([name]) => name);
    expect(named).toEqual(fields);
    expect(cell('tables')).toContain(silverTables.join(', '));
    expect(cell('ids')).toContain(`at most ${MAX_SCOPE_IDS}`);
  });

  test.each(silverTables)('tells what a load of %s refreshes', (table) => {
    const { parts } = partsAndScopesOf([{ tables: [table] }]);
    const told = cell(table) ?? '';
    if (parts.length === 0) expect(told).toMatch(/^none/);
    else expect(told.split(', ')).toEqual(parts);
  });

  test('tells the window and how long repeats are known', () => {
    expect(docs).toContain(`within ${ETL_WINDOW_SECONDS} seconds`);
    expect(docs).toContain(
      `within ${ETL_DUPLICATE_HOURS} hours and among the last ${ETL_DUPLICATE_LOADS} loads`,
    );
  });
});
