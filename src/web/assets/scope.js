// What a question is limited to: chosen documents, a collection, or nothing.

import { api, documentOf } from './api.js';
import { $, button, fill, h, plain, soon } from './dom.js';

/** The reader's choice, for the message that is being written. Tells `change`. */
export const scope = Object.assign(new EventTarget(), { documents: new Map(), collection: null, isFresh: false });

function changed() {
  scope.dispatchEvent(new Event('change'));
}

export function choose(isChosen, ...documents) {
  for (const { id, title } of documents) {
    if (isChosen) scope.documents.set(id, title);
    else scope.documents.delete(id);
  }
  changed();
}

function chooseCollection(name) {
  scope.collection = name;
  changed();
}

export function clearScope() {
  scope.documents.clear();
  scope.collection = null;
  scope.isFresh = false;
  changed();
}

/** Chooses this and nothing else, for a new session. */
export function limitTo({ collection = null, documents = [] }) {
  clearScope();
  Object.assign(scope, { collection, isFresh: true });
  choose(true, ...documents);
}

/** Takes the scope of a stored question or session over. */
export async function adopt({ document_ids, collection }) {
  // What was just chosen in the library stands.
  if (scope.isFresh) {
    scope.isFresh = false;
    return;
  }
  scope.documents.clear();
  scope.collection = collection ?? null;
  for (const id of document_ids ?? []) scope.documents.set(id, '…');
  changed();
  for (const id of document_ids ?? []) {
    const document = await documentOf(id);
    if (!scope.documents.has(id)) continue;
    if (document) scope.documents.set(id, document.title);
    else scope.documents.delete(id);
  }
  if (document_ids?.length) changed();
}

/** As a message carries it. */
export function scopeOfMessage() {
  return { document_ids: scope.documents.size ? [...scope.documents.keys()] : undefined, collection: scope.collection || undefined };
}

/** The collections there are, each with its number of documents. */
export const collections = () => api('/api/collections').then(({ items }) => items);

/** Puts collections into a list to choose from. */
export function offer(list, known, now) {
  fill(list, h('option', { value: '', text: 'All collections' }), known.map(({ name, documents }) => h('option', { value: name, text: `${name} (${documents})` })));
  list.value = known.some(({ name }) => name === now) ? now : '';
  list.hidden = !known.length;
}

/** The chips of the scope, each with a way to take it off. */
export function chips(signal) {
  const element = h('ul.chips', { label: 'Limited to' });
  const paint = () => {
    const found = [...scope.documents];
    fill(element,
      scope.collection && chip(`Collection: ${scope.collection}`, () => chooseCollection(null)),
      found.slice(0, 4).map(([id, title]) => chip(title, () => choose(false, { id }))),
      found.length > 4 && h('li', `and ${found.length - 4} more`));
    element.hidden = !element.childElementCount;
  };
  const chip = (text, remove) => h('li.chip', h('span', text), button('×', remove, { label: `Don’t limit to ${text}` }));
  scope.addEventListener('change', paint, { signal });
  paint();
  return element;
}

/** A dialog to choose from the library without leaving the question. */
export async function pickScope() {
  const list = h('ul.pick');
  const find = h('input', { type: 'search', placeholder: 'Name or title', label: 'Find a document' });
  const group = h('select', { label: 'Collection', hidden: true });
  const box = h('dialog.ask.wide', { 'aria-labelledby': 'pick-title' },
    h('h2', { id: 'pick-title', text: 'Search only in' }),
    h('div.row', find, group),
    list,
    h('div.row.end',
      plain('Everything', () => {
        clearScope();
        box.close();
      }),
      button('Done', () => box.close(), { class: 'strong' })));
  const load = async () => {
    const query = { status: 'ready', limit: 100, name: find.value.trim(), collection: group.value };
    const { items } = await api('/api/documents', { query });
    fill(list, items.map((document) => {
      const box = h('input', { type: 'checkbox', onchange: () => choose(box.checked, document) });
      box.checked = scope.documents.has(document.id);
      return h('li', h('label', box, h('span', document.title)));
    }), !items.length && h('li.state', 'No document has this in its name or title.'));
  };
  find.addEventListener('input', soon(load));
  group.addEventListener('change', () => {
    chooseCollection(group.value || null);
    load();
  });
  box.addEventListener('close', () => {
    box.remove();
    $('question')?.focus();
  });
  document.body.append(box);
  box.showModal();
  offer(group, await collections(), scope.collection);
  await load();
}
