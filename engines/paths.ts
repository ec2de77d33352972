import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder. */
export const projectFolder = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Everything that is made on this machine and not kept in version control. */
export const stackFolder = join(projectFolder, '.stack');

/** Installed engines, shared by `npm start` and the tests. */
export const enginesFolder = join(stackFolder, 'engines');

/** The tests' stack: data, logs and processes of its own. */
export const testStackFolder = join(stackFolder, 'test');

/** Where benchmarks keep engines' data of their own. */
export const benchStackFolder = join(stackFolder, 'bench');

/** The Maven and Go projects that say which engines are fetched. */
export const installFolder = join(projectFolder, 'engines', 'install');

/** The files of one running (or stopped) stack. */
export interface StackPaths {
  readonly folder: string;
  readonly logs: string;
  readonly run: string;
  /** Process id of the program that started the stack and will stop it. */
  readonly supervisor: string;
  /** Addresses in dotenv form. */
  readonly env: string;
  readonly apiToken: string;
  data(engine: string): string;
  log(name: string): string;
  process(name: string): string;
}

/** @param folder the stack's folder: `stackFolder`, or `testStackFolder` for the tests */
export function stackPaths(folder: string): StackPaths {
  return {
    folder,
    logs: join(folder, 'logs'),
    run: join(folder, 'run'),
    supervisor: join(folder, 'run', 'supervisor'),
    env: join(folder, 'env'),
    apiToken: join(folder, 'api-token'),
    data: (engine) => join(folder, 'data', engine),
    log: (name) => join(folder, 'logs', `${name}.log`),
    process: (name) => join(folder, 'run', `${name}.process`),
  };
}
