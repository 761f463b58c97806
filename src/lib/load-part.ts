import { errorMessage, TransientError } from './errors.ts';

/**
 * Loads a part of the service that most processes never need, when it is first needed. `part` names it in the error where it cannot be
 * loaded, `part_not_loaded`: files of this installation are missing, or there is no memory for it, so it is tried again.
 */
export async function loadPart<Part>(part: string, load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (cause) {
    throw new TransientError('part_not_loaded', `${part} cannot be loaded: ${errorMessage(cause)}`, { cause });
  }
}
