import { ApplicationFailure } from '@temporalio/workflow';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import type { SeekTarget } from '../../contract/messages.ts';
import type { LoopSettings } from '../../contract/scoring-loop.ts';

const invalid = (message: string) => ApplicationFailure.nonRetryable(message, 'InvalidInput');
const show = (value: unknown) => JSON.stringify(value) ?? 'undefined';
const isOffset = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;

/** @throws InvalidInput naming the setting, what was given and what is accepted */
export function checkSettings(change: Partial<LoopSettings>): void {
  const accepted = 'accepted is {"maxOffsets": 1 to 10000, "trigger": 0.1 to 3600 (seconds) or "available"}';
  if (typeof change !== 'object' || change === null)
    throw invalid(`settings are ${show(change)}, ${accepted}`);
  for (const name of Object.keys(change))
    if (name !== 'maxOffsets' && name !== 'trigger') throw invalid(`${name} is no setting, ${accepted}`);
  const { maxOffsets, trigger } = change;
  if (maxOffsets !== undefined && !(Number.isInteger(maxOffsets) && maxOffsets >= 1 && maxOffsets <= 10_000))
    throw invalid(`maxOffsets is ${show(maxOffsets)}, ${accepted}`);
  const isTrigger =
    trigger === 'available' || (typeof trigger === 'number' && trigger >= 0.1 && trigger <= 3600);
  if (trigger !== undefined && !isTrigger) throw invalid(`trigger is ${show(trigger)}, ${accepted}`);
}

/** @throws InvalidInput saying what was given and what is accepted */
export function checkSeekTarget(target: SeekTarget): void {
  const accepted =
    'accepted is {"time": "2026-01-01T00:00:00Z"} or {"offsets": {"0": 42}} or {"end": "earliest" or "latest"}';
  if (typeof target !== 'object' || target === null || Object.keys(target).length !== 1)
    throw invalid(`seek is ${show(target)}, ${accepted}`);
  const ok =
    ('time' in target && typeof target.time === 'string' && !Number.isNaN(isoTimeMs(target.time))) ||
    ('end' in target && ['earliest', 'latest'].includes(target.end)) ||
    ('offsets' in target &&
      typeof target.offsets === 'object' &&
      Object.keys(target.offsets).length > 0 &&
      Object.entries(target.offsets).every(
        ([partition, offset]) => isOffset(Number(partition)) && isOffset(offset),
      ));
  if (!ok) throw invalid(`seek is ${show(target)}, ${accepted}`);
}
