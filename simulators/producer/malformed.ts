import type { ScrapedEvent } from './events.ts';
import { pick, type Random } from './random.ts';

/** Ways in which scrapers damage an event. The scoring loop turns each result into a dead letter. */
const DAMAGE: readonly [Damage, ...Damage[]] = [
  (event, random) => withField(event, countField(event), pick(random, ['abc', '1.234', '1.2.3K', 'NaN'])),
  (event) => withField(event, countField(event), -1.5),
  (event) => withField(event, idField(event), null),
  (event) => withField(event, 'event_time', 'yesterday'),
  (event) => withField(event, 'event_type', 'comment'),
  (event) => withField(event, 'platform', 'Tik Tok'),
  (event) => JSON.stringify([event]),
  (event) => JSON.stringify(event).slice(0, -10),
  () => '<html><body>429 Too Many Requests</body></html>',
];
type Damage = (event: ScrapedEvent, random: Random) => string;

/** @returns the event's JSON text, damaged in a random way */
export const malformed = (random: Random, event: ScrapedEvent): string => pick(random, DAMAGE)(event, random);

const isVideo = (event: ScrapedEvent) => event['event_type'] === 'video';
const idField = (event: ScrapedEvent) => (isVideo(event) ? 'video_id' : 'username');
const countField = (event: ScrapedEvent) => (isVideo(event) ? 'view_count' : 'followers_count');
const withField = (event: ScrapedEvent, name: string, value: string | number | null) =>
  JSON.stringify({ ...event, [name]: value });
