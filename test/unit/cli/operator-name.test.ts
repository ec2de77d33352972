import { expect, test } from 'vitest';
import { operatorName } from '../../../cli/operator-name.ts';

test('an operator is named by the user, or by the id of a user that the system has no name for', () => {
  expect(operatorName(() => ({ username: 'ana' }))).toBe('cli:ana');
  const noName = () => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  };
  expect(operatorName(noName)).toBe(`cli:uid-${process.getuid?.()}`);
});
