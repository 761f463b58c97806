// The browser's half of the operations page: keeps the live parts up to date, asks before it acts, and acts through the API.
// The server renders everything; here nothing is drawn.

const REFRESH_MS = 3_000;
/** Attributes that the person changes, not the server. */
const OWN_ATTRIBUTES = new Set(['open', 'disabled']);

const byId = (id) => document.getElementById(id);

/** Makes `from` equal to `to` with as few changes as possible, so that focus, open parts and selections stay. */
function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.id !== to.id) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  if (from.hasAttribute('data-keep')) return;
  for (const { name } of [...from.attributes])
    if (!to.hasAttribute(name) && !OWN_ATTRIBUTES.has(name)) from.removeAttribute(name);
  for (const { name, value } of [...to.attributes])
    if (from.getAttribute(name) !== value && !OWN_ATTRIBUTES.has(name)) from.setAttribute(name, value);
  morphChildren(from, to);
}

/** Children with an id are found by it wherever they moved; the others by their place. */
function morphChildren(from, to) {
  const byName = new Map([...from.children].filter(({ id }) => id).map((child) => [child.id, child]));
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = wanted.id ? byName.get(wanted.id) : undefined;
    if (known && known !== place) from.insertBefore(known, place);
    const present = known ?? (place?.id && byName.has(place.id) ? null : place);
    if (!present) {
      from.insertBefore(wanted, place);
      continue;
    }
    place = present.nextSibling;
    morph(present, wanted);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

const fragment = (text) => new DOMParser().parseFromString(text, 'text/html');

/** Fetches a part of the page. A session that is over leads to the login. */
async function load(url) {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) });
  if (response.type === 'opaqueredirect') location.assign('/login');
  if (!response.ok) throw new Error(String(response.status));
  return fragment(await response.text());
}

async function refresh() {
  const live = byId('live');
  try {
    morph(live, (await load('/live')).getElementById('live'));
    byId('lost').hidden = true;
  } catch {
    byId('lost').hidden = false;
    byId('lost').querySelector('time').textContent = new Date(live.dataset.at).toLocaleTimeString();
  }
}

/** Refreshes every few seconds while somebody looks, and at once when they come back. */
async function keepFresh() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    if (!document.hidden) await refresh();
  }
}

function say(text, isBad = false) {
  const toast = byId('toast');
  toast.textContent = text;
  toast.classList.toggle('bad', isBad);
  toast.classList.add('shown');
  clearTimeout(say.timer);
  say.timer = setTimeout(() => toast.classList.remove('shown'), 5_000);
}

/** Whether the person says yes. */
function ask(text) {
  const dialog = byId('ask');
  byId('ask-text').textContent = text;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

async function act(button) {
  const { action, ask: question, body, done, url } = button.dataset;
  if (!(await ask(question))) return;
  button.disabled = true;
  try {
    const response = await fetch(url, {
      method: action,
      ...(body && { body, headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? String(response.status));
    say(done);
  } catch (error) {
    say(`${byId('toast').dataset.failed}: ${error.message}`, true);
  } finally {
    button.disabled = false;
  }
  await refresh();
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-action]');
  if (button) void act(button);
});

// The content is fetched when its part is opened, so that nothing private is in the page unasked.
document.addEventListener(
  'toggle',
  async (event) => {
    const details = event.target;
    const content = details.querySelector?.('[data-keep]');
    if (!details.open || !content || content.childElementCount > 0) return;
    try {
      content.replaceChildren(...(await load(details.dataset.load)).body.childNodes);
    } catch (error) {
      say(`${byId('toast').dataset.failed}: ${error.message}`, true);
    }
  },
  true,
);

document.addEventListener('submit', async (event) => {
  const form = event.target.closest('form[data-explain]');
  if (!form) return;
  event.preventDefault();
  const query = new URLSearchParams(new FormData(form));
  try {
    byId('explained').replaceChildren(...(await load(`/explain?${query}`)).body.childNodes);
  } catch (error) {
    say(`${byId('toast').dataset.failed}: ${error.message}`, true);
  }
});

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh();
});

void keepFresh();
