import { createWriteStream, type WriteStream } from 'node:fs';
import { now } from './timeline.ts';

/** One run of a task, as its worker logged it. Times are by our own clock, because a worker's may be wrong on purpose. */
export type Run = { task: string; jobId: string; fromMs: number; toMs: number; ok: boolean; pid: number };

type Line = {
  level: string;
  msg: string;
  pid: number;
  task?: string;
  job_id?: string;
  seconds?: number;
  err?: { message?: string };
};

/** The logs of the processes, reduced to the facts that the invariants and the report need. */
export class LogBook {
  readonly runs: Run[] = [];
  /** The count of each warning and error. */
  readonly complaints = new Map<string, number>();
  #file: WriteStream | undefined;

  /** Also writes everything to this file. */
  keepIn(file: string): void {
    this.#file = createWriteStream(file);
  }

  read(role: string, text: string): void {
    this.#file?.write(`${new Date(now()).toISOString()} ${role} ${text}\n`);
    const line = parsed(text);
    if (!line) {
      this.#complain(`not JSON: ${text.slice(0, 200)}`);
      return;
    }
    if (line.level === 'warning' || line.level === 'error') {
      this.#complain([line.msg, line.task, line.err?.message?.slice(0, 160)].filter(Boolean).join(' · '));
    }
    const isEnd = line.msg === 'task done' || line.msg === 'task failed' || line.msg === 'task failed, will be retried';
    if (!isEnd || line.task === undefined || line.job_id === undefined) return;
    const toMs = now();
    const fromMs = toMs - (line.seconds ?? 0) * 1000;
    this.runs.push({ task: line.task, jobId: line.job_id, fromMs, toMs, ok: line.msg === 'task done', pid: line.pid });
  }

  #complain(what: string): void {
    this.complaints.set(what, (this.complaints.get(what) ?? 0) + 1);
  }
}

function parsed(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
