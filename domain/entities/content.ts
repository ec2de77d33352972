import { tableEntity } from '../schema/table-entity.ts';

/** content:detail:{content_id}: one video or post. */
export const content = tableEntity({
  name: 'content',
  table: 'kol_content',
  idColumn: 'content_id',
  ttlSeconds: 1800,
  key: (id) => `content:detail:${id}`,
  columns: {
    content_id: 'content_id',
    kol_id: 'kol_id',
    platform: 'platform',
    content_type: 'content_type',
    title: 'title',
    description: 'description',
    views: 'views',
    likes: 'likes',
    comments: 'comments',
    shares: 'shares',
    engagement_rate: 'engagement_rate',
    duration_seconds: 'duration_seconds',
    posted_at: 'posted_at',
    hashtags: 'hashtags',
    source: 'source',
    processed_at: 'processed_at',
  },
});

export type Content = ReturnType<typeof content.fromRow>;
