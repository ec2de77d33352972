import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { enginesFolder, stackFolder, stackPaths } from './paths.ts';
import { runningProcess, stopLeftovers } from './supervision/process-record.ts';

/** `npm run reset`: removes all that local stacks hold and logged (npm start's, the tests', …); the installed engines stay. */
async function main(): Promise<void> {
  const entries = (await readdir(stackFolder).catch(() => [])).filter(
    (name) => name !== basename(enginesFolder),
  );
  // npm start's stack is in the folder itself, any other in one of its own below.
  const stacks = [stackFolder, ...entries.map((name) => join(stackFolder, name))].map(stackPaths);
  for (const { folder, supervisor } of stacks) {
    const running = await runningProcess(supervisor);
    if (running) {
      console.error(`A local stack runs in ${folder} (process ${running.pid}): stop it first, then reset.`);
      process.exitCode = 1;
      return;
    }
  }
  for (const { run } of stacks) await stopLeftovers(run, console.log);
  for (const name of entries) await rm(join(stackFolder, name), { recursive: true, force: true });
  console.log(
    'Data, logs and addresses of the local stacks are removed; the installed engines stay in .stack/engines.',
  );
}

await main();
