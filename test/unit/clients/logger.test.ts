import { execa } from 'execa';
import { expect, test } from 'vitest';

const LINES = 2000;

/** Runs a program that logs to a buffered logger, and then does something else. @returns its output, line by line */
async function run(then: string) {
  const program = `
    import { createLogger } from './clients/logger.ts';
    const log = createLogger('test', 'info', { buffered: true });
    for (let line = 0; line < ${LINES}; line += 1) log.info({ line, text: 'Đặng'.repeat(20) }, 'logged');
    ${then}`;
  const { stdout } = await execa('node', ['--import', 'tsx', '--input-type=module', '-e', program], {
    reject: false,
  });
  return stdout.split('\n').map((line) => (JSON.parse(line) as { line: number }).line);
}

test.each([
  ['ends by itself', ''],
  ['calls process.exit', 'process.exit(3);'],
  ['throws', 'throw new Error("a defect");'],
  ['goes on', 'setTimeout(() => process.kill(process.pid, "SIGKILL"), 3000);'],
])(
  'a buffered log has all lines in their order when the process %s',
  async (_, then) => {
    expect(await run(then)).toEqual(Array.from({ length: LINES }, (__, index) => index));
  },
  60_000,
);
