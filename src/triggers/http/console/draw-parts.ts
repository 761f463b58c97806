import { createHash } from 'node:crypto';
import { within } from '../../../lib/deadline.ts';
import { seconds } from '../../../lib/duration.ts';
import { errorMessage, PermanentError, TransientError } from '../../../lib/errors.ts';
import { type Html, html } from '../../../lib/html.ts';
import { isServerAway } from '../../../lib/server-away.ts';
import { UnknownTaskError } from '../../../runtime/registry.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { unknownState } from './components/states.ts';
import type { AnyPart, Asked, ConsoleView } from './define-view.ts';

/** A part that takes longer is drawn as unknown. The budget of a whole view is 0.3 s, so this is an outage. */
const PART_LIMIT_MS = seconds(8);

/** What could not be read is asked for again after this, where the part itself cannot say when. */
const UNKNOWN_AGAIN_MS = seconds(15);

export type AnyAsked = Asked<unknown, unknown, string, string>;

/** A drawn part. `hash` changes only where the reader would see a change; the age of a time is none, since the browser keeps it itself. */
export type DrawnPart = { name: string; hash: string; section: Html };

/** Parts of a view that this reader may see; only those of these names, where some are given. */
export function partsFor({ parts }: ConsoleView, { page }: AnyAsked, names?: ReadonlySet<string>): readonly AnyPart[] {
  return parts.filter(({ name, needs }) => (needs === undefined || page.may(needs)) && (names?.has(name) ?? true));
}

/** Loads and draws parts at once. Throws only what says that the thing of the address is not there: then there is no view of it. */
export async function drawParts(
  parts: readonly AnyPart[],
  context: HttpContext,
  asked: AnyAsked,
): Promise<readonly DrawnPart[]> {
  return await Promise.all(parts.map((part) => drawPart(part, context, asked)));
}

async function drawPart(part: AnyPart, context: HttpContext, asked: AnyAsked): Promise<DrawnPart> {
  const { page } = asked;
  const { heading, name, width } = part;
  const { content, everyMs } = await contentOf(part, context, asked);
  const hash = createHash('sha256').update(withoutAges(content.toString())).digest('base64url').slice(0, 10);
  const label = heading ? html`aria-labelledby="${name}-heading"` : html`aria-label="${page.say('title')}"`;
  const every = everyMs === undefined ? '' : html` data-every="${everyMs}"`;
  const section = html`<section class="card${width === 'half' ? ' half' : ''}" id="${name}" data-part data-hash="${hash}"${every} ${label}>${
    heading ? html`<h2 id="${name}-heading">${page.say(heading)}</h2>` : ''
  }${content}</section>`;
  return { name, hash, section };
}

/** What stands in a part, and after how many milliseconds it is asked for again. */
async function contentOf(
  part: AnyPart,
  context: HttpContext,
  asked: AnyAsked,
): Promise<{ content: Html; everyMs: number | undefined }> {
  const { everyMs } = part;
  try {
    const data: unknown = await within(PART_LIMIT_MS, Promise.resolve(part.load(context, asked)));
    const content = part.draw(data, asked.page, asked);
    return { content, everyMs: typeof everyMs === 'function' ? everyMs(data) : everyMs };
  } catch (error) {
    if (isNotThere(error)) throw error;
    context.log.warn({ err: error, part: part.name }, 'part of the console cannot be read');
    const content = unknownState(reasonOf(error), asked.page);
    return { content, everyMs: typeof everyMs === 'function' ? UNKNOWN_AGAIN_MS : everyMs };
  }
}

const isNotThere = (error: unknown): boolean =>
  error instanceof UnknownTaskError || (error instanceof Problem && error.kind === 'not-found');

/** Our own errors are sentences for people. Others may hold what only the log should. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof PermanentError || error instanceof TransientError) return error.message;
  if (isServerAway(error)) return 'Redis or PostgreSQL does not answer.';
  return error instanceof Error && error.message.startsWith('no answer within') ? errorMessage(error) : undefined;
}

const withoutAges = (text: string): string => text.replaceAll(/(<time\b[^<>]*>)[^<]*/g, '$1');
