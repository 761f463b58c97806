import type { HistoryContext } from '../../history.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';

/** History, where it is kept. Else throws the sentence that says what to run. */
export async function keptHistory({ history }: HttpContext): Promise<HistoryContext> {
  const missing = await history?.missing();
  if (!history || missing) throw new Problem('conflict', missing?.en ?? 'History is not kept here.');
  return history;
}
