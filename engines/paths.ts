import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the repository. */
export const projectFolder = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Everything that is created on this machine and is not in version control. */
export const stackFolder = join(projectFolder, '.stack');

/** Installed engines, shared by `npm start`, the tests and the benchmarks. */
export const enginesFolder = join(stackFolder, 'engines');

/**
 * The stack of the tests, with its own data, logs and processes.
 * @internal only tests use it
 */
export const testStackFolder = join(stackFolder, 'test');

/** The stack of the benchmarks, with its own data, logs and processes. */
export const benchStackFolder = join(stackFolder, 'bench');

/** The Maven and Go projects that define which engines to download. */
export const installFolder = join(projectFolder, 'engines', 'install');

/** The files of one stack, running or stopped. */
export interface StackPaths {
  readonly folder: string;
  readonly logs: string;
  readonly run: string;
  /** Lock file: the process that started the stack and will stop it. */
  readonly supervisor: string;
  /** Addresses in dotenv format. */
  readonly env: string;
  readonly apiToken: string;
  data(engine: string): string;
  log(name: string): string;
  process(name: string): string;
}

/** @param folder `stackFolder` for `npm start`, `testStackFolder` or `benchStackFolder` */
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
