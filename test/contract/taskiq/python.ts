import { type PrivatePython, privatePython } from '../private-python.ts';

/** A Python with the packages of the platform's backend, or the reason that this machine has none. */
export async function taskiqPython(): Promise<PrivatePython> {
  return await privatePython({
    packages: ['taskiq==0.12.2', 'taskiq-redis==1.2.2'],
    modules: ['taskiq', 'taskiq_redis'],
    // taskiq 0.12 needs it.
    oldestMinor: 10,
  });
}
