import type { IncomingMessage } from 'node:http';

export type Upload = { name: string; bytes: number };
export type Fields = Record<string, unknown>;

/** Parameters of a Bot API call: query, JSON, form or multipart, as https://core.telegram.org/bots/api#making-requests allows. */
export async function readFields(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const query = new URL(request.url ?? '/', 'http://sandbox').searchParams;
  return { ...Object.fromEntries(query), ...(await parse(body, request.headers['content-type'] ?? '')) };
}

async function parse(body: Buffer, type: string): Promise<Fields> {
  if (body.length === 0) return {};
  if (type.startsWith('multipart/form-data')) return parseMultipart(body, type);
  const text = body.toString('utf8');
  // Also detected by the first character, because `curl -d '{…}'` calls JSON a form.
  if (type.startsWith('application/json') || text.startsWith('{')) return JSON.parse(text) as Fields;
  return Object.fromEntries(new URLSearchParams(text));
}

async function parseMultipart(body: Buffer, type: string): Promise<Fields> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  const fields: Fields = {};
  for (const [name, value] of form) {
    fields[name] = typeof value === 'string' ? value : ({ name: value.name, bytes: value.size } satisfies Upload);
  }
  return fields;
}

/** A file field: uploaded under its own name, or under another one that `attach://` points to. */
export function uploadOf(fields: Fields, name: string): Upload | undefined {
  const value = fields[name];
  if (typeof value === 'string' && value.startsWith('attach://')) return uploadOf(fields, value.slice(9));
  if (typeof value === 'string') return { name: value, bytes: 0 };
  return value as Upload | undefined;
}
