// Speaking to the server: JSON, event streams, and noticing when it is away and back.

/** A stream says something at least every 15 seconds; one that does not has lost its server. */
const SILENCE_MS = 40_000;

/** A refusal in the server's words. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Tells `away` when the server can't be reached, and `back` when it can again. */
export const connection = new EventTarget();
let away = false;

async function watch() {
  for (let wait = 700; away; wait = Math.min(wait * 1.5, 5000)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      const response = await fetch('/healthz', { cache: 'no-store' });
      if (response.ok) away = false;
    } catch { /* still away */ }
  }
  connection.dispatchEvent(new Event('back'));
}

export function lost() {
  if (away) return;
  away = true;
  connection.dispatchEvent(new Event('away'));
  watch();
}

/** Resolves once the server answers. */
export async function reachable(signal) {
  if (!away) return;
  await new Promise((resolve) => {
    connection.addEventListener('back', resolve, { once: true, signal });
    signal?.addEventListener('abort', resolve, { once: true });
  });
}

/** A response, or the problem it tells. What of `query` is empty is left out. */
export async function request(path, { method = 'GET', query, body, signal, headers } = {}) {
  let response;
  try {
    const asked = Object.entries(query ?? {}).filter(([, value]) => value);
    response = await fetch(query ? `${path}?${new URLSearchParams(asked)}` : path, {
      method,
      signal,
      cache: 'no-store',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    lost();
    throw new Problem(0, 'the server can’t be reached');
  }
  // A sign-in that is over: the page begins again, and asks.
  if (response.status === 401 && !['/api/me', '/api/login'].includes(path)) location.reload();
  if (!response.ok) {
    // What is not ours has other words, or none.
    const told = await response.json().catch(() => ({}));
    throw new Problem(response.status, told.detail ?? `the server said ${response.status}`);
  }
  return response;
}

export async function api(path, options) {
  const response = await request(path, options);
  return response.status === 204 ? null : response.json();
}

/** All items of a paged list, up to 5,000. */
export async function all(path, query) {
  const items = [];
  let cursor;
  do {
    const page = await api(path, { query: { ...query, limit: 500, cursor } });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < 5000);
  return items;
}

/** The frames of an event stream as they come: `{id, event, data}`. */
export async function* frames(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  try {
    for (;;) {
      let timer;
      const silence = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('the stream fell silent')), SILENCE_MS);
      });
      const { value, done } = await Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
      if (done) return;
      buffer += value;
      let end;
      while ((end = buffer.indexOf('\n\n')) >= 0) {
        const frame = { id: '', event: 'message', data: '' };
        for (const line of buffer.slice(0, end).split('\n')) {
          const colon = line.indexOf(':');
          if (colon <= 0) continue;
          const value = line.slice(colon + 1).replace(/^ /, '');
          const field = line.slice(0, colon);
          if (field === 'data') frame.data += frame.data ? `\n${value}` : value;
          else if (field in frame) frame[field] = value;
        }
        buffer = buffer.slice(end + 2);
        if (frame.data) yield { ...frame, data: JSON.parse(frame.data) };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * Reads an answer to its end, coming back from where it was whenever the connection breaks.
 * `first` may be a response that streams already; `path()` is where to come back to, once known.
 */
export async function follow(path, onEvent, { signal, first, after = 0 } = {}) {
  let response = first;
  for (let wait = 300; !signal.aborted; wait = Math.min(wait * 2, 5000)) {
    try {
      if (!response && !path()) return;
      response ??= await request(`${path()}?after=${after}`, { signal });
      if (response.status === 204) return;
      for await (const frame of frames(response)) {
        if (signal.aborted) return;
        wait = 300;
        if (frame.id) after = Number(frame.id);
        onEvent(frame.data);
        if (frame.data.type === 'done' || frame.data.type === 'error') return;
      }
    } catch (error) {
      if (signal.aborted || error.name === 'AbortError') return;
      if (error.status >= 400 && error.status < 500) throw error;
      lost();
    }
    response = undefined;
    await reachable(signal);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Changes of documents until the signal; comes back by itself. */
export async function watchDocuments(onDocument, signal) {
  while (!signal.aborted) {
    try {
      const response = await request('/api/documents/events', { signal });
      for await (const frame of frames(response)) onDocument(frame.data);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status !== 0) lost();
    }
    await reachable(signal);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    onDocument(null);
  }
}

const documents = new Map();
/** A document's record, `null` if it is gone; asked for once. */
export function documentOf(id, fresh = false) {
  if (fresh || !documents.has(id)) {
    documents.set(id, api(`/api/documents/${id}`).catch((error) => {
      if (error.status !== 404) documents.delete(id);
      return null;
    }));
  }
  return documents.get(id);
}

const texts = new Map();
/** A document's stored text, byte for byte: a mark at its very beginning is kept. */
export function textOf(id, version) {
  const path = `/api/documents/${id}/text${version ? `?version=${version}` : ''}`;
  if (!texts.has(path)) {
    const text = request(path).then(async (response) =>
      new TextDecoder('utf-8', { ignoreBOM: true }).decode(await response.arrayBuffer()));
    text.catch(() => texts.delete(path));
    texts.set(path, text);
    if (texts.size > 8) texts.delete(texts.keys().next().value);
  }
  return texts.get(path);
}
