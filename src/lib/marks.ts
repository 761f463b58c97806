/**
 * A piece of a text of a runbook. `to` leads somewhere: to a page of the console, which begins with `/`, and to a document, from the folder
 * `docs`; either may be missing.
 */
export type Piece =
  | { readonly text: string }
  | { readonly code: string }
  | { readonly name: string }
  | { readonly text: string; readonly to: { readonly page?: string; readonly document?: string } };

const MARKS = /`([^`]{1,300})`|\*([^*]{1,60})\*|\[([^[\]]{1,100})\]\(([^()]{1,100})\)/g;

/** Reads `` `code` ``, `*a name on a page*` and `[words](/page, document.md#anchor)`; all else is text. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: mark, 1: code, 2: name, 3: words, 4: target, index } of text.matchAll(MARKS)) {
    if (index > from) pieces.push({ text: text.slice(from, index) });
    if (code !== undefined) pieces.push({ code });
    else if (name !== undefined) pieces.push({ name });
    else pieces.push({ text: words!, to: targetOf(target!) });
    from = index + mark.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

function targetOf(target: string): { page?: string; document?: string } {
  const all = target.split(', ');
  const page = all.find((one) => one.startsWith('/'));
  const document = all.find((one) => !one.startsWith('/'));
  return { ...(page !== undefined && { page }), ...(document !== undefined && { document }) };
}
