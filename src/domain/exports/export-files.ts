import type { Storage, StoredObject, Unfinished } from '../../clients/storage/storage.ts';
import { errorCode, errorMessage } from '../../lib/errors.ts';
import { uuidFrom } from '../../lib/uuid.ts';

/** The top folder of every storage holds exports. Only files named like exports are removed, because the folder may hold other files. */
const FOLDER = '';
const IS_EXPORT = /\.(csv|json|xlsx)(\.gz)?$/;

/** `csv_excel` is a CSV as well, and named as one. */
export const EXPORT_FORMATS = ['csv', 'csv_excel', 'json', 'xlsx'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Job ids that are plain enough for a file, an object and a path of the API. */
const PLAIN_ID = /^[A-Za-z0-9][\w-]{0,63}$/;

/** The id of a job's export: the job's own, or one derived from it. */
export const exportIdOf = (jobId: string): string => (PLAIN_ID.test(jobId) ? jobId : uuidFrom(`export:${jobId}`));

/** The name of an export in its storage. The id does not reveal the content. */
export const exportName = (exportId: string, format: ExportFormat, isGzipped = false): string =>
  `${exportId}.${format === 'csv_excel' ? 'csv' : format}${isGzipped ? '.gz' : ''}`;

/** Something that the clean-up of a storage removes: an export, or what an interrupted one left. */
export type OldFile =
  | OldExport
  | { readonly storage: Storage; readonly does: 'delete_unfinished'; readonly file: Unfinished };
type OldExport = { readonly storage: Storage; readonly does: 'delete'; readonly file: StoredObject };

/** The exports stored before then. */
export async function* oldExports(storage: Storage, before: Date, signal: AbortSignal): AsyncGenerator<OldExport> {
  for await (const file of storage.list(FOLDER, signal))
    if (file.modifiedAt < before && IS_EXPORT.test(file.name)) yield { storage, does: 'delete', file };
}

/** The remains of interrupted exports. None where the storage refuses to show them. */
export async function* oldRemains(storage: Storage, before: Date, signal: AbortSignal): AsyncGenerator<OldFile> {
  try {
    for await (const file of storage.unfinished(before, signal)) yield { storage, does: 'delete_unfinished', file };
  } catch (error) {
    if (errorCode(error) !== 'storage_refused') throw error;
  }
}

/**
 * Removes the exports stored before then, and the remains of interrupted ones. What the storage refuses keeps nothing else from being
 * removed; `refused` holds what it said.
 */
export async function deleteExports(
  storage: Storage,
  before: Date,
  signal: AbortSignal,
): Promise<{ deleted: number; unfinished: number; bytes: number; refused: string[] }> {
  let deleted = 0;
  let bytes = 0;
  const refused: string[] = [];
  for await (const { file } of oldExports(storage, before, signal)) {
    try {
      await storage.delete(file.name, signal);
    } catch (error) {
      if (errorCode(error) !== 'storage_refused') throw error;
      refused.push(errorMessage(error));
      continue;
    }
    deleted += 1;
    bytes += file.bytes;
  }
  const remains = await storage.deleteUnfinished(before, signal);
  if (remains.refused !== undefined) refused.push(remains.refused);
  return { deleted, unfinished: remains.deleted, bytes, refused };
}
