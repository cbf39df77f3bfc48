// The side of the page: the way around, the sessions, what other tabs and clients change about them.

import { all, api, connection } from './api.js';
import { $, button, fill, h, link, when } from './dom.js';

const PAGE = 40;
/** How often a visible page asks whether something was said elsewhere. */
const GLANCE_MS = 6000;

/** Tells `session` with what is known of one that changed. */
export const news = new EventTarget();
const tabs = 'BroadcastChannel' in window ? new BroadcastChannel('ibid') : null;

/** Tells this tab's list and other tabs that a session changed. */
export function tell(id) {
  tabs?.postMessage({ session: id });
  glance();
}

let list;
let find;
let older;
let cursor = null;
let shown = [];
let searched = null;

export function side({ go, theme }) {
  list = h('ul', { class: 'sessions' });
  find = h('input', { type: 'search', placeholder: 'Find a session', 'aria-label': 'Find a session by its title' });
  older = button('Earlier sessions', () => load(true), { class: 'plain', hidden: true });
  find.addEventListener('input', search);
  fill($('side'),
    h('div', { class: 'top' },
      link('/', { class: 'brand', 'aria-label': 'ibid., new session' }, 'ibid.'),
      button('Menu', () => toggle(), { class: 'plain menu', 'aria-expanded': 'false', 'aria-controls': 'nav' })),
    h('nav', { id: 'nav', 'aria-label': 'Main' },
      h('div', { class: 'ways' }, link('/', { class: 'way new' }, 'New session'), link('/library', { class: 'way' }, 'Library')),
      find, list, older, theme));
  tabs?.addEventListener('message', ({ data }) => {
    news.dispatchEvent(new CustomEvent('session', { detail: { id: data.session } }));
    glance();
  });
  connection.addEventListener('back', () => load());
  document.addEventListener('visibilitychange', () => document.hidden || glance());
  setInterval(() => document.hidden || glance(), GLANCE_MS);
  return load();
}

/** Opens or closes the list on a small screen. */
export function toggle(open = !document.body.classList.contains('menu-open')) {
  document.body.classList.toggle('menu-open', open);
  document.querySelector('.menu')?.setAttribute('aria-expanded', open);
}

async function load(isMore = false) {
  const page = await api(`/api/chat/sessions?limit=${PAGE}${isMore && cursor ? `&cursor=${cursor}` : ''}`).catch(() => null);
  if (!page) return;
  cursor = page.next_cursor;
  shown = isMore ? [...shown, ...page.items] : page.items;
  paint();
}

/** Looks at the newest sessions and tells of those that changed. */
async function glance() {
  const page = await api('/api/chat/sessions?limit=20').catch(() => null);
  if (!page) return;
  const known = new Map(shown.map((session) => [session.id, session]));
  for (const session of page.items) {
    const old = known.get(session.id);
    if (!old || old.message_count !== session.message_count || old.title !== session.title) {
      news.dispatchEvent(new CustomEvent('session', { detail: session }));
    }
  }
  const fresh = new Set(page.items.map(({ id }) => id));
  const rest = page.next_cursor ? shown.slice(Math.min(20, shown.length)).filter(({ id }) => !fresh.has(id)) : [];
  const before = JSON.stringify(shown);
  shown = [...page.items, ...rest];
  if (JSON.stringify(shown) !== before) paint();
}

let timer;
function search() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const words = find.value.trim().toLowerCase();
    const everything = words ? await all('/api/chat/sessions', 5000).catch(() => []) : null;
    searched = everything?.filter(({ title }) => title.toLowerCase().includes(words)) ?? null;
    paint();
  }, 150);
}

export function paint() {
  if (!list) return;
  const sessions = searched ?? shown;
  const focused = document.activeElement?.closest?.('.sessions a')?.getAttribute('href');
  fill(list, sessions.map((session) => {
    const href = `/s/${session.id}`;
    const isHere = location.pathname === href || location.pathname.startsWith(`${href}/`);
    return h('li', null, link(href, { 'aria-current': isHere ? 'page' : null },
      h('span', { class: 'name', text: session.title || 'Untitled' }), when(session.updated_at)));
  }), !sessions.length && h('li', { class: 'state', text: searched ? 'No title has this.' : 'No sessions yet.' }));
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  older.hidden = !cursor || Boolean(searched);
  for (const way of document.querySelectorAll('.way')) {
    if (way.getAttribute('href') === location.pathname) way.setAttribute('aria-current', 'page');
    else way.removeAttribute('aria-current');
  }
}

/** Lets the reader write a new title in place of the heading. */
export function rename(session, heading) {
  const input = h('input', { class: 'rename', value: session.title, 'aria-label': 'Title', maxlength: 200 });
  let isOver = false;
  const end = async (isKept) => {
    if (isOver) return;
    isOver = true;
    const title = input.value.trim();
    input.replaceWith(heading);
    if (!isKept || !title || title === session.title) return;
    try {
      const renamed = await api(`/api/chat/sessions/${session.id}`, { method: 'PATCH', body: { title } });
      session.title = heading.textContent = renamed.title;
      document.title = `${renamed.title} · ibid.`;
      tell(session.id);
    } catch (error) {
      heading.textContent = `${session.title} (${error.message})`;
    }
  };
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') end(true);
    if (event.key === 'Escape') {
      event.stopPropagation();
      end(false);
    }
  });
  input.addEventListener('blur', () => end(true));
  heading.replaceWith(input);
  input.select();
}
