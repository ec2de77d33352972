import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { redisNodes } from '../domain/values/redis-nodes.ts';

// Types of settings. All are parsed from text.

/** Decimal digits with an optional fraction. Number() would also accept blank text (as 0) and hexadecimal digits. */
const decimal = z
  .string()
  .trim()
  .regex(/^-?\d+(\.\d+)?$/, 'must be a number')
  .transform(Number);
export const number = (min: number, max = Infinity) => decimal.pipe(z.number().min(min).max(max));
export const whole = (min: number, max = Infinity) => decimal.pipe(z.number().int().min(min).max(max));
export const seconds = (fallback: number, max = Infinity) =>
  decimal.pipe(z.number().positive().max(max)).default(fallback);
export const count = (fallback: number) => whole(1).default(fallback);

const url = (protocols: RegExp) => z.url({ protocol: protocols });
/** The address of a service. Addresses are printed in errors and logs, so they must not hold secrets. */
export const address = (credentials = 'a user or password') =>
  url(/^https?$/).refine((text) => {
    if (!URL.canParse(text)) return true; // already reported
    const { username, password, search, hash } = new URL(text);
    return username + password + search + hash === '';
  }, `must not have ${credentials}, a query or a fragment: addresses are printed in logs`);
/** host:port, where an IPv6 address is in brackets. */
export const hostAndPort = z.string().refine((text) => {
  const [, ipv6, host, port] = /^(?:\[([^\]]*)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return isPort && (host !== undefined || (ipv6 !== undefined && isIPv6(ipv6)));
}, 'must be host:port, with an IPv6 address in brackets and a port from 1 to 65535');
/** A name or an IP address to listen on. */
export const hostName = z
  .string()
  .regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be an IP address or the name of a host, without a port')
  .refine((text) => isIPv6(text) || !text.includes(':'), 'must be an IP address without a port');
export const identifier = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a plain lower-case SQL identifier');
export const commaSeparated = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (text) => (typeof text === 'string' ? text.split(',').map((part) => part.trim()) : text),
    z.array(item).min(1),
  );

const NETWORK_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

/** An IP address, or a network as address/bits or by name. */
function isNetwork(text: string): boolean {
  const [, ip = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const maxBits = { 0: -1, 4: 32, 6: 128 }[isIP(ip)] ?? -1;
  return NETWORK_NAMES.includes(text) || (maxBits > 0 && Number(bits ?? 0) <= maxBits);
}

export const trustedProxies = z.union([
  whole(0, 99),
  commaSeparated(z.string().refine(isNetwork, 'must be a number, or IP addresses and networks')),
]);

const isOrigin = (text: string): boolean =>
  text === '*' || (URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text);

export const origin = z.string().refine(isOrigin, 'must be an origin such as https://app.example.com, or *');

/** A single Redis may use any database. The nodes of a cluster have database 0 only, and one scheme, user and password. */
export const redisUrl = z
  .preprocess(
    (text) => (typeof text === 'string' ? redisNodes(text) : text),
    z.array(url(/^rediss?$/)).min(1),
  )
  .superRefine((urls, context) => {
    if (urls.length === 1 || !urls.every((text) => URL.canParse(text))) return;
    for (const message of clusterProblems(urls.map((text) => new URL(text))))
      context.addIssue({ code: 'custom', message });
  })
  .transform((urls) => urls.join(','));

function clusterProblems(nodes: readonly URL[]): string[] {
  const hasDatabase = nodes.some(
    ({ pathname, searchParams }) => !/^\/?0?$/.test(pathname) || Number(searchParams.get('db')) !== 0,
  );
  const logins = nodes.map(({ protocol, username, password }) =>
    JSON.stringify([protocol, username, password]),
  );
  return [
    ...(hasDatabase ? ['a Redis Cluster has only database 0: leave the database out of the addresses'] : []),
    ...(new Set(logins).size > 1
      ? ['nodes of a Redis Cluster must have the same scheme, user and password']
      : []),
  ];
}
