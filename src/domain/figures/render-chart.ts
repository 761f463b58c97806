import { createRequire } from 'node:module';
import { CODE_FOLDER } from '../../lib/code-folder.ts';
import { loadPart } from '../../lib/load-part.ts';

/** Ship with us, so that a picture looks the same in a container that has no fonts at all. */
const FONTS = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'];

/** A PNG of an SVG, drawn with nothing but our own fonts and beside this thread, which goes on. */
export async function renderPng(svg: string): Promise<Uint8Array> {
  const { renderAsync } = await loadPart('What draws charts (@resvg/resvg-js)', () => import('@resvg/resvg-js'));
  const { resolve } = createRequire(CODE_FOLDER);
  const fontFiles = FONTS.map((file) => resolve(`dejavu-fonts-ttf/ttf/${file}`));
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' };
  return (await renderAsync(svg, { font, background: '#ffffff' })).asPng();
}
