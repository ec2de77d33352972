/** A Kafka message with a profile event of this KOL, as a scraper sends it now. */
export function profileMessage(username: string): { key: string; value: string } {
  return {
    key: username,
    value: JSON.stringify({
      event_type: 'profile',
      platform: 'tiktok',
      username,
      event_time: new Date().toISOString(),
      followers_raw: '11.3K',
      following_raw: '120',
      likes_raw: '1.3M',
      posts_raw: '1,234',
      bio: 'makes videos',
    }),
  };
}
