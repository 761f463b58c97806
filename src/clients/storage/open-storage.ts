import type { Config } from '../../config.ts';
import { LocalFolder } from './local-folder.ts';
import { S3Bucket } from './s3-bucket.ts';
import type { Storage } from './storage.ts';

/** The bucket where one is configured, else the folder; and every place where older exports may still lie. */
export function composeStorage(config: Config): { storage: Storage; storages: readonly Storage[] } {
  const folder = new LocalFolder(config.EXPORT_DIR);
  if (config.S3_BUCKET === undefined) return { storage: folder, storages: [folder] };
  const bucket = new S3Bucket({
    bucket: config.S3_BUCKET,
    prefix: config.S3_PREFIX,
    region: config.S3_REGION,
    endpoint: config.S3_ENDPOINT,
    forcePathStyle: config.S3_FORCE_PATH_STYLE,
    credentials:
      config.S3_ACCESS_KEY_ID && config.S3_SECRET_ACCESS_KEY
        ? { accessKeyId: config.S3_ACCESS_KEY_ID, secretAccessKey: config.S3_SECRET_ACCESS_KEY }
        : undefined,
  });
  return { storage: bucket, storages: [bucket, folder] };
}
