import { Client, escapeIdentifier } from 'pg';

/**
 * Creates the database `name`, as a copy of `template` if given (a copy of the platform's tables takes about a tenth of a second), and
 * returns its URL. `adminUrl` is any database of the same server but the template itself.
 */
export async function createDatabase(adminUrl: string, name: string, template?: string): Promise<string> {
  await withClient(adminUrl, async (client) => {
    const copied = template === undefined ? '' : ` template ${escapeIdentifier(template)}`;
    await client.query(`create database ${escapeIdentifier(name)}${copied}`);
  });
  return databaseUrl(adminUrl, name);
}

/** Makes the database a source of copies only. Nobody can connect any more, so that a copy never has to wait. */
export async function sealTemplate(adminUrl: string, name: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    await client.query(`alter database ${escapeIdentifier(name)} with is_template true allow_connections false`);
  });
}

/** Drops the database and cuts its open connections. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    await client.query(`drop database if exists ${escapeIdentifier(name)} with (force)`);
  });
}

/** Runs statements, separated by semicolons, in one transaction. */
export async function runScript(url: string, sql: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(sql);
  });
}

function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

async function withClient(url: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
