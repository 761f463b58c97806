// The browser's half of the console. The server draws everything and htmx puts it in its place; this file says which parts are asked for,
// keeps ages and the clock right, and tells when nobody answers. Without it every form and link still works.

const byId = (id) => document.getElementById(id);
const lang = document.documentElement.lang;

/** When each part was last asked for. */
const asked = new WeakMap();
const openedAt = Date.now();
let lastAnswerAt = Date.now();

const parts = () => [...document.querySelectorAll('[data-part]')].filter((part) => part.checkVisibility());
const isDue = (part) => part.dataset.every && Date.now() - (asked.get(part) ?? openedAt) >= Number(part.dataset.every);
const named = (list) => list.map((part) => `${part.id}=${part.dataset.hash}`).join(',');

document.addEventListener('htmx:config:request', (event) => {
  const { request, sourceElement } = event.detail.ctx;
  if (sourceElement.id !== 'poll') {
    request.headers['X-Parts'] = named(parts());
    return;
  }
  const due = document.hidden ? [] : parts().filter(isDue);
  if (due.length === 0) {
    event.preventDefault();
    return;
  }
  request.headers['X-Parts'] = named(due);
  for (const part of due) asked.set(part, Date.now());
});

document.addEventListener('htmx:after:request', (event) => {
  const { response, sourceElement } = event.detail.ctx;
  if (sourceElement.id === 'poll' && response.status >= 500) return lost();
  lastAnswerAt = Date.now();
  if (byId('lost')) byId('lost').hidden = true;
});

document.addEventListener('htmx:error', (event) => {
  if (event.detail.ctx?.sourceElement?.id === 'poll') return lost();
  const toast = byId('toast');
  const line = document.createElement('p');
  line.className = 'receipt bad';
  line.textContent = toast.dataset.lost;
  toast.replaceChildren(line);
});

function lost() {
  const note = byId('lost');
  note.querySelector('time').textContent = new Date(lastAnswerAt).toLocaleTimeString(lang);
  note.hidden = false;
}

document.addEventListener('htmx:after:swap', () => {
  const dialog = byId('ask');
  const isAsked = byId('ask-body').childElementCount > 0;
  if (isAsked && !dialog.open) dialog.showModal();
  if (!isAsked && dialog.open) dialog.close();
  document.querySelector('form.deed [aria-invalid]')?.focus();
  drawAges();
  const count = Number(byId('bell')?.dataset.count ?? 0);
  document.title = (count > 0 ? `(${count}) ` : '') + document.title.replace(/^\(\d+\) /, '');
});

document.addEventListener('click', (event) => {
  if (!event.target.closest('[data-close]')) return;
  event.preventDefault();
  byId('ask-body').replaceChildren();
  byId('ask').close();
});

/** A file is read here and put into the field, so that it is seen before it is sent. */
document.addEventListener('change', async (event) => {
  const field = event.target.dataset?.into && byId(event.target.dataset.into);
  const [file] = event.target.files ?? [];
  if (field && file) field.value = await file.text();
  const picture = event.target.dataset?.pictureInto && byId(event.target.dataset.pictureInto);
  if (!picture || !file) return;
  const reader = new FileReader();
  reader.addEventListener('load', () => {
    picture.value = reader.result;
  });
  reader.readAsDataURL(file);
});

document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest('input, textarea, select, [contenteditable]');
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const find = byId('find');
  if (!find) return;
  event.preventDefault();
  find.focus();
});

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && byId('poll')) htmx.trigger('#poll', 'poll');
});

/** The same steps as `agoText` at the server. */
const UNITS = [
  ['second', 1_000, 60_000],
  ['minute', 60_000, 3_600_000],
  ['hour', 3_600_000, 172_800_000],
  ['day', 86_400_000, Infinity],
];
const relative = new Intl.RelativeTimeFormat(lang, { style: 'short', numeric: 'auto' });

/** The clocks of server and browser may differ: what counts is how long this page has been open. */
const clock = byId('clock');
const servedAt = clock ? Date.parse(clock.dateTime) : Date.now();
const now = () => servedAt + Date.now() - openedAt;

function drawAges() {
  for (const age of document.querySelectorAll('time.age')) {
    const distance = Date.parse(age.dateTime) - now();
    const [unit, unitMs] = UNITS.find(([, , limit]) => Math.abs(distance) < limit);
    const text = relative.format(Math.trunc(distance / unitMs), unit);
    if (age.textContent !== text) age.textContent = text;
  }
}

function drawClock() {
  if (!clock) return;
  const options = {
    timeZone: clock.dataset.zone,
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  };
  const shown = new Intl.DateTimeFormat(lang, options).formatToParts(now());
  const part = (type) => shown.find((one) => one.type === type).value;
  clock.textContent = `${part('hour')}:${part('minute')} ${part('timeZoneName')}`;
}

setInterval(() => {
  if (document.hidden) return;
  drawAges();
  drawClock();
}, 5_000);
