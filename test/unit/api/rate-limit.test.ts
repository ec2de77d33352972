import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientAddress } from '../../../api/rate-limit.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
  ['2001:db8::7', '2001:db8:0:0::/64'],
  ['2001:0DB8:0:7::', '2001:db8:0:7::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['x; DROP', 'unknown'],
  ['', 'unknown'],
  [undefined, 'unknown'],
])('%o counts as the client %s', (ip, expected) => {
  expect(clientAddress(ip)).toBe(expected);
});

test('addresses of one IPv6 /64 network are one client, and addresses of other networks are not', () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 });
  const address = (parts: readonly number[]) =>
    new URL(`http://[${parts.map((part) => part.toString(16)).join(':')}]`).hostname.slice(1, -1);
  fc.assert(
    fc.property(groups, groups, groups, (network, one, other) => {
      expect(clientAddress(address([...network, ...one]))).toBe(
        clientAddress(address([...network, ...other])),
      );
      const same = network.every((group, index) => group === one[index]);
      const isOne =
        clientAddress(address([...network, ...other])) === clientAddress(address([...one, ...other]));
      expect(isOne).toBe(same);
    }),
  );
});

test('anything that a proxy forwards becomes a key of few harmless characters', () => {
  fc.assert(
    fc.property(fc.string(), (ip) => {
      expect(clientAddress(ip)).toMatch(/^[0-9a-z.:/]{1,40}$/);
    }),
  );
});
