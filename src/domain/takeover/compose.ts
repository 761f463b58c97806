import { PythonKeys } from '../../repositories/redis/takeover/python-keys.ts';
import type { Foundation } from '../foundation.ts';
import { Takeover, type TakeoverOptions } from './takeover.ts';

/** Builds the takeover from the Python worker; no task needs it. */
export function composeTakeover({ redis }: Foundation, parts: Omit<TakeoverOptions, 'python'>) {
  return { takeover: new Takeover({ ...parts, python: new PythonKeys(redis) }) };
}
