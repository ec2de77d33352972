import { z } from 'zod';
import type { Switchboard } from '../../cache/admin/switchboard.ts';
import { reachRedis } from '../../cache/redis/reach-redis.ts';
import { bodyOf, defineRoute, type Route } from '../route.ts';
import { switchesSchema } from '../schemas/cache-schemas.ts';
import { toSnakeCase } from '../snake-case.ts';

const PATH = '/api/v1/cache/switches';
const MAX_L1_TTL_SECONDS = 3600;

const onOrOff = z.boolean().optional().describe('true or false');
const switchesBody = {
  l1: onOrOff,
  l1_ttl_seconds: z
    .int()
    .min(0)
    .max(MAX_L1_TTL_SECONDS)
    .optional()
    .describe(`a whole number of seconds from 1 to ${MAX_L1_TTL_SECONDS}, or 0 for API_L1_TTL_SECONDS`),
  early_refresh: onOrOff,
  read_through: onOrOff,
};

/** /api/v1/cache/switches: settings that operators change at run time. */
export const switchRoutes = (switchboard: Switchboard): Route[] => [
  defineRoute({
    method: 'get',
    path: PATH,
    name: 'switches',
    summary: 'The switches, as this process of the API knows them',
    token: 'required',
    answers: { 200: { description: 'The switches', schema: switchesSchema } },
    handle({ response }) {
      response.json(toSnakeCase(switchboard.current()));
    },
  }),
  defineRoute({
    method: 'patch',
    path: PATH,
    name: 'change_switches',
    summary: 'Changes switches, in all processes of the API within a second',
    token: 'required',
    body: switchesBody,
    answers: { 200: { description: 'All switches', schema: switchesSchema } },
    problems: ['cache-unavailable'],
    async handle({ request, response }) {
      const given = bodyOf(switchesBody, request);
      const changed = await reachRedis(() =>
        switchboard.change({
          l1: given.l1,
          l1TtlSeconds: given.l1_ttl_seconds,
          earlyRefresh: given.early_refresh,
          readThrough: given.read_through,
        }),
      );
      request.log.info({ given }, 'changed switches');
      response.json(toSnakeCase(changed));
    },
  }),
];
