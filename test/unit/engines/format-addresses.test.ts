import { expect, test } from 'vitest';
import { formatAddresses } from '../../../engines/format-addresses.ts';

const addresses = { API_URL: 'http://127.0.0.1:18000', TEMPORAL_UI_URL: 'http://127.0.0.1:8233' };
const paths = { logs: '/stack/logs', env: '/stack/env' };

test('npm start prints the path of the Temporal CLI, which need not be on the PATH', () => {
  const lines = (cli?: string) => formatAddresses(addresses, paths, cli).split('\n');
  expect(lines('/stack/engines/temporal')).toContain('  Temporal CLI  /stack/engines/temporal');
  expect(lines()).toContain('  Temporal CLI  not installed');
});
