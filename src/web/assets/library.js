// The library: what is in it, what is on its way, searching it by name and by text.

import { api, connection, documentOf, watchDocuments } from './api.js';
import { askFor, button, confirm, count, fill, h, link, menu, plain, say, size, soon, when } from './dom.js';
import { snippet } from './bytes.js';
import { choose, clearScope, collections, limitTo, offer, scope } from './scope.js';
import { door, place } from './source.js';
import { dropped, forget, line, picked, send, uploads } from './upload.js';

const PAGE = 50;
const WORDS = { queued: 'waiting to be read', extracting: 'being read', indexing: 'being indexed', ready: '', failed: '' };
const languages = new Intl.DisplayNames('en', { type: 'language' });

/** What the reader named as the place for new files; also used by files dropped elsewhere. */
let target = '';
let known = [];

export async function library(main, { go, signal }) {
  document.title = 'Library · ibid.';
  const rows = new Map();
  let cursor = null;
  let turn = 0;
  /** What was told while a page of the list, which may be older, is on its way. */
  let heard = null;

  const find = h('input', { type: 'search', placeholder: 'Search names and texts', label: 'Search names and texts' });
  const group = h('select', { label: 'Show a collection', hidden: true });
  const old = h('input', { type: 'checkbox', onchange: () => load() });
  const failed = h('input', { type: 'checkbox', onchange: () => load() });
  const askGroup = button('Ask in this collection', () => {
    limitTo({ collection: group.value });
    go('/');
  }, { hidden: true });
  const files = h('input', { type: 'file', multiple: true, hidden: true });
  const folder = h('input', { type: 'file', webkitdirectory: true, hidden: true });
  const into = h('input', { list: 'collections', placeholder: 'Collection (optional)', label: 'Collection for new files', value: target, oninput: () => (target = into.value.trim()) });
  const names = h('datalist', { id: 'collections' });
  const sending = h('ul.uploads', { label: 'Files being added' });
  const passages = h('section.passages', { label: 'Passages', hidden: true });
  const list = h('ul.documents', { label: 'Documents' });
  const listed = (id) => list.querySelector(`[data-id="${CSS.escape(id ?? '')}"]`);
  const total = h('p.total', { role: 'status' });
  const every = h('input', { type: 'checkbox', label: 'Choose all that are listed', onchange: () => {
    scope.isFresh = true;
    choose(every.checked, ...[...rows.values()].filter(isChoosable));
  } });
  const more = plain('More documents', () => load(true), { hidden: true });
  const chosen = h('div.chosen', { hidden: true });

  for (const input of [files, folder]) {
    input.addEventListener('change', () => {
      send(picked(input), target);
      input.value = '';
    });
  }
  fill(main,
    h('div.bar', h('h1', 'Library')),
    h('div.stock',
      h('section.add', { label: 'Add documents' },
        h('div.row', button('Add files', () => files.click(), { class: 'strong' }), button('Add a folder', () => folder.click()),
          h('span.or', 'or drop them here, into'), into, names, files, folder),
        sending),
      h('div.row.filters', { role: 'search' }, find, group, h('label.check', old, 'Older versions'), h('label.check', failed, 'Not readable'), askGroup),
      passages, h('div.tally', every, total), list, more),
    chosen);

  find.addEventListener('input', soon(load));
  group.addEventListener('change', () => load());
  uploads.addEventListener('change', paintUploads, { signal });
  // What is listed is told by the server as it changes, which may have come before this answer.
  uploads.addEventListener('document', ({ detail }) => (rows.has(detail.id) ? paintUploads() : update(detail)), { signal });
  scope.addEventListener('change', paintChosen, { signal });
  connection.addEventListener('back', () => load(), { signal });
  watchDocuments((document) => (document ? update(document) : load()), signal);
  paintUploads();
  paintChosen();
  await Promise.all([load(), nameCollections()]);

  async function nameCollections() {
    known = await collections().catch(() => known);
    offer(group, known, group.value);
    fill(names, known.map(({ name }) => h('option', { value: name })));
  }

  async function load(isMore = false) {
    const mine = (turn += 1);
    const words = find.value.trim();
    const query = {
      limit: PAGE, name: words, collection: group.value, superseded: old.checked,
      status: failed.checked && 'failed', cursor: isMore && cursor,
    };
    askGroup.hidden = !group.value;
    const hits = !isMore && searchTexts(words, mine);
    heard = [];
    let page;
    try {
      page = await api('/api/documents', { query, signal });
    } catch (error) {
      if (error.name !== 'AbortError') total.textContent = error.message;
      return;
    }
    if (mine !== turn) return;
    if (!isMore) {
      rows.clear();
      list.replaceChildren();
    }
    cursor = page.next_cursor;
    for (const document of page.items) list.append(row(document));
    more.hidden = !cursor;
    const later = heard;
    heard = null;
    for (const document of later ?? []) update(document);
    tally();
    await hits;
  }

  function tally() {
    const words = find.value.trim();
    const many = `${count(rows.size, 'document')}${cursor ? ' and more' : ''}`;
    total.textContent = rows.size || words || group.value || failed.checked
      ? `${many}${words ? ` with “${words}” in the name or title` : ''}`
      : 'Nothing here yet. PDF, HTML, Markdown, text, Office and OpenDocument files, EPUB, RTF, CSV and source code can be read.';
    every.hidden = !rows.size;
    paintChosen();
  }

  async function searchTexts(words, mine) {
    passages.hidden = true;
    if (words.length < 2) return;
    const query = { q: words, limit: 8, collection: group.value };
    const found = await api('/api/search', { query, signal }).catch(() => null);
    if (!found || mine !== turn || !found.hits.length) return;
    passages.hidden = false;
    fill(passages, h('h2', 'In the texts'), h('ol', found.hits.map((hit) => h('li', door(hit.title, [{ ...hit, quote: hit.text }]), h('span.where', place(hit)), snippet(hit)))), h('h2', 'Documents'));
    say(`${count(found.hits.length, 'passage')} found.`);
  }

  function row(document) {
    const element = listed(document.id) ?? h('li', { 'data-id': document.id });
    element.className = `document ${document.status}${document.superseded_by ? ' superseded' : ''}`;
    const isReady = document.status === 'ready';
    const box = h('input', { type: 'checkbox', label: `Choose ${document.title}`, onchange: () => {
      scope.isFresh = true;
      choose(box.checked, document);
    } });
    box.checked = scope.documents.has(document.id);
    box.disabled = !isChoosable(document);
    const title = isReady
      ? door(document.title, [{ document_id: document.id, version: document.version, title: document.title }])
      : h('span.title', document.title);
    const facts = [
      document.title !== document.name && document.name, document.pages && count(document.pages, 'page'),
      size(document.bytes), document.language && languages.of(document.language), document.collection && `in ${document.collection}`,
    ].filter(Boolean);
    const earlier = document.supersedes && isReady && [' · ', link(`/d/${document.id}`, 'has earlier versions')];
    fill(element, box,
      h('div.what', title,
        h('p.facts', facts.join(' · '), ' · ', when(document.created_at), earlier),
        document.error && h('p.fault', document.error, ' ', plain('Try again', () => readAgain(document))),
        document.notes?.length > 0 && h('p.note', document.notes.join(' '))),
      h('span.status', WORDS[document.status] ?? document.status, document.superseded_by && 'older version'),
      menu('⋯', `More about ${document.title}`, [
        isReady && ['Read it', () => go(`/d/${document.id}`)],
        isReady && ['What cites it', () => go(`/d/${document.id}/citations`)],
        ['Title and collection', () => edit(document)],
        isChoosable(document) && ['Read it again', () => readAgain(document)],
        ['Original', `/api/documents/${document.id}/content`],
        ['Delete', () => remove([document.id], document.title)],
      ]));
    rows.set(document.id, document);
    return element;
  }

  /** A document changed: its line does, or it gets one. */
  function update(document) {
    heard?.push(document);
    documentOf(document.id, true);
    const before = rows.get(document.id);
    const isElsewhere = group.value && group.value !== document.collection;
    const isNew = !before && !failed.checked && !find.value.trim() && !isElsewhere;
    if (before && isElsewhere) unlist(document.id);
    else if (before) row(document);
    else if (isNew) {
      // One that was read anew stands where it stood.
      if (rows.get(document.supersedes)?.created_at === document.created_at) listed(document.supersedes).before(row(document));
      else list.prepend(row(document));
    }
    if (!old.checked) unlist(document.supersedes);
    if (before && before.status !== document.status && ['ready', 'failed'].includes(document.status)) {
      say(`${document.title}: ${document.status === 'ready' ? 'ready' : document.error}`);
    }
    if (before?.collection !== document.collection || (isNew && document.collection)) nameCollections();
    tally();
    paintUploads();
  }

  function paintUploads() {
    const of = (...states) => uploads.files.filter(({ state }) => states.includes(state));
    const [under, over, waiting] = [of('sending'), of('known', 'failed'), of('waiting').length];
    fill(sending, under.map(line), waiting > 0 && h('li.upload', `${count(waiting, 'more file')} to send`, plain('Stop', () => forget('waiting'))),
      over.map(line), over.length > 0 && h('li', plain('Clear this list', () => forget('known', 'failed'))));
    sending.hidden = !sending.childElementCount;
  }

  function paintChosen() {
    const number = scope.documents.size;
    chosen.hidden = !number;
    const choosable = [...rows.values()].filter(isChoosable);
    every.disabled = !choosable.length;
    every.checked = number > 0 && choosable.every(({ id }) => scope.documents.has(id));
    for (const element of list.children) element.querySelector('input').checked = scope.documents.has(element.dataset.id);
    if (!number) return;
    fill(chosen, h('span', `${count(number, 'document')} chosen`),
      plain('Clear', clearScope),
      plain('Delete', () => remove([...scope.documents.keys()])),
      plain('Move', moveChosen),
      button('Ask about these', () => go('/'), { class: 'strong' }));
  }

  async function remove(ids, title) {
    const detail = 'Gone from every search and answer at once. Answers that cite what is deleted keep their quotes.';
    if (!(await confirm(`Delete ${title ? `“${title}”` : count(ids.length, 'document')}?`, detail, 'Delete'))) return;
    for (const id of ids) await drop(id);
  }

  /** A document is read anew; one that failed gets another try. */
  async function readAgain({ id, title }) {
    total.textContent = `Reading “${title}” again…`;
    try {
      const read = await api(`/api/documents/${id}/reread`, { method: 'POST' });
      if (read.id === id && read.status === 'ready') total.textContent = `“${title}” reads as before.`;
    } catch (error) {
      total.textContent = error.message;
    }
  }

  async function moveChosen() {
    const ids = [...scope.documents.keys()];
    await askFor(`Move ${count(ids.length, 'document')}`, [placed(known, '')], 'Move', async ({ collection }) => {
      for (const id of ids) await api(`/api/documents/${id}`, { method: 'PATCH', body: { collection: collection.trim() } });
    });
    load();
    nameCollections();
  }

  function unlist(id) {
    listed(id)?.remove();
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
    unlist(id);
    documentOf(id, true);
    choose(false, { id });
    tally();
  }
}

const isChoosable = ({ status, superseded_by }) => status === 'ready' && !superseded_by;

const placed = (known, value) => ({ name: 'collection', label: 'Collection', value, among: known.map(({ name }) => name), hint: 'A new name makes a new one, none takes it out of any. Earlier versions go along.', maxlength: 200 });

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
    // Told many times a second while files hang over the page.
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
