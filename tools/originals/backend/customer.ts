import { randomInt, randomUUID } from 'node:crypto';

/** A customer of the backend, who uses its HTTP API as an application does. */
export class Customer {
  readonly id: string;
  readonly #url: string;
  readonly #token: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(url: string, { tokens, user }: Registered, headers: Readonly<Record<string, string>>) {
    this.#url = url;
    this.id = user.id;
    this.#token = tokens.access_token;
    this.#headers = headers;
  }

  static async register(url: string, name: string): Promise<Customer> {
    const device = {
      ...{ device_id: randomUUID(), platform: 'android', platform_id: 'x', os_version: '14' },
      ...{ app_version: '1.0.0', device_model: 'Pixel' },
    };
    const body = { email: `${name}@example.com`, password: 'Str0ng!Passw0rd', device };
    const headers = { 'x-forwarded-for': [10, randomInt(256), randomInt(256), randomInt(1, 255)].join('.') };
    return new Customer(url, await send<Registered>(url, '/api/v1/mobile/auth/register', { body, headers }), headers);
  }

  /** Resolves to what the route answers; the caller says what that is. */
  async post<T>(path: string, body: object): Promise<T> {
    return await send<T>(this.#url, path, { body, token: this.#token, headers: this.#headers });
  }

  async get(path: string): Promise<void> {
    await send(this.#url, path, { token: this.#token, headers: this.#headers, method: 'GET' });
  }
}

type Request = {
  readonly body?: object;
  readonly token?: string;
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly headers?: Readonly<Record<string, string>>;
};
type Registered = { readonly tokens: { readonly access_token: string }; readonly user: { readonly id: string } };

/** Throws where the request is refused. Each has a key of its own, as the routes of a checkout want one. */
export async function send<T>(url: string, path: string, request: Request): Promise<T> {
  const { body, headers, method = 'POST', token } = request;
  const answer = await fetch(url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
      // After a 500 the backend closes the connection without saying so.
      connection: 'close',
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${said.slice(0, 500)}`);
  return JSON.parse(said) as T;
}
