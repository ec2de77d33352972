import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { enginesFolder, stackFolder, stackPaths } from './paths.ts';
import { runningProcess } from './supervision/process-record.ts';
import { stopLeftovers } from './supervision/stop-leftovers.ts';

/** `npm run reset`: removes data, logs and addresses of every local stack (of `npm start`, the tests, …). Keeps the installed engines. */
async function main(): Promise<void> {
  const entries = (await readdir(stackFolder).catch(() => [])).filter(
    (name) => name !== basename(enginesFolder),
  );
  // The stack of `npm start` is in the folder itself, every other stack in a subfolder.
  const stacks = [stackFolder, ...entries.map((name) => join(stackFolder, name))].map(stackPaths);
  for (const { folder, supervisor } of stacks) {
    const running = await runningProcess(supervisor);
    if (running) {
      console.error(
        `A local stack is running in ${folder} (process ${running.pid}): stop it first, then reset.`,
      );
      process.exitCode = 1;
      return;
    }
  }
  for (const { run } of stacks) await stopLeftovers(run, console.log);
  for (const name of entries) await rm(join(stackFolder, name), { recursive: true, force: true });
  console.log(
    'Removed data, logs and addresses of the local stacks. The installed engines stay in .stack/engines.',
  );
}

await main();
