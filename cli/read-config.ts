import { config as readDotenv } from 'dotenv';
import { loadConfig, type Config } from '../config/config.ts';

/**
 * The settings that a command needs: the environment first, then `.stack/env`, which `npm start` writes.
 * @throws ConfigError naming those that are missing
 */
export function readCommandConfig<Name extends keyof Config>(names: readonly Name[]): Pick<Config, Name> {
  const environment = { ...process.env };
  readDotenv({ path: '.stack/env', processEnv: environment, quiet: true });
  return loadConfig(environment, names);
}
