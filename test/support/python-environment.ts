import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, ExecaError } from 'execa';
import { findOnPath } from '../../engines/install/run-tool.ts';
import { stackFolder } from '../../engines/paths.ts';

/** The folder of the programs of a virtual environment, or the reason why it could not be made. */
type PythonEnvironment = { readonly programs: string } | { readonly missing: string };

/**
 * Creates a virtual environment with these packages in `.stack`, once.
 * @param requirements as pip reads them, with their versions
 */
export async function pythonEnvironment(...requirements: readonly string[]): Promise<PythonEnvironment> {
  const folder = join(stackFolder, 'python', requirements.join('+'));
  const programs = join(folder, 'bin');
  const complete = join(folder, '.complete');
  if (existsSync(complete)) return { programs };
  const python = await findOnPath('python3');
  if (python === undefined) return { missing: 'python3 is not on the PATH' };
  await rm(folder, { recursive: true, force: true });
  try {
    await execa(python, ['-m', 'venv', folder]);
    await execa(join(programs, 'pip'), ['install', '--quiet', ...requirements]);
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    return { missing: `${requirements.join(' and ')} cannot be installed: ${error.message}` };
  }
  await writeFile(complete, '');
  return { programs };
}
