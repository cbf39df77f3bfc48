// A session: its questions and answers, those being made included, and the composer below.

import { Answer } from './answer.js';
import { api, connection, documentOf, follow, request } from './api.js';
import { button, confirm, fill, h, link } from './dom.js';
import { composer } from './composer.js';
import { adopt } from './scope.js';
import { closeSource, openSource } from './source.js';
import { news, rename, tell } from './sessions.js';

/** Shows a session, or without an id the beginning of a new one. `go(path, quietly)` changes the address. */
export async function chat(main, { id, go, signal }) {
  let session = id ? await api(`/api/chat/sessions/${id}`, { signal }) : null;
  const exchanges = new Map();
  let running = null;

  const talk = h('div', { class: 'talk' });
  const bar = h('div', { class: 'bar' });
  const more = button('↓ More below', () => main.scrollBy({ top: main.clientHeight * 0.8, behavior: 'smooth' }), { class: 'down', hidden: true });
  const last = session?.messages.findLast(({ role }) => role === 'user');
  const writing = composer({ ask, stop, mode: last?.mode ?? session?.mode, model: session?.messages.at(-1)?.model ?? session?.model });
  const foot = h('div', { class: 'dock' }, more, writing.element);

  fill(main, bar, talk, foot);
  heading();
  if (session) {
    adopt(last ?? session);
    session.messages.forEach(place);
    talk.lastElementChild?.scrollIntoView({ block: 'start' });
  } else welcome();
  if (matchMedia('(pointer: fine)').matches) writing.focus();

  const look = () => {
    const below = running && running.answer.element.getBoundingClientRect().bottom - writing.element.getBoundingClientRect().top;
    more.hidden = !(below > 8);
  };
  main.addEventListener('scroll', look, { signal, passive: true });
  const watcher = new ResizeObserver(look);
  watcher.observe(talk);
  signal.addEventListener('abort', () => watcher.disconnect());
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
      link(`/s/${session.id}/citations`, { class: 'plain' }, 'All citations'),
      button('Rename', () => rename(session, bar.querySelector('h1')), { class: 'plain' }),
      button('Delete', remove, { class: 'plain' }));
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

  /** Shows a stored message: a question opens an exchange, an answer goes into the one it belongs to. */
  function place(message) {
    if (message.role === 'user') {
      if (!exchanges.has(message.id)) question(message);
      return;
    }
    const exchange = exchanges.get(message.parent_id) ?? [...exchanges.values()].at(-1);
    if (!exchange) return;
    if (!exchange.answer) {
      attach(exchange, message);
      if (message.status === 'running') listen(exchange);
    } else if (!exchange.listening && message.status === 'running') listen(exchange);
    else if (!exchange.listening && exchange.answer.message.status !== message.status) exchange.answer.set(message);
  }

  function question(message) {
    talk.querySelector('.welcome')?.remove();
    const about = h('p', { class: 'asked' });
    if (message.mode === 'deep_research') about.append('Deep research');
    limits(about, message);
    const element = h('article', { class: 'exchange', 'aria-label': 'Question and answer' },
      h('h2', { class: 'question', text: message.content }), about);
    const exchange = { element, content: message.content, body: message };
    talk.append(element);
    if (message.id) exchanges.set(message.id, exchange);
    return exchange;
  }

  function attach(exchange, message) {
    const again = () => {
      const { content, mode, document_ids, collection } = exchange.body;
      const body = { content, ...(mode && { mode }), ...(document_ids && { document_ids }), ...(collection && { collection }) };
      ask(body).catch((error) => exchange.answer.set({ ...exchange.answer.message, error: { message: error.message }, status: 'failed' }));
    };
    const steer = (change) => api(`/api/chat/sessions/${session.id}/messages/${exchange.answer.message.id}/plan`, { method: 'POST', body: change });
    exchange.answer = new Answer(message, { open: (answer, at, from) => openSource(answer.citations, at, from), again, steer });
    exchange.element.append(exchange.answer.element);
  }

  async function ask(body) {
    if (running) return;
    if (!session) {
      session = { ...(await api('/api/chat/sessions', { method: 'POST', body: {} })), messages: [] };
      go(`/s/${session.id}`, true);
    }
    const base = `/api/chat/sessions/${session.id}/messages`;
    const first = await request(base, { method: 'POST', body, signal });
    const exchange = question(body);
    attach(exchange, { role: 'assistant', content: '', mode: body.mode, model: body.model, status: 'running', created_at: new Date().toISOString() });
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
    const path = () => answer.message.id && `/api/chat/sessions/${session.id}/messages/${answer.message.id}/events`;
    const onEvent = (event) => {
      answer.apply(event);
      if (event.type === 'started') {
        exchanges.set(event.user_message_id, exchange);
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
      look();
      if (answer.running) refresh();
      tell(session.id);
    });
    // The question counts as asked; its answer tells its own failures.
    void ended;
  }

  async function stop() {
    const answer = running?.answer.message;
    if (!answer?.id) return;
    await api(`/api/chat/sessions/${session.id}/messages/${answer.id}/cancel`, { method: 'POST', body: {} }).catch(() => {});
  }

  let refreshing = null;
  async function refresh() {
    if (!session || refreshing) return;
    refreshing = api(`/api/chat/sessions/${session.id}`, { signal }).catch(() => null);
    const found = await refreshing;
    refreshing = null;
    if (!found || signal.aborted) return;
    const { messages, ...rest } = found;
    Object.assign(session, rest);
    heading();
    messages.forEach(place);
  }

  async function remove() {
    if (!(await confirm('Delete this session?', 'Its questions, answers and citations are gone for good. The documents stay.', 'Delete'))) return;
    await api(`/api/chat/sessions/${session.id}`, { method: 'DELETE' }).catch(() => {});
    closeSource();
    tell(session.id);
    go('/');
  }
}

async function limits(about, { document_ids, collection }) {
  const names = [];
  if (collection) names.push(`collection ${collection}`);
  for (const id of (document_ids ?? []).slice(0, 3)) names.push((await documentOf(id))?.title ?? 'a document since removed');
  if (document_ids?.length > 3) names.push(`${document_ids.length - 3} more`);
  if (names.length) about.append(`${about.textContent ? ' · ' : ''}Only in ${names.join(', ')}`);
}
