import { writeFileSync } from 'node:fs';
import { describeConfiguration } from './describe.ts';

writeFileSync('docs/configuration.md', describeConfiguration());
