import { randomUUID } from 'node:crypto';

/** What the backend answered with, where it was not what was wanted. */
export class RefusedError extends Error {
  override name = 'RefusedError';
}

/** A customer of the backend, who uses its HTTP API as an application does. */
export class Customer {
  readonly id: string;
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, id: string, token: string) {
    this.#url = url;
    this.id = id;
    this.#token = token;
  }

  static async register(url: string, name: string): Promise<Customer> {
    const device = {
      ...{ device_id: randomUUID(), platform: 'android', platform_id: 'x', os_version: '14' },
      ...{ app_version: '1.0.0', device_model: 'Pixel' },
    };
    const body = { email: `${name}@example.com`, password: 'Str0ng!Passw0rd', device };
    const { tokens, user } = await send(url, '/api/v1/mobile/auth/register', { body });
    return new Customer(url, user.id, tokens.access_token);
  }

  async post(path: string, body: object): Promise<any> {
    return await send(this.#url, path, { body, token: this.#token });
  }

  async get(path: string): Promise<any> {
    return await send(this.#url, path, { token: this.#token });
  }
}

type Request = { readonly body?: object; readonly token?: string };

/** A POST where there is a body. Each has a key of its own, as the routes of a checkout want one. */
export async function send(url: string, path: string, { body, token }: Request): Promise<any> {
  const answer = await fetch(url + path, {
    method: body ? 'POST' : 'GET',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const said = await answer.text();
  if (!answer.ok) throw new RefusedError(`${path}: ${answer.status} ${said.slice(0, 500)}`);
  return JSON.parse(said);
}
