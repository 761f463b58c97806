import { LocalFolder } from './local-folder.ts';
import { S3Bucket } from './s3-bucket.ts';
import type { Storage } from './storage.ts';

export type StorageSettings = {
  EXPORT_DIR: string;
  /** Without it, the folder is used. */
  S3_BUCKET?: string | undefined;
  S3_PREFIX: string;
  S3_REGION: string;
  S3_ENDPOINT?: string | undefined;
  S3_FORCE_PATH_STYLE: boolean;
  S3_CHECKSUMS: boolean;
  /** Without it and its secret key, the machine's own role is used. */
  S3_ACCESS_KEY_ID?: string | undefined;
  S3_SECRET_ACCESS_KEY?: string | undefined;
};

/** Opens the bucket where one is configured, else the folder; and every storage that may still hold older exports. */
export function openStorage(settings: StorageSettings): { storage: Storage; storages: readonly Storage[] } {
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = settings;
  const folder = new LocalFolder(settings.EXPORT_DIR);
  if (settings.S3_BUCKET === undefined) return { storage: folder, storages: [folder] };
  const bucket = new S3Bucket({
    bucket: settings.S3_BUCKET,
    prefix: settings.S3_PREFIX,
    region: settings.S3_REGION,
    endpoint: settings.S3_ENDPOINT,
    forcePathStyle: settings.S3_FORCE_PATH_STYLE,
    checksums: settings.S3_CHECKSUMS,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
  });
  return { storage: bucket, storages: [bucket, folder] };
}
