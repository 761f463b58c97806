/**
 * The page with what lies between `<!-- name … -->` and `<!-- /name -->` made anew. Throws where the page has no such place.
 */
export function withinMarks(page: string, name: string, text: string): string {
  const begin = new RegExp(`<!-- ${name}\\b[^>]*-->`).exec(page);
  const end = page.indexOf(`<!-- /${name} -->`);
  if (!begin || end < begin.index)
    throw new Error(`the page has no place for ${name}: <!-- ${name} --> … <!-- /${name} -->`);
  return `${page.slice(0, begin.index + begin[0].length)}\n\n${text}\n\n${page.slice(end)}`;
}
