import type { Fields } from './body.ts';
import { type Bot, type Reply, refuse } from './bot.ts';

const MOST = 100;

/** `setMyCommands`: the menu of a bot, for one language or for all others. */
export function setCommands(bot: Bot, fields: Fields): Reply {
  const given: unknown = typeof fields.commands === 'string' ? JSON.parse(fields.commands) : fields.commands;
  if (!Array.isArray(given)) return refuse(bot, 400, "Bad Request: can't parse commands JSON object");
  if (given.length > MOST) return refuse(bot, 400, 'Bad Request: BOT_COMMANDS_TOO_MUCH');
  for (const { command, description } of given as Record<string, unknown>[]) {
    if (!/^[a-z\d_]{1,32}$/.test(String(command))) return refuse(bot, 400, 'Bad Request: BOT_COMMAND_INVALID');
    const { length } = String(description ?? '').trim();
    if (length < 1 || length > 256) return refuse(bot, 400, 'Bad Request: BOT_COMMAND_DESCRIPTION_INVALID');
  }
  const language = String(fields.language_code ?? '');
  if (language !== '' && !/^[a-z]{2}$/.test(language))
    return refuse(bot, 400, 'Bad Request: invalid language code specified');
  bot.commands.set(language, given);
  return { ok: true, result: true };
}
