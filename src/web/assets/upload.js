// Files on their way into the library: picked, dropped, folders included; a few at a time.

import { lost } from './api.js';
import { h } from './dom.js';

const AT_ONCE = 3;

/** Files of this tab, newest last. Tells `change`. */
export const uploads = Object.assign(new EventTarget(), { files: [] });
const waiting = [];
let active = 0;

function changed() {
  uploads.dispatchEvent(new Event('change'));
}

/** Takes files with the paths they are to be known by. */
export function send(files, collection) {
  for (const { file, path } of files) {
    const entry = { name: path, sent: 0, state: 'waiting', detail: '' };
    uploads.files.push(entry);
    waiting.push({ entry, file, collection });
  }
  changed();
  pump();
}

export function clearDone() {
  uploads.files = uploads.files.filter(({ state }) => state === 'waiting' || state === 'sending');
  changed();
}

function pump() {
  while (active < AT_ONCE && waiting.length) {
    active += 1;
    one(waiting.shift()).finally(() => {
      active -= 1;
      pump();
    });
  }
}

function one({ entry, file, collection }) {
  return new Promise((resolve) => {
    // Only XMLHttpRequest tells how much of a body has left.
    const request = new XMLHttpRequest();
    const form = new FormData();
    if (collection) form.append('collection', collection);
    form.append('file', file, entry.name);
    const end = (state, detail) => {
      Object.assign(entry, { state, detail });
      changed();
      resolve();
    };
    entry.state = 'sending';
    request.upload.onprogress = ({ loaded, total }) => {
      entry.sent = loaded / total;
      changed();
    };
    request.onerror = () => {
      lost();
      end('failed', 'the server can’t be reached; add it again when it is back');
    };
    request.onload = () => {
      let told = {};
      try {
        told = JSON.parse(request.responseText);
      } catch { /* worded below */ }
      const document = told.documents?.[0];
      if (request.status >= 400 || !document) {
        end('failed', told.detail ?? told.rejected?.[0]?.detail ?? `the server said ${request.status}`);
        return;
      }
      entry.id = document.id;
      uploads.dispatchEvent(new CustomEvent('document', { detail: document }));
      end(document.duplicate ? 'known' : 'sent', document.duplicate ? 'already in the library' : '');
    };
    request.open('POST', '/api/documents');
    request.send(form);
    changed();
  });
}

/** Files of a picker; those of a folder keep their relative path. */
export function picked(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isVisible);
}

/** Files that were dropped, with all that is in folders among them. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = [];
  const take = async (entry) => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => null);
      if (file) found.push({ file, path: entry.fullPath.replace(/^\//, '') });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
      if (!some.length) return;
      for (const inner of some) await take(inner);
    }
  };
  for (const entry of entries) await take(entry);
  return found.filter(isVisible);
}

function isVisible({ path }) {
  return !path.split('/').some((part) => part.startsWith('.'));
}

/** The line of a file that is not in the list of documents yet. */
export function line(entry) {
  const words = { waiting: 'waiting', sending: 'sending', known: entry.detail, sent: 'received', failed: entry.detail }[entry.state];
  return h('li', { class: `upload ${entry.state}` },
    h('span', { class: 'name', text: entry.name }),
    entry.state === 'sending' && h('progress', { max: 1, value: entry.sent, 'aria-label': `Sending ${entry.name}` }),
    h('span', { class: 'status', text: words }));
}
