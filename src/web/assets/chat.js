// A session: its questions and answers, those being made included, and the composer below.

import { Answer, siblings } from './answer.js';
import { api, connection, documentOf, follow, request } from './api.js';
import { button, fill, h, link, menu, plain } from './dom.js';
import { composer } from './composer.js';
import { adopt } from './scope.js';
import { news, project, remove, rename, tell } from './sessions.js';

/** Shows a session, or without an id the beginning of a new one. `go(path, quietly)` changes the address. */
export async function chat(main, { id, go, signal }) {
  let session = id ? await api(`/api/chat/sessions/${id}`, { signal }) : null;
  const base = () => `/api/chat/sessions/${session.id}`;
  const exchanges = new Map();
  let running = null;

  const talk = h('div.talk');
  const bar = h('div.bar');
  const last = session?.messages.filter(isShown).findLast(({ role }) => role === 'user');
  const writing = composer({ ask, stop, signal, draft: () => session?.id, mode: last?.mode ?? session?.mode, model: session?.messages.at(-1)?.model ?? session?.model });
  const foot = h('div.dock', writing.element);

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
    fill(bar, h('h1', session.title || 'New session'),
      link(`/s/${session.id}/citations`, 'Citations'),
      menu('More', 'More about this session', [
        ['Title and project', async () => (await rename(session)) && heading()],
        ...['Markdown', 'PDF', 'JSON'].map((kind) => [`Keep as ${kind}`, `${base()}/export?format=${kind.toLowerCase()}`]),
        ['Delete', () => remove(session)],
      ]));
  }

  async function welcome() {
    const words = h('p.lede');
    fill(talk, h('div.welcome', h('h1', 'Ask your own documents.'), words));
    const page = await api('/api/documents?limit=500').catch(() => null);
    if (!page || session) return;
    const ready = page.items.filter(({ status }) => status === 'ready').length;
    if (page.items.length === 0) {
      fill(words, 'The library is empty. ', link('/library', 'Add documents'), ', or drop files anywhere on this page.');
    } else {
      fill(words, `Answers come from `, link('/library', `${ready}${page.next_cursor ? '+' : ''} ${ready === 1 ? 'document' : 'documents'}`),
        ', and each claim carries a number that opens the very passage it rests on.');
    }
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
    const known = exchange.answer;
    if (known) known.message.siblings = message.siblings;
    else attach(exchange, message);
    if (exchange.listening) return;
    if (message.status === 'running') listen(exchange);
    else if (known?.message.status === message.status) known.paint();
    else known?.set(message);
  }

  function question(message) {
    talk.querySelector('.welcome')?.remove();
    const about = h('p.asked');
    if (message.mode === 'deep_research') about.append('Deep research');
    limits(about, message);
    const tools = h('p.tools');
    const head = h('div.head', h('h2.question', message.content), tools, about);
    const element = h('article.exchange', { label: 'Question and answer' }, head);
    const exchange = { element, head, tools, body: message };
    turns(tools, message, exchange);
    talk.append(element);
    if (message.id) exchanges.set(message.id, exchange);
    return exchange;
  }

  function attach(exchange, message) {
    const path = (what) => `${base()}/messages/${exchange.answer.message.id}/${what}`;
    const answer = new Answer(message, {
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
    fill(tools, message.id && plain('Edit', () => reword(exchange), { label: 'Edit this question' }),
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
      const body = { model: writing.model() };
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
    const text = h('textarea', { label: 'The question in other words', rows: 3, text: body.content, maxlength: 30000 });
    const fault = h('p.fault', { role: 'alert' });
    const back = () => {
      box.replaceWith(head);
      exchange.tools.querySelector('button')?.focus();
    };
    const send = async () => {
      const content = text.value.trim();
      if (!content || content === body.content) return back();
      const { parent_id, mode, document_ids, collection } = body;
      const changed = { content, parent_id, mode, document_ids, collection, model: writing.model() };
      try {
        await ask(changed, exchange);
      } catch (error) {
        fault.textContent = error.message;
      }
    };
    const box = h('div.box', { onkeydown: (event) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        back();
      } else if (event.key === 'Enter' && !event.shiftKey && event.target === text && !event.isComposing) {
        event.preventDefault();
        send();
      }
    } }, text, fault, h('div.row.end', plain('Cancel', back), button('Ask this instead', send, { class: 'strong' })));
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
      session = { ...(await api('/api/chat/sessions', { method: 'POST', body: { project_id: project() } })), messages: [] };
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
    // The question counts as asked; its answer tells its own failures.
    follow(path, onEvent, { signal, first }).catch((error) => {
      answer.set({ ...answer.message, status: 'failed', error: { message: error.message } });
    }).finally(() => {
      exchange.listening = false;
      if (running === exchange) running = null;
      if (signal.aborted) return;
      writing.running(Boolean(running));
      refresh();
      tell(session.id);
    });
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
