import { errorMessage, TransientError } from '../../lib/errors.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { Log } from '../../observability/log.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { ReportMarks } from '../../repositories/redis/figures/report-marks.ts';
import { rowForEachAdmin } from '../alerts/admin-rows.ts';
import type { StaffSender } from '../alerts/staff-sender.ts';
import { renderPng } from './render-chart.ts';
import type { Report } from './reports.ts';

export type ReportDeliveryOptions = {
  notifications: Notifications;
  sender: StaffSender;
  marks: ReportMarks;
  adminIds: readonly number[];
  log: Log;
};

export type ReportCounts = {
  /** Admins whose text was queued now. */
  queued: number;
  /** Admins who got the picture now. */
  pictures: number;
  /** Admins whom Telegram does not let us send it to. */
  refused: number;
};

/**
 * Sends a report to every admin once. The text is a row of `notification_queue`, whose id follows from report and admin: it survives
 * what every message survives, and a second run adds none. A picture does not fit into a row: it goes out directly, and a mark for
 * each admin is set right after Telegram's answer; between those two lies the one moment that could send it twice.
 */
export class ReportDelivery {
  readonly #options: ReportDeliveryOptions;

  constructor(options: ReportDeliveryOptions) {
    this.#options = options;
  }

  /** Throws `TransientError` where a picture did not reach somebody: a later run sends just what is missing. */
  async send(report: Report, signal: AbortSignal): Promise<ReportCounts> {
    const { adminIds, marks, notifications } = this.#options;
    const idOf = (telegramId: number): string => uuidFrom(`report:${report.id}:${telegramId}`);
    const rows = rowForEachAdmin(adminIds, { idOf, message: report.text.toString(), type: report.type });
    const queued = await notifications.insert(rows);
    const done = await marks.sent(report.id);
    const waiting = adminIds.filter((id) => !done.has(id));
    const picture = waiting.length > 0 ? await this.#render(report) : undefined;
    return {
      queued,
      ...(picture ? await this.#sendPictures(report, picture, waiting, signal) : { pictures: 0, refused: 0 }),
    };
  }

  async #sendPictures(
    { caption, id }: Report,
    bytes: Uint8Array,
    adminIds: readonly number[],
    signal: AbortSignal,
  ): Promise<{ pictures: number; refused: number }> {
    const { log, marks, sender } = this.#options;
    const failures: unknown[] = [];
    const counts = { pictures: 0, refused: 0 };
    for (const telegramId of adminIds) {
      try {
        const photo = {
          telegramId,
          lane: 'normal',
          file: { name: `${id.replace(':', '-')}.png`, bytes },
          caption,
        } as const;
        const delivery = await sender.sendPhoto(photo, signal);
        if (delivery.kind === 'sent') {
          await marks.mark(id, telegramId, delivery.messageId);
          counts.pictures += 1;
        } else {
          counts.refused += 1;
          log.warn({ report: id, delivery }, 'picture of a report refused');
        }
      } catch (error) {
        signal.throwIfAborted();
        failures.push(error);
      }
    }
    if (failures.length === 0) return counts;
    const message = `report ${id}: the picture did not reach ${failures.length} of ${adminIds.length} admins: ${errorMessage(failures[0])}`;
    throw new TransientError('report_picture_unsent', message, { cause: failures[0] });
  }

  /** A report without its picture is still a report. */
  async #render({ id, pictureSvg }: Report): Promise<Uint8Array | undefined> {
    try {
      return await renderPng(pictureSvg);
    } catch (err) {
      this.#options.log.error({ err, report: id }, 'picture of a report cannot be drawn, the text goes without');
      return undefined;
    }
  }
}
