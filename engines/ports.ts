import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { PortsError } from './errors.ts';

interface PortDefinition {
  readonly title: string;
  /** Environment variable that sets another port. */
  readonly variable: string;
  readonly default: number;
  /** Environment variable with the address of a running engine to use instead, where that is possible. */
  readonly addressVariable?: string;
}

/** Every port of the local stack. */
const PORTS = {
  redis: { title: 'Redis', variable: 'REDIS_PORT', default: 16379, addressVariable: 'REDIS_URL' },
  kafka: { title: 'Kafka', variable: 'KAFKA_PORT', default: 19092, addressVariable: 'KAFKA_BROKERS' },
  kafkaController: {
    title: 'Kafka controller',
    variable: 'KAFKA_CONTROLLER_PORT',
    default: 19093,
    addressVariable: 'KAFKA_BROKERS',
  },
  trino: { title: 'Trino', variable: 'TRINO_PORT', default: 18080, addressVariable: 'TRINO_URL' },
  temporal: {
    title: 'Temporal',
    variable: 'TEMPORAL_PORT',
    default: 7233,
    addressVariable: 'TEMPORAL_ADDRESS',
  },
  temporalUi: {
    title: 'Temporal UI',
    variable: 'TEMPORAL_UI_PORT',
    default: 8233,
    addressVariable: 'TEMPORAL_ADDRESS',
  },
  mlApi: { title: 'ML service', variable: 'ML_API_PORT', default: 18090, addressVariable: 'ML_API_URL' },
  api: { title: 'API', variable: 'API_PORT', default: 18000 },
} as const satisfies Record<string, PortDefinition>;

/**
 * Below the range from which Linux takes ports for outgoing connections (32,768 and up). From that range, a port that is free when
 * it is chosen may be taken when an engine binds it seconds later.
 */
const FREE_PORT_RANGE = [20_000, 32_000] as const;

export type PortName = keyof typeof PORTS;
export type Ports = Readonly<Record<PortName, number>>;

const portNames = Object.keys(PORTS) as PortName[];
const definitionOf = (name: PortName): PortDefinition => PORTS[name];

/**
 * @returns the default ports, each overridden by its variable
 * @throws PortsError naming every variable with an invalid port, and every port that is used twice
 */
export function portsFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Ports {
  const problems: string[] = [];
  const taken = new Map<number, string>();
  const ports = Object.fromEntries(
    portNames.map((name) => {
      const { variable, default: defaultPort } = definitionOf(name);
      const port = Number(environment[variable] || defaultPort);
      if (!Number.isInteger(port) || port < 1 || port > 65535) {
        problems.push(`${variable}=${environment[variable]} is not a port: use a number from 1 to 65535.`);
      }
      const other = taken.get(port);
      if (other) problems.push(`${other} and ${variable} are both ${port}: set different ports.`);
      taken.set(port, variable);
      return [name, port];
    }),
  ) as Record<PortName, number>;
  if (problems.length > 0) throw new PortsError(problems);
  return ports;
}

/** @returns ports that are free now, for a stack that runs at the same time as another one */
export async function freePorts(): Promise<Ports> {
  const ports = await someFreePorts(portNames.length);
  return Object.fromEntries(portNames.map((name, index) => [name, ports[index]])) as Record<PortName, number>;
}

/** @returns this many different ports that are free now */
export async function someFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(...FREE_PORT_RANGE);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

/** @returns one sentence: which port is in use, and how to solve it */
export function portInUseMessage(name: PortName, port: number): string {
  const { title, variable, addressVariable } = definitionOf(name);
  const alternative = addressVariable ? `, or set ${addressVariable} to use the engine that runs there` : '';
  return `Port ${port} (${title}) is in use: set ${variable} to another port${alternative}.`;
}

/** @throws PortsError with one sentence for each of these ports that is in use */
export async function checkPortsAreFree(ports: Ports, names: readonly PortName[]): Promise<void> {
  const messages = await Promise.all(
    names.map(async (name) =>
      (await isFree(ports[name])) ? undefined : portInUseMessage(name, ports[name]),
    ),
  );
  const problems = messages.filter((message) => message !== undefined);
  if (problems.length > 0) throw new PortsError(problems);
}

/** Tries the loopback address and all addresses, because another program may listen on either. */
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
