import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { send } from './customer.ts';

/** The backend knows the realm of an administrator by the host that its proxy tells. */
const HOST = { 'x-forwarded-host': 'admin.cyber-vpn.net' };

/** Somebody with the role `admin`, by the routes of the administration. No route gives the first of them a role, so SQL does. */
export class Admin {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async register({ pool, url }: { pool: Pool; url: string }): Promise<Admin> {
    const login = `admin_${randomUUID().slice(0, 8)}`;
    const password = 'Str0ng!Passw0rd';
    await send(url, '/api/v1/auth/register', { body: { login, password, tos_accepted: true }, headers: HOST });
    await pool.query(`update admin_users set role = 'admin' where login = $1`, [login]);
    const { access_token: token } = await send<{ access_token: string }>(url, '/api/v1/auth/login', {
      ...{ body: { login_or_email: login, password }, headers: HOST },
    });
    return new Admin(url, token);
  }

  async post<T>(path: string, body: object): Promise<T> {
    return await send<T>(this.#url, path, { body, token: this.#token, headers: HOST });
  }

  async patch<T>(path: string, body: object): Promise<T> {
    return await send<T>(this.#url, path, { body, token: this.#token, headers: HOST, method: 'PATCH' });
  }
}
