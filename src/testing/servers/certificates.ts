import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { opensslBinary } from './binaries.ts';
import type { ServerAccount } from './server-account.ts';

/** Paths of PEM files. */
export type CertificateFiles = { ca: string; certificate: string; key: string };

/** The certificate authority of one test file, and its certificate for this machine. */
export class Certificates implements AsyncDisposable {
  readonly files: CertificateFiles;
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
    this.files = { ca: join(dir, 'ca.pem'), certificate: join(dir, 'server.pem'), key: join(dir, 'server.key') };
  }

  /** Makes both in a tenth of a second, valid for two days. `names` = the subject's alternative names in OpenSSL's form. */
  static async make(names = 'DNS:localhost,IP:127.0.0.1'): Promise<Certificates> {
    const made = new Certificates(await mkdtemp(join(tmpdir(), 'certificates-')));
    await made.#make(names);
    return made;
  }

  /** Installs a copy that only the server's account can read, which PostgreSQL requires of a key. */
  async installIn(folder: string, account: ServerAccount | undefined): Promise<CertificateFiles> {
    const installed = {
      ca: join(folder, 'ca.pem'),
      certificate: join(folder, 'server.pem'),
      key: join(folder, 'server.key'),
    };
    for (const name of ['ca', 'certificate', 'key'] as const) {
      await copyFile(this.files[name], installed[name]);
      await chmod(installed[name], 0o600);
      if (account) await chown(installed[name], account.uid, account.gid);
    }
    return installed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true });
  }

  async #make(names: string): Promise<void> {
    const { ca, certificate, key } = this.files;
    const caKey = join(this.#dir, 'ca.key');
    const openssl = promisify(execFile);
    const common = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    const authority = ['-keyout', caKey, '-out', ca, '-subj', '/CN=test authority'];
    await openssl(opensslBinary(), [...common, ...authority]);
    const server = ['-CA', ca, '-CAkey', caKey, '-keyout', key, '-out', certificate, '-subj', '/CN=test server'];
    const extensions = ['-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=CA:FALSE'];
    await openssl(opensslBinary(), [...common, ...server, ...extensions]);
  }
}
