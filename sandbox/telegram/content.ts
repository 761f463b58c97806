import { cleaned, type Entity, isEmpty, type Parsed, parseEntities } from './entities.ts';

const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;
/** As it is written, in UTF-8: `get_formatted_text` of the Bot API server. */
const MAX_BYTES = 1 << 15;

export type Content = 'text' | 'photo' | 'document';

/** Markdown is not parsed, because the service sends HTML. */
export function checkText(text: string, parseMode: unknown, content: Content): Parsed {
  const mode = String(parseMode ?? '').toLowerCase();
  if (content === 'text' && text === '') return { ok: false, error: 'message text is empty' };
  if (Buffer.byteLength(text) > MAX_BYTES) return { ok: false, error: 'text is too long' };
  if (!['', 'none', 'html', 'markdown', 'markdownv2'].includes(mode))
    return { ok: false, error: 'unsupported parse_mode' };
  if (!text.isWellFormed()) return { ok: false, error: 'strings must be encoded in UTF-8' };
  const parsed = mode === 'html' ? parseEntities(text) : { ok: true as const, visible: text, entities: [] };
  if (!parsed.ok) return parsed;
  const visible = cleaned(parsed.visible);
  if (content === 'text' && isEmpty(visible)) return { ok: false, error: 'text must be non-empty' };
  if (content === 'text' && visible.length > MAX_TEXT) return { ok: false, error: 'message is too long' };
  if (content !== 'text' && visible.length > MAX_CAPTION) return { ok: false, error: 'message caption is too long' };
  return { ok: true, visible, entities: trimmed(parsed.entities, parsed.visible) };
}

/** Moved to where they are in the text without its first spaces. */
function trimmed(entities: readonly Entity[], visible: string): Entity[] {
  const before = visible.length - visible.trimStart().length;
  return entities.map((entity) => ({ ...entity, offset: Math.max(0, entity.offset - before) }));
}
