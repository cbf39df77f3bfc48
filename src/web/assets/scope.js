// What a question is limited to: chosen documents, a collection, or nothing.

import { api, documentOf } from './api.js';
import { button, fill, h, soon } from './dom.js';

/** The reader's choice, for the message that is being written. Tells `change`. */
export const scope = Object.assign(new EventTarget(), { documents: new Map(), collection: null, isFresh: false });

function changed() {
  scope.dispatchEvent(new Event('change'));
}

export function choose(document, isChosen) {
  if (isChosen) scope.documents.set(document.id, document.title);
  else scope.documents.delete(document.id);
  changed();
}

export function chooseCollection(name) {
  scope.collection = name;
  changed();
}

export function clearScope() {
  scope.documents.clear();
  scope.collection = null;
  scope.isFresh = false;
  changed();
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
  return {
    ...(scope.documents.size && { document_ids: [...scope.documents.keys()] }),
    ...(scope.collection && { collection: scope.collection }),
  };
}

/** The collections there are, each with its number of documents. */
export const collections = () => api('/api/collections').then(({ items }) => items);

/** The chips of the scope, each with a way to take it off. */
export function chips() {
  const element = h('ul', { class: 'chips', 'aria-label': 'Limited to' });
  const paint = () => {
    if (!element.isConnected && element.childElementCount) return;
    const found = [...scope.documents];
    fill(element,
      scope.collection && chip(`Collection: ${scope.collection}`, () => chooseCollection(null)),
      found.slice(0, 4).map(([id, title]) => chip(title, () => choose({ id }, false))),
      found.length > 4 && h('li', { text: `and ${found.length - 4} more` }));
    element.hidden = !element.childElementCount;
  };
  const chip = (text, remove) => h('li', { class: 'chip' }, h('span', { text }), button('×', remove, { 'aria-label': `Don’t limit to ${text}` }));
  scope.addEventListener('change', paint);
  paint();
  return element;
}

/** A dialog to choose from the library without leaving the question. */
export async function pickScope() {
  const list = h('ul', { class: 'pick' });
  const find = h('input', { type: 'search', placeholder: 'Name or title', 'aria-label': 'Find a document' });
  const group = h('select', { 'aria-label': 'Collection' }, h('option', { value: '', text: 'All collections' }));
  const box = h('dialog', { class: 'ask wide', 'aria-labelledby': 'pick-title' },
    h('h2', { id: 'pick-title', text: 'Search only in' }),
    h('div', { class: 'row' }, find, group),
    list,
    h('div', { class: 'row end' },
      button('Everything', () => {
        clearScope();
        box.close();
      }, { class: 'plain' }),
      button('Done', () => box.close(), { class: 'strong' })));
  const load = async () => {
    const query = new URLSearchParams({ status: 'ready', limit: 100 });
    if (find.value.trim()) query.set('name', find.value.trim());
    if (group.value) query.set('collection', group.value);
    const { items } = await api(`/api/documents?${query}`);
    fill(list, items.map((document) => {
      const box = h('input', { type: 'checkbox', onchange: () => choose(document, box.checked) });
      box.checked = scope.documents.has(document.id);
      return h('li', null, h('label', null, box, h('span', { text: document.title })));
    }), !items.length && h('li', { class: 'state', text: 'No document has this in its name or title.' }));
  };
  find.addEventListener('input', soon(load));
  group.addEventListener('change', () => {
    chooseCollection(group.value || null);
    load();
  });
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  await Promise.all([load(), collections().then((names) => {
    for (const { name, documents } of names) group.append(h('option', { value: name, text: `${name} (${documents})` }));
    group.value = scope.collection ?? '';
    group.hidden = !names.length;
  })]);
}
