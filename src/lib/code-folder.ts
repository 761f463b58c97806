import { extname } from 'node:path';

/**
 * The folder that holds this code: `src/` in a checkout, `bundle/` in an image. Files lie at the same places in both, so what is read or
 * loaded by its address is found from here. A bundled module cannot ask for its own address: it is a part of a larger file.
 */
export const CODE_FOLDER = new URL('../', import.meta.url);

/** `.ts` in a checkout, `.js` in an image. */
export const MODULE_ENDING = extname(import.meta.url);

/** The address of one of our modules that has a place of its own in both, named without its ending: `main`. */
export const moduleAt = (path: string): URL => new URL(`${path}${MODULE_ENDING}`, CODE_FOLDER);

/** A module that is found by listing a folder: `.ts` as it was written, `.js` as it was bundled. */
export const isModule = (file: string): boolean => /\.[jt]s$/.test(file) && !/\.test\.[jt]s$/.test(file);
