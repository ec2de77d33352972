import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { PortsError } from './errors.ts';

interface PortDefinition {
  readonly title: string;
  /** Environment variable that moves the port. */
  readonly variable: string;
  readonly usual: number;
  /** Environment variable that names a running one instead, where that is possible. */
  readonly address?: string;
}

/** Every port of the local stack. */
export const PORTS = {
  redis: { title: 'Redis', variable: 'REDIS_PORT', usual: 16379, address: 'REDIS_URL' },
  kafka: { title: 'Kafka', variable: 'KAFKA_PORT', usual: 19092, address: 'KAFKA_BROKERS' },
  kafkaController: {
    title: 'Kafka controller',
    variable: 'KAFKA_CONTROLLER_PORT',
    usual: 19093,
    address: 'KAFKA_BROKERS',
  },
  trino: { title: 'Trino', variable: 'TRINO_PORT', usual: 18080, address: 'TRINO_URL' },
  temporal: { title: 'Temporal', variable: 'TEMPORAL_PORT', usual: 7233, address: 'TEMPORAL_ADDRESS' },
  temporalUi: {
    title: 'Temporal UI',
    variable: 'TEMPORAL_UI_PORT',
    usual: 8233,
    address: 'TEMPORAL_ADDRESS',
  },
  mlApi: { title: 'ML service', variable: 'ML_API_PORT', usual: 18090, address: 'ML_API_URL' },
  api: { title: 'API', variable: 'API_PORT', usual: 18000 },
} as const satisfies Record<string, PortDefinition>;

/**
 * Below those that Linux gives to outgoing connections: a port that was free when it was chosen may be one of theirs when an
 * engine binds it seconds later.
 */
const FREE_PORTS = [20_000, 32_000] as const;

export type PortName = keyof typeof PORTS;
export type Ports = Readonly<Record<PortName, number>>;

const portNames = Object.keys(PORTS) as PortName[];
const define = (name: PortName): PortDefinition => PORTS[name];

/**
 * @returns the usual ports, each overridden by its variable
 * @throws PortsError naming every variable that is no port, and every port that is given twice
 */
export function portsFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Ports {
  const problems: string[] = [];
  const taken = new Map<number, string>();
  const ports = Object.fromEntries(
    portNames.map((name) => {
      const { variable, usual } = define(name);
      const port = Number(environment[variable] || usual);
      if (!Number.isInteger(port) || port < 1 || port > 65535) {
        problems.push(
          `${variable}=${environment[variable]} is not a port: it must be a number from 1 to 65535.`,
        );
      }
      const other = taken.get(port);
      if (other) problems.push(`${other} and ${variable} are both ${port}: each needs a port of its own.`);
      taken.set(port, variable);
      return [name, port];
    }),
  ) as Record<PortName, number>;
  if (problems.length > 0) throw new PortsError(problems);
  return ports;
}

/** @returns ports that are free now, for a stack that runs beside another one */
export async function freePorts(): Promise<Ports> {
  const ports = await someFreePorts(portNames.length);
  return Object.fromEntries(portNames.map((name, index) => [name, ports[index]])) as Record<PortName, number>;
}

/** @returns so many ports that are free now, each another one */
export async function someFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(...FREE_PORTS);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

/** @returns the sentence that says a port is taken and what to do */
export function portInUseSentence(name: PortName, port: number): string {
  const { title, variable, address } = define(name);
  const instead = address ? ` or ${address} to use what runs there` : '';
  return `Port ${port} (${title}) is in use; set ${variable} to another one${instead}.`;
}

/** @throws PortsError with one sentence for each of these ports that is taken */
export async function checkPortsAreFree(ports: Ports, wanted: readonly PortName[]): Promise<void> {
  const checks = await Promise.all(
    wanted.map(async (name) =>
      (await isFree(ports[name])) ? undefined : portInUseSentence(name, ports[name]),
    ),
  );
  const problems = checks.filter((sentence) => sentence !== undefined);
  if (problems.length > 0) throw new PortsError(problems);
}

/** Tried on the loopback address and on all of them: either may be what the other program holds. */
async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', undefined]) {
    if (!(await canListen(port, host))) return false;
  }
  return true;
}

async function canListen(port: number, host: string | undefined): Promise<boolean> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, ...(host && { host }), exclusive: true }, () => resolve(true));
  });
  if (listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  return listening;
}
