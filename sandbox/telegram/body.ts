import type { IncomingMessage } from 'node:http';
import { type PictureFacts, pictureFacts } from '../../src/lib/picture-facts.ts';

/** `picture`: what the content is, where it is a picture. */
export type Upload = { name: string; bytes: number; picture?: PictureFacts | undefined };
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
    fields[name] = typeof value === 'string' ? value : await uploaded(value);
  }
  return fields;
}

async function uploaded(file: File): Promise<Upload> {
  const picture = pictureFacts(await file.bytes());
  return { name: file.name, bytes: file.size, ...(picture && { picture }) };
}

/** A file field: uploaded under its own name, or under another one that `attach://` points to; text is the id of a file that is there. */
export function uploadOf(fields: Fields, name: string): Upload | string | undefined {
  const value = fields[name];
  if (typeof value === 'string' && value.startsWith('attach://')) return uploadOf(fields, value.slice(9));
  return value as Upload | string | undefined;
}
