/** One place in a document: its text, and its line for messages. */
export type Found = { readonly text: string; readonly line: number };

export type CodeBlock = Found & {
  /** First word after the fence: `ts`, `sh`; empty where there is none. */
  readonly language: string;
  /** The HTML comment on the line above, as `<!-- run -->` gives `run`. */
  readonly mark: string | undefined;
  /** The heading above it; empty before the first. */
  readonly section: string;
};

export type Document = {
  readonly path: string;
  /** The anchors that GitHub makes from its headings. */
  readonly anchors: ReadonlySet<string>;
  /** Targets of links and images. */
  readonly links: readonly Found[];
  /** Code inside sentences. */
  readonly inlineCode: readonly Found[];
  readonly blocks: readonly CodeBlock[];
};

/** Reads the part of Markdown that our documents use. */
export function readDocument(path: string, text: string): Document {
  const links: Found[] = [];
  const inlineCode: Found[] = [];
  const blocks: CodeBlock[] = [];
  const headings: string[] = [];
  let open: (Pick<CodeBlock, 'language' | 'line' | 'mark' | 'section'> & { lines: string[] }) | undefined;
  let before = '';
  for (const [i, content] of text.split('\n').entries()) {
    const line = i + 1;
    const fence = /^\s*```(\w*)/.exec(content);
    if (fence && open) {
      blocks.push({ ...open, text: open.lines.join('\n') });
      open = undefined;
    } else if (fence) {
      const mark = /^<!-- ([\w -]+) -->$/.exec(before)?.[1];
      open = { language: fence[1]!, mark, section: headings.at(-1) ?? '', line, lines: [] };
    } else if (open) open.lines.push(content);
    else {
      const [, heading] = /^#{1,6} (.+)$/.exec(content) ?? [];
      if (heading) headings.push(heading);
      const prose = content.replaceAll(/`([^`]+)`/g, (_, code: string) => {
        inlineCode.push({ text: code, line });
        return '';
      });
      for (const [, target] of prose.matchAll(/\]\(([^)\s]+)[^)]*\)/g)) links.push({ text: target!, line });
      for (const [, target] of prose.matchAll(/(?:src|href)="([^"]+)"/g)) links.push({ text: target!, line });
    }
    before = content;
  }
  return { path, anchors: anchorsOf(headings), links, inlineCode, blocks };
}

/** All code of a document, whether in sentences or in blocks line by line, without comments. */
export function codeOf({ blocks, inlineCode }: Document): Found[] {
  const lines = blocks.flatMap(({ line, text }) =>
    text.split('\n').map((content, i) => ({ text: content.replace(/(^|\s)#\s.*$/, ''), line: line + 1 + i })),
  );
  return [...inlineCode, ...lines];
}

/** Lower case, without punctuation, with hyphens for spaces; the second of a name gets `-1`. */
function anchorsOf(headings: readonly string[]): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headings) {
    const anchor = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    let unique = anchor;
    for (let n = 1; anchors.has(unique); n += 1) unique = `${anchor}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}
