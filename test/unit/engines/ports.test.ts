import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  checkPortsAreFree,
  freePorts,
  portInUseMessage,
  portsFromEnvironment,
} from '../../../engines/ports.ts';

describe('ports', () => {
  it('have defaults, each overridden by its variable', () => {
    expect(portsFromEnvironment({})).toMatchObject({
      redis: 16379,
      kafka: 19092,
      trino: 18080,
      temporalUi: 8233,
      api: 18000,
    });
    expect(portsFromEnvironment({ TRINO_PORT: '28080' }).trino).toBe(28080);
  });

  it('reports all invalid and duplicate ports in one error', () => {
    const read = () => portsFromEnvironment({ REDIS_PORT: 'x', TRINO_PORT: '70000', API_PORT: '8233' });
    expect(read).toThrow(/REDIS_PORT=x.*\n.*TRINO_PORT=70000.*\n.*TEMPORAL_UI_PORT and API_PORT.*8233/);
  });

  it('names the variables that solve a port in use', () => {
    expect(portInUseMessage('trino', 18080)).toMatch(/18080.*TRINO_PORT.*TRINO_URL/);
    expect(portInUseMessage('api', 18000)).toMatch(/18000.*API_PORT/);
    expect(portInUseMessage('api', 18000)).not.toContain('API_URL');
  });

  it('reports all ports in use in one error', async () => {
    const ports = await freePorts();
    const servers = [createServer().listen(ports.redis, '127.0.0.1'), createServer().listen(ports.trino)];
    await Promise.all(servers.map((server) => once(server, 'listening')));
    await expect(checkPortsAreFree(ports, ['redis', 'kafka', 'trino'])).rejects.toMatchObject({
      problems: [portInUseMessage('redis', ports.redis), portInUseMessage('trino', ports.trino)],
    });
    servers.forEach((server) => server.close());
  });
});
