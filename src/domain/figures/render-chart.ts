import { createRequire } from 'node:module';
import { renderAsync } from '@resvg/resvg-js';

/** Ship with us, so that a picture looks the same in a container that has no fonts at all. */
const FONTS = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'];

/** A PNG of an SVG, drawn with nothing but our own fonts and beside this thread, which goes on. */
export async function renderPng(svg: string): Promise<Uint8Array> {
  const { resolve } = createRequire(import.meta.url);
  const fontFiles = FONTS.map((file) => resolve(`dejavu-fonts-ttf/ttf/${file}`));
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' };
  return (await renderAsync(svg, { font, background: '#ffffff' })).asPng();
}
