// A session: its questions and answers, those being made included, and the composer below.

import { Answer, siblings } from './answer.js';
import { api, connection, documentOf, follow, request } from './api.js';
import { askFor, button, confirm, fill, h, link, menu } from './dom.js';
import { composer } from './composer.js';
import { adopt } from './scope.js';
import { closeSource, openSource } from './source.js';
import { news, project, projects, tell } from './sessions.js';

/** Shows a session, or without an id the beginning of a new one. `go(path, quietly)` changes the address. */
export async function chat(main, { id, go, signal }) {
  let session = id ? await api(`/api/chat/sessions/${id}`, { signal }) : null;
  const base = () => `/api/chat/sessions/${session.id}`;
  const exchanges = new Map();
  let running = null;

  const talk = h('div', { class: 'talk' });
  const bar = h('div', { class: 'bar' });
  const last = session?.messages.filter(isShown).findLast(({ role }) => role === 'user');
  const writing = composer({ ask, stop, mode: last?.mode ?? session?.mode, model: session?.messages.at(-1)?.model ?? session?.model });
  const foot = h('div', { class: 'dock' }, writing.element);

  fill(main, bar, talk, foot);
  heading();
  if (session) {
    adopt(last ?? session);
    show(session.messages);
    const wanted = location.hash.slice(1);
    const there = [...exchanges.values()].find(({ body, answer }) => wanted && [body.id, answer?.message.id].includes(wanted));
    (there?.element ?? talk.lastElementChild)?.scrollIntoView({ block: 'start' });
  } else welcome();
  if (matchMedia('(pointer: fine)').matches) writing.focus();

  news.addEventListener('session', ({ detail }) => {
    if (detail.id !== session?.id) return;
    if (detail.title !== undefined && detail.title !== session.title) {
      session.title = detail.title;
      heading();
    }
    if (detail.message_count === undefined || detail.message_count !== session.message_count) refresh();
  }, { signal });
  connection.addEventListener('back', () => refresh(), { signal });

  function heading() {
    document.title = session?.title ? `${session.title} · ibid.` : 'ibid.';
    bar.hidden = !session;
    if (!session) return;
    fill(bar, h('h1', { text: session.title || 'New session' }),
      link(`/s/${session.id}/citations`, { class: 'plain' }, 'Citations'),
      menu('More', 'More about this session', [
        ['Title and project', rename],
        ['Keep as Markdown', `${base()}/export?format=markdown`],
        ['Keep as PDF', `${base()}/export?format=pdf`],
        ['Keep as JSON', `${base()}/export?format=json`],
        ['Delete', remove],
      ]));
  }

  async function welcome() {
    const words = h('p', { class: 'lede' });
    fill(talk, h('div', { class: 'welcome' }, h('h1', { text: 'Ask your own documents.' }), words));
    const page = await api('/api/documents?limit=500').catch(() => null);
    if (!page || session) return;
    const ready = page.items.filter(({ status }) => status === 'ready').length;
    if (page.items.length === 0) {
      fill(words, 'The library is empty. ', link('/library', null, 'Add documents'), ', or drop files anywhere on this page.');
    } else {
      fill(words, `Answers come from `, link('/library', null, `${ready}${page.next_cursor ? '+' : ''} ${ready === 1 ? 'document' : 'documents'}`),
        ', and each claim carries a number that opens the very passage it rests on.');
    }
  }

  async function rename() {
    const { title, project_id = '' } = session;
    const fields = [
      { name: 'title', label: 'Title', value: title, required: true, maxlength: 200 },
      { name: 'project_id', label: 'Project', value: project_id, among: await projects(), maxlength: 200, hint: 'Sessions of a project can be listed by themselves; none takes it out.' },
    ];
    const told = await askFor('Title and project', fields, 'Save', async (told) => {
      const project = told.project_id.trim();
      const body = { ...(told.title !== title && { title: told.title }), ...(project !== project_id && { project_id: project }) };
      if (Object.keys(body).length) Object.assign(session, { project_id: undefined }, await api(base(), { method: 'PATCH', body }));
    });
    if (!told) return;
    heading();
    tell(session.id);
  }

  /** Shows the branch that is chosen; what stands there already stays. */
  function show(messages) {
    const shown = messages.filter(isShown);
    const known = new Set(shown.map(({ id }) => id));
    const isOther = [...exchanges.values()].some(({ body, answer }) => [body.id, answer?.message.id].some((id) => id && !known.has(id)));
    if (isOther) {
      if (running) return;
      exchanges.clear();
      talk.replaceChildren();
    }
    shown.forEach(place);
  }

  /** Shows a stored message: a question opens an exchange, an answer goes into the one it belongs to. */
  function place(message) {
    if (message.role === 'user') {
      const known = exchanges.get(message.id);
      if (!known) question(message);
      else {
        known.body = message;
        turns(known.tools, message, known);
      }
      return;
    }
    const exchange = exchanges.get(message.parent_id) ?? [...exchanges.values()].at(-1);
    if (!exchange) return;
    if (exchange.answer) exchange.answer.message.siblings = message.siblings;
    if (!exchange.answer) {
      attach(exchange, message);
      if (message.status === 'running') listen(exchange);
    } else if (!exchange.listening && message.status === 'running') listen(exchange);
    else if (!exchange.listening && exchange.answer.message.status !== message.status) exchange.answer.set(message);
    else if (!exchange.listening) exchange.answer.paint();
  }

  function question(message) {
    talk.querySelector('.welcome')?.remove();
    const about = h('p', { class: 'asked' });
    if (message.mode === 'deep_research') about.append('Deep research');
    limits(about, message);
    const tools = h('p', { class: 'tools' });
    const head = h('div', { class: 'head' }, h('h2', { class: 'question', text: message.content }), tools, about);
    const element = h('article', { class: 'exchange', 'aria-label': 'Question and answer' }, head);
    const exchange = { element, head, tools, body: message };
    turns(tools, message, exchange);
    talk.append(element);
    if (message.id) exchanges.set(message.id, exchange);
    return exchange;
  }

  function attach(exchange, message) {
    const path = (what) => `${base()}/messages/${exchange.answer.message.id}/${what}`;
    const answer = new Answer(message, {
      open: (answer, at, from) => openSource(answer.citations, at, from),
      again: () => again(exchange),
      steer: (body) => api(path('plan'), { method: 'POST', body }),
      react: (body) => api(path('reaction'), { method: 'PUT', body }),
      turn: (id) => turnTo(id),
    });
    exchange.answer?.element.remove();
    exchange.answer = answer;
    exchange.element.append(answer.element);
  }

  /** What can be done with a question: ask it in other words, see how else it was asked. */
  function turns(tools, message, exchange) {
    fill(tools, message.id && button('Edit', () => reword(exchange), { class: 'plain', 'aria-label': 'Edit this question' }),
      siblings(message, turnTo, 'question'));
  }

  async function turnTo(active) {
    if (running) return;
    await api(base(), { method: 'PATCH', body: { active } }).catch(() => {});
    await refresh();
    tell(session.id);
  }

  /** Another answer to the same question; the one there is stays beside it. */
  async function again(exchange) {
    if (running) return;
    const old = exchange.answer.message;
    try {
      const body = writing.model() ? { model: writing.model() } : {};
      const first = await request(`${base()}/messages/${old.id}/regenerate`, { method: 'POST', body, signal });
      cutAfter(exchange);
      attach(exchange, fresh(old));
      await listen(exchange, first);
    } catch (error) {
      if (!signal.aborted) exchange.answer.fail(error.message);
    }
  }

  /** Puts a box in place of a question; what is asked instead stands beside it. */
  function reword(exchange) {
    if (running) return;
    const { head, body } = exchange;
    const text = h('textarea', { 'aria-label': 'The question in other words', rows: 3, text: body.content, maxlength: 30000 });
    const fault = h('p', { class: 'fault', role: 'alert' });
    const back = () => {
      box.replaceWith(head);
      exchange.tools.querySelector('button')?.focus();
    };
    const send = async () => {
      const content = text.value.trim();
      if (!content || content === body.content) return back();
      const { parent_id, mode, document_ids, collection } = body;
      const changed = { content, parent_id, ...(mode && { mode }), ...(document_ids && { document_ids }), ...(collection && { collection }), ...(writing.model() && { model: writing.model() }) };
      try {
        await ask(changed, exchange);
      } catch (error) {
        fault.textContent = error.message;
      }
    };
    const box = h('div', { class: 'box', onkeydown: (event) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        back();
      } else if (event.key === 'Enter' && !event.shiftKey && event.target === text && !event.isComposing) {
        event.preventDefault();
        send();
      }
    } }, text, fault, h('div', { class: 'row end' }, button('Cancel', back, { class: 'plain' }), button('Ask this instead', send, { class: 'strong' })));
    head.replaceWith(box);
    text.focus();
  }

  /** Takes away what follows an exchange; with `isGone` that one as well. */
  function cutAfter(exchange, isGone = false) {
    while (exchange.element.nextElementSibling) exchange.element.nextElementSibling.remove();
    if (isGone) exchange.element.remove();
    for (const [id, { element }] of exchanges) if (!element.isConnected) exchanges.delete(id);
  }

  async function ask(body, instead) {
    if (running) return;
    if (!session) {
      session = { ...(await api('/api/chat/sessions', { method: 'POST', body: { ...(project() && { project_id: project() }) } })), messages: [] };
      go(`/s/${session.id}`, true);
    }
    const first = await request(`${base()}/messages`, { method: 'POST', body, signal });
    if (instead) cutAfter(instead, true);
    const exchange = question(body);
    attach(exchange, fresh(body));
    exchange.element.scrollIntoView({ block: 'start', behavior: 'smooth' });
    session.message_count += 2;
    if (!session.title) session.title = [...body.content.replace(/\s+/g, ' ')].slice(0, 80).join('');
    heading();
    await listen(exchange, first);
  }

  /** Follows an answer to its end; it goes on being made whether or not anyone does. */
  function listen(exchange, first) {
    const { answer } = exchange;
    exchange.listening = true;
    running = exchange;
    writing.running(true);
    if (!first) answer.restart();
    const path = () => answer.message.id && `${base()}/messages/${answer.message.id}/events`;
    const onEvent = (event) => {
      answer.apply(event);
      if (event.type === 'started') {
        exchanges.set(event.user_message_id, exchange);
        exchange.body = { ...exchange.body, id: event.user_message_id };
        if (first) tell(session.id);
      }
    };
    const ended = follow(path, onEvent, { signal, first }).catch((error) => {
      answer.set({ ...answer.message, status: 'failed', error: { message: error.message } });
    }).finally(() => {
      exchange.listening = false;
      if (running === exchange) running = null;
      if (signal.aborted) return;
      writing.running(Boolean(running));
      refresh();
      tell(session.id);
    });
    // The question counts as asked; its answer tells its own failures.
    void ended;
  }

  async function stop() {
    const answer = running?.answer.message;
    if (!answer?.id) return;
    await api(`${base()}/messages/${answer.id}/cancel`, { method: 'POST', body: {} }).catch(() => {});
  }

  let refreshing = null;
  async function refresh() {
    if (!session || refreshing) return;
    refreshing = api(base(), { signal }).catch(() => null);
    const found = await refreshing;
    refreshing = null;
    if (!found || signal.aborted) return;
    const { messages, ...rest } = found;
    Object.assign(session, rest);
    heading();
    show(messages);
  }

  async function remove() {
    if (!(await confirm('Delete this session?', 'Its questions, answers and citations are gone for good. The documents stay.', 'Delete'))) return;
    await api(base(), { method: 'DELETE' }).catch(() => {});
    closeSource();
    tell(session.id);
    go('/');
  }
}

/** A message of another branch waits out of sight. */
const isShown = ({ active }) => active !== false;

const fresh = ({ mode, model }) => ({ role: 'assistant', content: '', mode, model, status: 'running', created_at: new Date().toISOString() });

async function limits(about, { document_ids, collection }) {
  const names = [];
  if (collection) names.push(`collection ${collection}`);
  for (const id of (document_ids ?? []).slice(0, 3)) names.push((await documentOf(id))?.title ?? 'a document since removed');
  if (document_ids?.length > 3) names.push(`${document_ids.length - 3} more`);
  if (names.length) about.append(`${about.textContent ? ' · ' : ''}Only in ${names.join(', ')}`);
}
