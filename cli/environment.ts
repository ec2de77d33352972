import { config as readDotenv } from 'dotenv';
import { loadConfig, type Config } from '../config/config.ts';

/**
 * The configuration of a command: the environment, and what it lacks from `.stack/env`, which `npm start` writes.
 * @throws ConfigError naming what is missing
 */
export function commandConfig(): Config {
  const environment = { ...process.env };
  readDotenv({ path: '.stack/env', processEnv: environment, quiet: true });
  return loadConfig(environment);
}
