import { runbooks } from './runbook.ts';

/** What the worker sees of the services and nodes around it. */
export const ALERTS_OF_SERVICES = runbooks({
  service_down: {
    also: [
      'service_down_remnawave',
      'service_down_postgresql',
      'service_down_redis',
      'service_down_telegram',
      'service_down_cryptobot',
    ],
    means: {
      en: 'three looks in a row, a minute apart, got no answer within 5 s.',
      ru: 'три проверки подряд, раз в минуту, сервис не ответил за 5 с.',
    },
    look: {
      en: "the error in the message; the service's own state; `cybervpn_breaker_state` and `cybervpn_external_requests_total`.",
      ru: 'ошибка в сообщении; состояние самого сервиса; `cybervpn_breaker_state` и `cybervpn_external_requests_total`.',
    },
    act: {
      en: 'bring the service back. Nothing is lost meanwhile: messages and payments wait in PostgreSQL, jobs in Redis. With the panel away nobody is taken for offline or expired. A 401 of the panel is a wrong token; a 403 is a revoked one, or on 3.x one that lacks [a scope](operations.md#the-panels-api-token), which the error names: make a new one, set `REMNAWAVE_API_TOKEN`, restart.',
      ru: 'верните сервис. За это время ничего не теряется: сообщения и платежи ждут в PostgreSQL, задания — в Redis. Пока панели нет, никто не считается отключённым или просроченным. 401 от панели — неверный токен; 403 — токен отозван или, в 3.x, ему не хватает [права](operations.md#the-panels-api-token), которое названо в ошибке: выпустите новый, запишите его в `REMNAWAVE_API_TOKEN` и перезапустите воркер.',
    },
  },
  panel_version: {
    means: {
      en: "the panel was up- or downgraded, from the first version in the message to the second. It is told once, within a minute of the panel's answer; a WARNING where users have other ids since (2.x to 3.x, or back), else for information.",
      ru: 'панель обновили или откатили: с первой версии из сообщения на вторую. Сообщается один раз, через минуту после ответа панели; ВНИМАНИЕ, если у пользователей теперь другие id (с 2.x на 3.x или обратно), иначе просто для сведения.',
    },
    look: {
      en: 'nothing, where that was planned. Otherwise: who did it, and [what an upgrade means](operations.md#upgrading-the-panel).',
      ru: 'ничего, если так и задумано. Иначе: кто это сделал и [что значит обновление](operations.md#upgrading-the-panel).',
    },
    act: {
      en: '[the steps after an upgrade](operations.md#upgrading-the-panel). All workers speak to the new panel by themselves.',
      ru: '[шаги после обновления](operations.md#upgrading-the-panel). Воркеры сами говорят с новой панелью.',
    },
  },
  contacts_lost: {
    means: {
      en: 'from one hourly look to the next, at least 10 more of the customers to whom a notice is due have no known Telegram id, and their share grew by at least 5 points. Nobody of them is reminded. It is told once, with both counts; later looks count from there.',
      ru: 'между двумя ежечасными проверками минимум у 10 клиентов, которых пора предупредить, пропал Telegram id, и их доля выросла не меньше чем на 5 пунктов. Им не напоминают. Сообщается один раз, с обоими числами; дальше отсчёт идёт от новых.',
    },
    look: {
      en: 'what happened in between to panel or platform: an upgrade, a restore, an import, a changed `mobile_users`. `task-worker explain user <name>` of one of them says whether an id is known, and from where; `without_telegram` in the results of check_expiring_subscriptions has the counts.',
      ru: 'что за это время случилось с панелью или платформой: обновление, восстановление, импорт, изменение `mobile_users`. `task-worker explain user <name>` для одного из них скажет, известен ли id и откуда; числа — `without_telegram` в итогах check_expiring_subscriptions.',
    },
    act: {
      en: "put the Telegram ids back, at the panel (`telegramId`) or in `mobile_users` beside the customer's name; the next run reminds whoever is still due. Nothing, where that many customers without Telegram were added on purpose.",
      ru: 'верните Telegram id: в панели (`telegramId`) или в `mobile_users` рядом с именем клиента; следующая проверка напомнит всем, кому ещё пора. Ничего, если столько клиентов без Telegram добавили намеренно.',
    },
  },
  node_offline: {
    means: {
      en: 'a VPN node does not serve and did not when looked at again 20 s later, or has been offline for over 5 minutes.',
      ru: 'VPN-узел не работает, и повторная проверка через 20 с это подтвердила; или он недоступен больше 5 минут.',
    },
    look: {
      en: "the reason in the message (the panel's own); host and network of the node; when many are down at once, the panel and its network first.",
      ru: 'причина в сообщении (её называет панель); хост и сеть узла; если недоступны сразу многие — сначала панель и её сеть.',
    },
    act: {
      en: 'restart the node or its host; if it stays down, disable it in the panel, which ends the alert and takes it out of the uptime.',
      ru: 'перезапустите узел или его хост; если не поднимается, отключите его в панели: это закончит оповещение и исключит узел из доли рабочего времени.',
    },
    rules: {
      NodeDown: {
        summary: 'Узел {node_uuid} недоступен',
        description: 'Он недоступен больше трёх минут. Его имя админам сообщил воркер.',
        action: 'Перезапустите узел или его хост либо отключите его в панели.',
      },
      ManyNodesDown: {
        summary: 'Недоступно большинство узлов',
        description: 'Недоступно узлов: {value}, больше половины работающих.',
        action: 'Сначала посмотрите на панель и её сеть: узлы редко падают вместе по отдельным причинам.',
      },
    },
  },
  node_unstable: {
    means: {
      en: 'more than 3 changes within 10 minutes. Single changes are not told meanwhile.',
      ru: 'больше 3 переключений за 10 минут. Об отдельных переключениях пока не сообщается.',
    },
    look: {
      en: 'packet loss between panel and node, memory and restarts on the node.',
      ru: 'потери пакетов между панелью и узлом, память и перезапуски на узле.',
    },
    act: {
      en: 'as for [a node that is offline](/runbooks/node_offline). It ends after 10 calm minutes.',
      ru: 'как при [недоступном узле](/runbooks/node_offline). Закончится само после 10 спокойных минут.',
    },
  },
  panel_bill: {
    means: {
      en: 'the panel reminds of a bill for a node (Infra billing): due in 7 days, 48 h, 24 h, today, or overdue. It comes only with [events of the panel](operations.md#events-of-the-panel).',
      ru: 'панель напоминает о счёте за узел (Infra billing): через 7 дней, 48 ч, 24 ч, сегодня или уже просрочен. Приходит только с [событиями панели](operations.md#events-of-the-panel).',
    },
    look: { en: 'provider, node and date in the message.', ru: 'провайдер, узел и дата в сообщении.' },
    act: {
      en: 'pay it, then set the next date in the panel, which ends the reminders. A provider that is not paid switches the node off.',
      ru: 'оплатите и поставьте в панели следующую дату: напоминания прекратятся. Неоплаченный провайдер выключит узел.',
    },
  },
});
