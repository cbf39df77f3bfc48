// Where a citation leads: the quote card beside a mark, and the panel with the stored text.

import { $, button, fill, h, link } from './dom.js';
import { api, documentOf, textOf } from './api.js';
import { ranges } from './bytes.js';

export const verdicts = { supported: 'supported', partial: 'partly supported', unsupported: 'not supported by this quote' };
/** How much text is shown around a quote, in characters; more on demand. */
const AROUND = 12_000;

/** Page and heading, as they are told everywhere. */
export function place({ page, heading, title }) {
  // A document's own title is often its first heading.
  const rest = (heading ?? '').split(' › ').filter((one, at) => at || one !== title).join(' › ');
  return [page ? `p. ${page}` : '', rest].filter(Boolean).join(' · ');
}

let timer;
export function showCard(anchor, citation) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!anchor.isConnected) return;
    const card = fill($('card'),
      h('p', { class: 'title', text: citation.title }),
      place(citation) && h('p', { class: 'where', text: place(citation) }),
      h('blockquote', { text: shorten(citation.quote) }),
      h('p', { class: `verdict ${citation.verdict}`, text: verdicts[citation.verdict] ?? '' }));
    card.hidden = false;
    anchor.setAttribute('aria-describedby', 'card');
    const at = anchor.getBoundingClientRect();
    const width = card.offsetWidth;
    const left = Math.min(Math.max(8, at.left - 24), innerWidth - width - 8);
    const below = at.bottom + 8 + card.offsetHeight < innerHeight;
    card.style.left = `${left}px`;
    card.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - 8 - card.offsetHeight)}px`;
  }, 90);
}

export function hideCard() {
  clearTimeout(timer);
  $('card').hidden = true;
}

function shorten(text) {
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

let opener;
let opened = 0;

/** Opens the panel on one of these citations; the others can be stepped through. */
export async function openSource(citations, at, from) {
  const panel = $('panel');
  const turn = (opened += 1);
  opener = from ?? opener;
  const citation = citations[at];
  const title = h('h2', { tabindex: -1, text: citation.title ?? 'Document' });
  const badge = h('p', { class: 'badge', hidden: true });
  const body = h('div', { class: 'text', tabindex: 0, role: 'region', 'aria-label': 'Stored text' }, h('p', { class: 'state wait', text: 'Opening…' }));
  const step = (by) => openSource(citations, (at + by + citations.length) % citations.length);
  fill(panel,
    h('div', { class: 'head' },
      h('div', { class: 'row' },
        citations.length > 1 && h('div', { class: 'stepper' },
          button('‹', () => step(-1), { 'aria-label': 'Previous citation' }),
          h('span', { text: `${at + 1} of ${citations.length}` }),
          button('›', () => step(1), { 'aria-label': 'Next citation' })),
        button('Close', closeSource, { class: 'plain close' })),
      title,
      h('p', { class: 'where' }, place(citation), place(citation) && ' · ',
        h('a', { href: `/api/documents/${citation.document_id}/content`, download: true, text: 'Original' }), ' · ',
        link(`/d/${citation.document_id}${citation.end ? `?start=${citation.start}&end=${citation.end}` : ''}`, null, 'Whole text')),
      citation.verdict && h('p', { class: `verdict ${citation.verdict}`, text: verdicts[citation.verdict] }),
      badge),
    body);
  panel.hidden = false;
  document.body.classList.add('reading');
  title.focus({ preventScroll: true });

  const record = await documentOf(citation.document_id);
  if (turn !== opened) return;
  if (record?.superseded_by) {
    badge.hidden = false;
    fill(badge, 'A newer version has replaced this text. ', link(`/d/${record.superseded_by}`, null, 'Open the newest'));
  }
  await showText(body, citation, () => turn === opened);
}

/** Puts the stored text of a document into `body`, at a range of bytes if there is one. */
export async function showText(body, { document_id, version, start, end, quote }, isWanted = () => true) {
  let text;
  let pages;
  try {
    [text, pages] = await Promise.all([
      textOf(document_id, version),
      api(`/api/documents/${document_id}/pages`).then(({ items }) => items).catch(() => []),
    ]);
  } catch (error) {
    if (!isWanted()) return;
    const words = error.status === 404 ? 'This document is no longer in the library. What was quoted from it:' : `The text can’t be shown: ${error.message}.`;
    fill(body, h('p', { class: 'state', text: words }), quote && h('blockquote', { text: quote }));
    return;
  }
  if (!isWanted()) return;
  const [[from, to], ...starts] = ranges(text, [[start ?? 0, end ?? 0], ...pages.map((page) => [page.start, page.start])]);
  const breaks = pages.map(({ page }, at) => ({ page, at: starts[at][0] }));
  let low = Math.max(0, from - AROUND);
  let high = Math.min(text.length, to + AROUND);
  // Never begins or ends within a line.
  const align = () => {
    low = low && text.lastIndexOf('\n', low) + 1;
    const next = text.indexOf('\n', high);
    high = next < 0 ? text.length : next;
  };
  const paint = () => {
    align();
    const nodes = [];
    const marked = { from: Math.max(from, low), to };
    const cuts = breaks.filter(({ at }) => at >= low && at < high);
    let at = low;
    const upTo = (end) => {
      for (const [a, b, isQuote] of [[at, Math.min(end, marked.from)], [Math.max(at, marked.from), Math.min(end, marked.to), true], [Math.max(at, marked.to), end]]) {
        if (b > a) nodes.push(isQuote ? h('mark', { text: text.slice(a, b) }) : text.slice(a, b));
      }
      at = end;
    };
    for (const cut of cuts) {
      upTo(cut.at);
      nodes.push(h('span', { class: 'page', role: 'separator', 'aria-label': `Page ${cut.page}` }, `page ${cut.page}`));
    }
    upTo(high);
    fill(body,
      low > 0 && button('Earlier text', () => {
        const rest = body.scrollHeight - body.scrollTop;
        low = Math.max(0, low - 8 * AROUND);
        paint();
        body.scrollTop = body.scrollHeight - rest;
      }, { class: 'plain more' }),
      h('div', { class: 'stored' }, nodes),
      high < text.length && button('Later text', () => {
        const top = body.scrollTop;
        high = Math.min(text.length, high + 8 * AROUND);
        paint();
        body.scrollTop = top;
      }, { class: 'plain more' }));
  };
  paint();
  const mark = body.querySelector('mark');
  if (mark) {
    const offset = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
    body.scrollTop += offset - body.clientHeight / 3;
    if (body.scrollHeight <= body.clientHeight) mark.scrollIntoView({ block: 'center' });
  }
}

export function closeSource() {
  const panel = $('panel');
  if (panel.hidden) return false;
  opened += 1;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove('reading');
  if (opener?.isConnected) opener.focus({ preventScroll: true });
  opener = undefined;
  return true;
}
