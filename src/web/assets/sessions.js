// The side of the page: the way around, the sessions, what other clients change about them.

import { all, api, connection } from './api.js';
import { $, append, askFor, button, confirm, fill, h, link, menu, plain, soon } from './dom.js';
import { snippet } from './bytes.js';

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

let go;
let list;
let find;
let within;
let older;
let cursor = null;
let shown = [];
let searched = null;
let said = [];

export function side({ go: goTo, theme }) {
  go = goTo;
  list = h('ul.sessions');
  find = h('input', { type: 'search', placeholder: 'Find in sessions', label: 'Find in titles, questions and answers' });
  older = plain('Earlier sessions', () => load(true), { hidden: true });
  within = h('select', { label: 'Project', hidden: true, onchange: search });
  find.addEventListener('input', search);
  document.querySelector('.top').append(button('Menu', () => toggle(), { class: 'plain menu', 'aria-expanded': 'false', 'aria-controls': 'nav' }));
  append($('nav'), [find, within, list, older, theme]);
  tabs?.addEventListener('message', ({ data }) => {
    news.dispatchEvent(new CustomEvent('session', { detail: { id: data.session } }));
    glance();
  });
  connection.addEventListener('back', () => load());
  document.addEventListener('visibilitychange', () => document.hidden || glance());
  setInterval(() => document.hidden || glance(), GLANCE_MS);
  return load().then(projects);
}

/** The project whose sessions are listed, if one is chosen; new sessions belong to it. */
export const project = () => within?.value || undefined;

/** The names of all projects, as sessions tell them. */
async function projects() {
  const sessions = await all('/api/chat/sessions').catch(() => shown);
  const names = [...new Set(sessions.map(({ project_id }) => project_id).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  const now = within.value;
  fill(within, h('option', { value: '', text: 'All projects' }), names.map((value) => h('option', { value, text: value })));
  within.value = names.includes(now) ? now : '';
  within.hidden = !names.length;
  return names;
}

/** Asks for another title or project. Resolves to whether there is one, which `session` then has. */
export async function rename(session) {
  const { id, title, project_id = '' } = session;
  const fields = [
    { name: 'title', label: 'Title', value: title, required: true, maxlength: 200 },
    { name: 'project_id', label: 'Project', value: project_id, among: await projects(), maxlength: 200, hint: 'None takes it out of any.' },
  ];
  const told = await askFor('Title and project', fields, 'Save', async (told) => {
    const project = told.project_id.trim();
    const body = { ...(told.title !== title && { title: told.title }), ...(project !== project_id && { project_id: project }) };
    if (Object.keys(body).length) Object.assign(session, { project_id: undefined }, await api(`/api/chat/sessions/${id}`, { method: 'PATCH', body }));
  });
  if (told) tell(id);
  return Boolean(told);
}

export async function remove({ id, title }) {
  const detail = 'Its questions, answers and citations are gone for good. The documents stay.';
  if (!(await confirm(`Delete “${title || 'Untitled'}”?`, detail, 'Delete'))) return;
  await api(`/api/chat/sessions/${id}`, { method: 'DELETE' }).catch(() => {});
  const rest = (sessions) => sessions?.filter((one) => one.id !== id) ?? null;
  [shown, searched] = [rest(shown), rest(searched)];
  paint();
  tell(id);
  if (location.pathname.includes(id)) go('/');
}

/** Which part of a list by time something belongs to. */
function era(timestamp) {
  const then = new Date(timestamp);
  const days = Math.ceil((new Date().setHours(0, 0, 0, 0) - then) / 864e5);
  return days < 1 ? 'Today' : days < 2 ? 'Yesterday' : days < 7 ? 'This week' : then.toLocaleDateString('en', { month: 'long', year: 'numeric' });
}

/** Opens or closes the list on a small screen. */
export function toggle(open = !document.body.classList.contains('menu-open')) {
  document.body.classList.toggle('menu-open', open);
  document.querySelector('.menu')?.setAttribute('aria-expanded', open);
}

async function load(isMore = false) {
  const page = await api('/api/chat/sessions', { query: { limit: PAGE, cursor: isMore && cursor } }).catch(() => null);
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
    if (old && old.project_id !== session.project_id) projects();
    if (!old || old.message_count !== session.message_count || old.title !== session.title || old.active !== session.active) {
      news.dispatchEvent(new CustomEvent('session', { detail: session }));
    }
  }
  const fresh = new Set(page.items.map(({ id }) => id));
  const rest = page.next_cursor ? shown.slice(Math.min(20, shown.length)).filter(({ id }) => !fresh.has(id)) : [];
  const before = JSON.stringify(shown);
  shown = [...page.items, ...rest];
  if (JSON.stringify(shown) !== before) paint();
}

const search = soon(async () => {
  const words = find.value.trim();
  const [everything, told] = words || within.value ? await Promise.all([
    all('/api/chat/sessions', { project_id: within.value }).catch(() => []),
    words.length > 1 ? api('/api/history', { query: { q: words } }).then(({ hits }) => hits, () => []) : [],
  ]) : [null, []];
  if (words !== find.value.trim()) return;
  searched = everything?.filter(({ title }) => title.toLowerCase().includes(words.toLowerCase())) ?? null;
  said = told;
  paint();
});

export function paint() {
  if (!list) return;
  const sessions = searched ?? shown;
  const focused = document.activeElement?.closest?.('.sessions a')?.getAttribute('href');
  let day;
  fill(list, sessions.map((session) => {
    const before = day;
    day = era(session.updated_at);
    const href = `/s/${session.id}`;
    const isHere = location.pathname === href || location.pathname.startsWith(`${href}/`);
    return [day !== before && h('li.state', day), h('li', link(href, { 'aria-current': isHere ? 'page' : null, title: new Date(session.updated_at).toLocaleString() },
      h('span.name', session.title || 'Untitled'),
      !within.value && session.project_id && h('span.project', session.project_id)),
      menu('⋯', `More about ${session.title || 'Untitled'}`, [['Title and project', () => rename({ ...session })], ['Delete', () => remove(session)]]))];
  }), said.length > 0 && h('li.state', 'In what was said'), said.map((hit) => h('li', null,
    link(`/s/${hit.session_id}#${hit.message_id}`, h('span.name', hit.session_title || 'Untitled'), snippet({ ...hit, text: hit.text.replace(/[*#`]/g, ' ') }, 90)))),
  !sessions.length && !said.length && h('li.state', searched ? 'Nothing has this.' : 'No sessions yet.'));
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  older.hidden = !cursor || Boolean(searched);
  for (const way of document.querySelectorAll('.way')) way.ariaCurrent = way.pathname === location.pathname ? 'page' : null;
}
