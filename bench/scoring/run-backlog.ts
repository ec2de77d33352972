import { configureLoopUpdate, pauseLoopUpdate, resumeLoopUpdate } from '../../contract/messages.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { sendProfiles } from './send-profiles.ts';
import type { Scoring } from './start-scoring.ts';

type Loop = Pick<Scoring, 'loop' | 'commits'>;

/** Pauses the loop, and sends events. The pause waits until the slices have ended, so nothing of the backlog is scored yet. */
export async function collectBacklog({ loop, producer }: Scoring, count: number): Promise<void> {
  // Trigger `available`, because a backlog measures work and not the wait for a timer.
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 'available' }] });
  await loop.executeUpdate(pauseLoopUpdate);
  await sendProfiles(producer, PROFILES_TOPIC, count);
}

/** Resumes the loop. @returns milliseconds from the resume until all offsets of the backlog are committed */
export async function workBacklog({ loop, commits }: Loop, count: number): Promise<number> {
  const wanted = commits.count(PROFILES_TOPIC) + count;
  const started = performance.now();
  await loop.executeUpdate(resumeLoopUpdate);
  return (await commits.reach(PROFILES_TOPIC, wanted)) - started;
}

/** Collects a backlog and works it. @returns as `workBacklog` */
export async function runBacklog(scoring: Scoring, count: number): Promise<number> {
  await collectBacklog(scoring, count);
  return workBacklog(scoring, count);
}
