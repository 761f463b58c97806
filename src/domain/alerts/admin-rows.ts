/** A row of `notification_queue` for one admin. */
export type AdminRow = { id: string; telegramId: number; message: string; type: string };

/** The same message for each admin; `idOf` makes the row's id, so that what runs twice can tell nobody twice. */
export const rowForEachAdmin = (
  adminIds: readonly number[],
  { idOf, message, type }: { idOf: (telegramId: number) => string; message: string; type: string },
): AdminRow[] => adminIds.map((telegramId) => ({ id: idOf(telegramId), telegramId, message, type }));
