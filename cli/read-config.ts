import { config as readDotenv } from 'dotenv';
import { loadConfig, type Config } from '../config/config.ts';

/**
 * The configuration of a command: the environment first, then `.stack/env`, which `npm start` writes.
 * @throws ConfigError naming the settings that are missing
 */
export function readCommandConfig(): Config {
  const environment = { ...process.env };
  readDotenv({ path: '.stack/env', processEnv: environment, quiet: true });
  return loadConfig(environment);
}
