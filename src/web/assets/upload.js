// Files on their way into the library: picked, dropped, folders included; a few at a time.

import { lost, reachable } from './api.js';
import { h, plain } from './dom.js';

const AT_ONCE = 3;
/** A file that the browser can't read any more looks like a server that is away. */
const TRIES = 3;

/** Files of this tab, newest last: `{name, file, collection, state, sent, detail}`. Tells `change`, at most once a frame. */
export const uploads = Object.assign(new EventTarget(), { files: [] });
let active = 0;
let frame = 0;

function changed() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    uploads.dispatchEvent(new Event('change'));
  });
}

/** Takes files with the paths they are to be known by. */
export function send(files, collection) {
  for (const { file, path } of files) uploads.files.push({ name: path, file, collection, state: 'waiting', sent: 0 });
  pump();
}

function again(entry) {
  Object.assign(entry, { state: 'waiting', tries: 0 });
  pump();
}

/** Takes those of this state off the list. */
export function forget(...states) {
  uploads.files = uploads.files.filter(({ state }) => !states.includes(state));
  changed();
}

async function pump() {
  changed();
  while (active < AT_ONCE) {
    const entry = uploads.files.find(({ state }) => state === 'waiting');
    if (!entry) return;
    active += 1;
    entry.state = 'sending';
    reachable().then(() => one(entry)).finally(() => {
      active -= 1;
      pump();
    });
  }
}

function one(entry) {
  return new Promise((resolve) => {
    // Only XMLHttpRequest tells how much of a body has left.
    const request = new XMLHttpRequest();
    const form = new FormData();
    if (entry.collection) form.append('collection', entry.collection);
    form.append('file', entry.file, entry.name);
    const end = (state, detail) => {
      Object.assign(entry, { state, detail });
      resolve();
    };
    request.upload.onprogress = ({ loaded, total }) => {
      entry.sent = loaded / total;
      changed();
    };
    request.onerror = () => {
      entry.tries = (entry.tries ?? 0) + 1;
      if (entry.tries >= TRIES) return end('failed', 'it could not be sent; was the file moved or changed?');
      lost();
      end('waiting');
    };
    request.onload = () => {
      const told = request.response ?? {};
      const document = told.documents?.[0];
      if (request.status >= 400 || !document) {
        end('failed', told.detail ?? told.rejected?.[0]?.detail ?? `the server said ${request.status}`);
        return;
      }
      uploads.dispatchEvent(new CustomEvent('document', { detail: document }));
      // The same bytes again: read once more if that failed, or else as before.
      const isKnown = document.duplicate && document.status === 'ready';
      end(isKnown ? 'known' : 'sent', isKnown && 'already in the library');
    };
    request.responseType = 'json';
    request.open('POST', '/api/documents');
    request.send(form);
  });
}

/** Files of a picker; those of a folder keep their relative path. */
export function picked(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isVisible);
}

/** Files that were dropped, with all that is in folders among them. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
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
  const { name, state, sent, detail } = entry;
  return h(`li.upload.${state}`, h('span.name', name),
    h('span.status', state === 'sending' ? `${Math.floor(sent * 100)} %` : detail),
    state === 'failed' && plain('Try again', () => again(entry)));
}
