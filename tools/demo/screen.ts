import { styleText } from 'node:util';
import type { ReceivedMail } from '../../sandbox/smtp/server.ts';
import type { DeliveredMessage } from '../../sandbox/telegram/record.ts';

/** Widest line of a delivery, so that one message is one line on a usual terminal. */
const MESSAGE_CHARACTERS = 88;

/** The output of the demo: plain lines, coloured where the terminal supports it. */
export class Screen {
  readonly #startedAt = performance.now();
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  title(text: string): void {
    this.#write(`\n${styleText('bold', text)}\n`);
  }

  line(text = ''): void {
    this.#write(`  ${text}`.trimEnd());
  }

  /** Names and addresses as two columns under a heading. */
  block(heading: string, rows: readonly (readonly [string, string])[]): void {
    this.#write(`\n  ${styleText('bold', heading)}`);
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) this.#write(`    ${name.padEnd(width)}  ${value}`);
  }

  /** A step of the demo, with the time since the start. */
  step(text: string): void {
    this.#write(`  ${this.#clock()} ${styleText('cyan', '▸')} ${text}`);
  }

  delivery(message: DeliveredMessage): void {
    const text = message.visible.replaceAll(/\s+/g, ' ');
    const shown = text.length > MESSAGE_CHARACTERS ? `${text.slice(0, MESSAGE_CHARACTERS - 1)}…` : text;
    const to = message.chat_id === ADMIN_CHAT ? 'admin' : String(message.chat_id);
    this.#write(`  ${this.#clock()} ${styleText('green', '✉')} ${to.padEnd(9)}  ${shown}`);
  }

  /** Shows an e-mail without its code or link, which bystanders should not see. */
  mail({ subject, to }: ReceivedMail, server: 'first' | 'second'): void {
    const address = to.join(', ');
    this.#write(`  ${this.#clock()} ${styleText('green', '@')} ${address}  ${subject} (${server} mail server)`);
  }

  trouble(text: string): void {
    this.#write(`  ${this.#clock()} ${styleText('red', '!')} ${text}`);
  }

  #clock(): string {
    return styleText('dim', `${this.seconds.toFixed(1).padStart(6)} s`);
  }
}

/** Olga of the seed data, who gets the alerts. */
export const ADMIN_CHAT = 900001;
