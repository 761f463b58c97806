import type * as z from 'zod';

/** Exists for the compiler alone, and only `defineTask` gives it: a literal with a name and a payload does not pass for a task. */
declare const DEFINED: unique symbol;

/** A task as `defineTask` made it: just enough to enqueue it with a payload that the compiler checks. */
export type DefinedTask<P extends z.ZodObject = z.ZodObject> = {
  readonly name: string;
  readonly payload: P;
  readonly [DEFINED]: true;
};
