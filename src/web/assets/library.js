// The library: what is in it, what is on its way, searching it by name and by text.

import { api, connection, documentOf, watchDocuments } from './api.js';
import { askFor, button, confirm, count, fill, h, link, menu, say, size, soon, when } from './dom.js';
import { snippet } from './bytes.js';
import { choose, chooseCollection, clearScope, collections, scope } from './scope.js';
import { openSource, place } from './source.js';
import { clearDone, dropped, line, picked, send, uploads } from './upload.js';

const PAGE = 50;
const WORDS = { queued: 'waiting to be read', extracting: 'being read', indexing: 'being indexed', ready: '', failed: 'failed' };

/** What the reader named as the place for new files; also used by files dropped elsewhere. */
let target = '';
let known = [];

export async function library(main, { go, signal }) {
  document.title = 'Library · ibid.';
  const rows = new Map();
  let cursor = null;
  let turn = 0;

  const find = h('input', { type: 'search', placeholder: 'Search names and texts', 'aria-label': 'Search names and texts' });
  const group = h('select', { 'aria-label': 'Show a collection' }, h('option', { value: '', text: 'All collections' }));
  const old = h('input', { type: 'checkbox', onchange: () => load() });
  const failed = h('input', { type: 'checkbox', onchange: () => load() });
  const askGroup = button('Ask in this collection', () => {
    clearScope();
    scope.isFresh = true;
    chooseCollection(group.value);
    go('/');
  }, { hidden: true });
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
      h('div', { class: 'row filters', role: 'search' }, find, group, h('label', { class: 'check' }, old, 'Older versions'), h('label', { class: 'check' }, failed, 'Not readable'), askGroup),
      passages, total, list, more),
    chosen);

  find.addEventListener('input', soon(load));
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
    const now = group.value;
    known = await collections().catch(() => known);
    fill(group, h('option', { value: '', text: 'All collections' }), known.map(({ name, documents }) => h('option', { value: name, text: `${name} (${documents})` })));
    group.value = now;
    if (group.selectedIndex < 0) group.value = '';
    group.hidden = !known.length;
    fill(names, known.map(({ name }) => h('option', { value: name })));
  }

  async function load(isMore = false) {
    const mine = (turn += 1);
    const words = find.value.trim();
    const query = new URLSearchParams({ limit: PAGE });
    askGroup.hidden = !group.value;
    if (words) query.set('name', words);
    if (group.value) query.set('collection', group.value);
    if (old.checked) query.set('superseded', 'true');
    if (failed.checked) query.set('status', 'failed');
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
    total.textContent = rows.size || words || group.value || failed.checked
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
    const earlier = document.supersedes && isReady && [' · ', link(`/d/${document.id}`, null, 'has earlier versions')];
    fill(element, box,
      h('div', { class: 'what' }, title,
        h('p', { class: 'facts' }, facts.join(' · '), ' · ', when(document.created_at), earlier),
        document.error && h('p', { class: 'fault', text: document.error }),
        document.notes?.length > 0 && h('p', { class: 'note', text: document.notes.join(' ') })),
      h('span', { class: 'status' }, WORDS[document.status] ?? document.status, document.superseded_by && 'older version'),
      menu('⋯', `More about ${document.title}`, [
        isReady && ['Read it', () => go(`/d/${document.id}`)],
        isReady && ['What cites it', () => go(`/d/${document.id}/citations`)],
        ['Title and collection', () => edit(document)],
        ['Original', `/api/documents/${document.id}/content`],
        ['Delete', () => remove([document.id], document.title)],
      ]));
    rows.set(document.id, document);
    return element;
  }

  /** A document changed: its line does, or it gets one. */
  function update(document) {
    documentOf(document.id, true);
    const before = rows.get(document.id);
    const isNew = !before && !failed.checked && !find.value.trim() && (!group.value || group.value === document.collection);
    const isElsewhere = group.value && group.value !== document.collection;
    if (before && isElsewhere) forget(document.id);
    else if (before) row(document);
    else if (isNew) list.prepend(row(document));
    if (document.supersedes && rows.has(document.supersedes) && !old.checked) {
      forget(document.supersedes);
    }
    if (before && before.status !== document.status && ['ready', 'failed'].includes(document.status)) {
      say(`${document.title}: ${document.status === 'ready' ? 'ready' : document.error}`);
    }
    if (before?.collection !== document.collection || (isNew && document.collection)) nameCollections();
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
      button('Delete', () => remove([...scope.documents.keys()]), { class: 'plain' }),
      button('Move', moveChosen, { class: 'plain' }),
      button('Ask about these', () => go('/'), { class: 'strong' }));
  }

  async function remove(ids, title) {
    const detail = 'Gone from every search and answer at once. Answers that cite what is deleted keep their quotes.';
    if (!(await confirm(`Delete ${title ? `“${title}”` : count(ids.length, 'document')}?`, detail, 'Delete'))) return;
    for (const id of ids) await drop(id);
  }

  async function moveChosen() {
    const ids = [...scope.documents.keys()];
    await askFor(`Move ${count(ids.length, 'document')}`, [placed(known, '')], 'Move', async ({ collection }) => {
      for (const id of ids) await api(`/api/documents/${id}`, { method: 'PATCH', body: { collection: collection.trim() } });
    });
    load();
    nameCollections();
  }

  function forget(id) {
    list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
    rows.delete(id);
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
    forget(id);
    documentOf(id, true);
    choose({ id }, false);
    tally();
  }
}

const placed = (known, value) => ({ name: 'collection', label: 'Collection', value, among: known.map(({ name }) => name), hint: 'A new name makes a new collection; none takes it out of any. Earlier versions go along.', maxlength: 200 });

/** Asks for the title and the collection of a document, and keeps them. */
export async function edit(document) {
  const { id, title, collection = '', superseded_by } = document;
  const known = superseded_by ? [] : await collections().catch(() => []);
  const fields = [{ name: 'title', label: 'Title', value: title, required: true, maxlength: 200 }, ...(superseded_by ? [] : [placed(known, collection)])];
  return askFor('Title and collection', fields, 'Save', async (told) => {
    const into = (told.collection ?? collection).trim();
    const body = { ...(told.title.trim() !== title && { title: told.title }), ...(into !== collection && { collection: into }) };
    if (Object.keys(body).length) await api(`/api/documents/${id}`, { method: 'PATCH', body });
    documentOf(id, true);
  });
}

/** Lets files be dropped on any view; they go to the library. */
export function acceptDrops(go) {
  let timer;
  const carries = (event) => event.dataTransfer?.types.includes('Files');
  const leave = () => document.body.classList.remove('dropping');
  addEventListener('dragover', (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    document.body.classList.add('dropping');
    // Told many times a second while files hang over the page, and no more once they have left.
    clearTimeout(timer);
    timer = setTimeout(leave, 300);
  });
  addEventListener('drop', async (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    leave();
    const found = await dropped(event.dataTransfer);
    if (location.pathname !== '/library') go('/library');
    send(found, target);
  });
}
