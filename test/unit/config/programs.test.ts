import { execa } from 'execa';
import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../config/config.ts';

/** The output of a program without any configuration. */
function expectedMessage(): string {
  try {
    loadConfig({});
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  throw new Error('nothing is required');
}

test.each(['workers/main.ts', 'workers/health.ts', 'api/server.ts'])(
  '%s without configuration lists what is missing, once and without a stack, and exits with code 1',
  async (file) => {
    const { exitCode, stderr } = await execa(process.execPath, ['--import', 'tsx', file], {
      env: { PATH: process.env['PATH'] },
      extendEnv: false,
      reject: false,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expectedMessage() });
  },
);
