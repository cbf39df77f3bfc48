// The library: what is in it, what is on its way, searching it by name and by text.

import { api, connection, documentOf, watchDocuments } from './api.js';
import { button, confirm, count, fill, h, say, size, when } from './dom.js';
import { ranges } from './bytes.js';
import { choose, clearScope, collections, scope } from './scope.js';
import { openSource, place } from './source.js';
import { clearDone, dropped, line, picked, send, uploads } from './upload.js';

const PAGE = 50;
const WORDS = { queued: 'waiting to be read', extracting: 'being read', indexing: 'being indexed', ready: '', failed: 'failed' };

/** What the reader named as the place for new files; also used by files dropped elsewhere. */
let target = '';

export async function library(main, { go, signal }) {
  document.title = 'Library · ibid.';
  const rows = new Map();
  let cursor = null;
  let turn = 0;

  const find = h('input', { type: 'search', placeholder: 'Search names and texts', 'aria-label': 'Search names and texts' });
  const group = h('select', { 'aria-label': 'Show a collection' }, h('option', { value: '', text: 'All collections' }));
  const old = h('input', { type: 'checkbox', onchange: () => load() });
  const files = h('input', { type: 'file', multiple: true, hidden: true });
  const folder = h('input', { type: 'file', webkitdirectory: true, hidden: true });
  const into = h('input', { list: 'collections', placeholder: 'Collection (optional)', 'aria-label': 'Collection for new files', value: target, oninput: () => (target = into.value.trim()) });
  const names = h('datalist', { id: 'collections' });
  const sending = h('ul', { class: 'uploads', 'aria-label': 'Files being added' });
  const passages = h('section', { class: 'passages', 'aria-label': 'Passages', hidden: true });
  const list = h('ul', { class: 'documents', 'aria-label': 'Documents' });
  const total = h('p', { class: 'total', role: 'status' });
  const more = button('More documents', () => load(true), { class: 'plain', hidden: true });
  const chosen = h('div', { class: 'chosen', hidden: true });

  for (const input of [files, folder]) {
    input.addEventListener('change', () => {
      send(picked(input), target);
      input.value = '';
    });
  }
  fill(main,
    h('div', { class: 'bar' }, h('h1', { text: 'Library' })),
    h('div', { class: 'library' },
      h('section', { class: 'add', 'aria-label': 'Add documents' },
        h('div', { class: 'row' }, button('Add files', () => files.click(), { class: 'strong' }), button('Add a folder', () => folder.click()),
          h('span', { class: 'or', text: 'or drop them here, into' }), into, names, files, folder),
        sending),
      h('div', { class: 'row filters', role: 'search' }, find, group, h('label', { class: 'check' }, old, 'Older versions')),
      passages, total, list, more),
    chosen);

  let timer;
  find.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(load, 180);
  });
  group.addEventListener('change', () => load());
  uploads.addEventListener('change', paintUploads, { signal });
  uploads.addEventListener('document', ({ detail }) => update(detail), { signal });
  scope.addEventListener('change', paintChosen, { signal });
  connection.addEventListener('back', () => load(), { signal });
  watchDocuments((document) => (document ? update(document) : load()), signal);
  paintUploads();
  paintChosen();
  await Promise.all([load(), nameCollections()]);

  async function nameCollections() {
    const known = await collections().catch(() => []);
    const now = group.value;
    fill(group, h('option', { value: '', text: 'All collections' }), known.map((name) => h('option', { value: name, text: name })));
    group.value = now;
    group.hidden = !known.length;
    fill(names, known.map((value) => h('option', { value })));
  }

  async function load(isMore = false) {
    const mine = (turn += 1);
    const words = find.value.trim();
    const query = new URLSearchParams({ limit: PAGE });
    if (words) query.set('name', words);
    if (group.value) query.set('collection', group.value);
    if (old.checked) query.set('superseded', 'true');
    if (isMore === true && cursor) query.set('cursor', cursor);
    const hits = !isMore && searchTexts(words, mine);
    let page;
    try {
      page = await api(`/api/documents?${query}`, { signal });
    } catch (error) {
      if (error.name !== 'AbortError') total.textContent = error.message;
      return;
    }
    if (mine !== turn) return;
    if (isMore !== true) {
      rows.clear();
      list.replaceChildren();
    }
    cursor = page.next_cursor;
    for (const document of page.items) list.append(row(document));
    more.hidden = !cursor;
    tally();
    await hits;
  }

  function tally() {
    const words = find.value.trim();
    const many = `${count(rows.size, 'document')}${cursor ? ' and more' : ''}`;
    total.textContent = rows.size || words || group.value
      ? `${many}${words ? ` with “${words}” in the name or title` : ''}`
      : 'Nothing here yet. PDF, HTML, Markdown, text, Office and OpenDocument files, EPUB, RTF, CSV and source code can be read.';
  }

  async function searchTexts(words, mine) {
    passages.hidden = true;
    if (words.length < 2) return;
    const query = new URLSearchParams({ q: words, limit: 8 });
    if (group.value) query.set('collection', group.value);
    const found = await api(`/api/search?${query}`, { signal }).catch(() => null);
    if (!found || mine !== turn || !found.hits.length) return;
    passages.hidden = false;
    fill(passages, h('h2', { text: 'In the texts' }), h('ol', null, found.hits.map((hit) => {
      const title = button(hit.title, () => openSource([{ ...hit, quote: hit.text }], 0, title), { class: 'title' });
      return h('li', null, title, h('span', { class: 'where', text: place(hit) }), snippet(hit));
    })), h('h2', { text: 'Documents' }));
    say(`${count(found.hits.length, 'passage')} found.`);
  }

  function row(document) {
    const element = list.querySelector(`[data-id="${CSS.escape(document.id)}"]`) ?? h('li', { 'data-id': document.id });
    element.className = `document ${document.status}${document.superseded_by ? ' superseded' : ''}`;
    const isReady = document.status === 'ready';
    const box = h('input', { type: 'checkbox', 'aria-label': `Choose ${document.title}`, onchange: () => {
      scope.isFresh = true;
      choose(document, box.checked);
    } });
    box.checked = scope.documents.has(document.id);
    box.disabled = !isReady || Boolean(document.superseded_by);
    const title = isReady
      ? button(document.title, () => openSource([{ document_id: document.id, version: document.version, title: document.title }], 0, title), { class: 'title' })
      : h('span', { class: 'title', text: document.title });
    const facts = [
      document.title !== document.name && document.name, document.pages && count(document.pages, 'page'),
      size(document.bytes), document.language, document.collection && `in ${document.collection}`,
    ].filter(Boolean);
    fill(element, box,
      h('div', { class: 'what' }, title,
        h('p', { class: 'facts' }, facts.join(' · '), ' · ', when(document.created_at)),
        document.error && h('p', { class: 'fault', text: document.error }),
        document.notes?.length > 0 && h('p', { class: 'note', text: document.notes.join(' ') })),
      h('span', { class: 'status' }, WORDS[document.status] ?? document.status, document.superseded_by && 'older version'),
      button('Delete', () => remove(document), { class: 'plain', 'aria-label': `Delete ${document.title}` }));
    rows.set(document.id, document);
    return element;
  }

  /** A document changed: its line does, or it gets one. */
  function update(document) {
    documentOf(document.id, true);
    const known = rows.get(document.id);
    const isNew = !known && !find.value.trim() && (!group.value || group.value === document.collection);
    if (known) row(document);
    else if (isNew) list.prepend(row(document));
    if (document.supersedes && rows.has(document.supersedes) && !old.checked) {
      list.querySelector(`[data-id="${CSS.escape(document.supersedes)}"]`)?.remove();
      rows.delete(document.supersedes);
    }
    if (known?.status !== document.status && ['ready', 'failed'].includes(document.status)) {
      say(`${document.title}: ${document.status === 'ready' ? 'ready' : document.error}`);
    }
    if (isNew && document.collection) nameCollections();
    tally();
    paintUploads();
  }

  function paintUploads() {
    const shown = uploads.files.filter((entry) => entry.state !== 'sent');
    const done = shown.filter(({ state }) => state === 'known' || state === 'failed').length;
    fill(sending, shown.map(line), done > 0 && h('li', null, button('Clear this list', clearDone, { class: 'plain' })));
    sending.hidden = !shown.length;
  }

  function paintChosen() {
    const number = scope.documents.size;
    chosen.hidden = !number;
    for (const element of list.children) element.querySelector('input').checked = scope.documents.has(element.dataset.id);
    if (!number) return;
    fill(chosen, h('span', { text: `${count(number, 'document')} chosen` }), h('span', { class: 'space' }),
      button('Clear', clearScope, { class: 'plain' }),
      button('Delete', removeChosen, { class: 'plain' }),
      button('Ask about these', () => go('/'), { class: 'strong' }));
  }

  async function remove(document) {
    const detail = 'It is gone from every search and answer at once. Answers that cite it keep their quotes.';
    if (!(await confirm(`Delete “${document.title}”?`, detail, 'Delete'))) return;
    await drop(document.id);
  }

  async function removeChosen() {
    const ids = [...scope.documents.keys()];
    const detail = 'They are gone from every search and answer at once. Answers that cite them keep their quotes.';
    if (!(await confirm(`Delete ${count(ids.length, 'document')}?`, detail, 'Delete'))) return;
    for (const id of ids) await drop(id);
  }

  async function drop(id) {
    try {
      await api(`/api/documents/${id}`, { method: 'DELETE' });
    } catch (error) {
      if (error.status !== 404) {
        total.textContent = error.message;
        return;
      }
    }
    list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
    rows.delete(id);
    documentOf(id, true);
    choose({ id }, false);
    tally();
  }
}

/** A passage with its matched words marked, cut around the first of them. */
function snippet({ text, highlights }) {
  const marked = ranges(text, highlights);
  const first = marked[0]?.[0] ?? 0;
  const from = first > 160 ? text.indexOf(' ', first - 120) + 1 : 0;
  const to = Math.min(text.length, from + 420);
  const parts = [from > 0 && '… '];
  let at = from;
  for (const [start, end] of marked) {
    if (start < at || end > to) continue;
    parts.push(text.slice(at, start), h('mark', { text: text.slice(start, end) }));
    at = end;
  }
  parts.push(text.slice(at, to), to < text.length && ' …');
  return h('p', { class: 'snippet' }, parts);
}

/** Lets files be dropped on any view; they go to the library. */
export function acceptDrops(go) {
  let depth = 0;
  const over = (is) => document.body.classList.toggle('dropping', is);
  const carries = (event) => event.dataTransfer?.types.includes('Files');
  addEventListener('dragenter', (event) => {
    if (!carries(event)) return;
    depth += 1;
    over(true);
  });
  addEventListener('dragleave', () => {
    depth = Math.max(0, depth - 1);
    if (!depth) over(false);
  });
  addEventListener('dragover', (event) => carries(event) && event.preventDefault());
  addEventListener('drop', async (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    const found = await dropped(event.dataTransfer);
    if (location.pathname !== '/library') go('/library');
    send(found, target);
  });
}
