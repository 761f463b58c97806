import type { HistoryContext } from '../../history.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';

/** History, where it is kept. Else throws the sentence that says what to run. */
export async function keptHistory({ history }: Pick<HttpContext, 'history'>): Promise<HistoryContext> {
  const missing = await history.missing();
  if (missing) throw new Problem('conflict', missing.en);
  return history;
}
