// Where a citation leads: the quote card beside a mark, and the panel with the stored text.

import { $, button, fill, h, link } from './dom.js';
import { api, documentOf, textOf } from './api.js';
import { ranges } from './bytes.js';

export const verdicts = { supported: 'supported', partial: 'partly supported', unsupported: 'not supported by this quote' };
/** Characters of a sheet where there are no pages. */
const SHEET = 12_000;

/** Page, heading, and what is above a row's columns. */
export function place({ page, heading, title, columns }) {
  // A document's own title is often its first heading.
  const rest = (heading ?? '').split(' › ').filter((one, at) => at || one !== title).join(' › ');
  const above = columns && `columns: ${columns}`;
  return [page && `p. ${page}`, rest, above].filter(Boolean).join(' · ');
}

/** The verdict on a citation, in words. */
export function told({ verdict }) {
  return h(`span.verdict.${verdict}`, verdicts[verdict] ?? '');
}

let timer;
export function showCard(anchor, citation) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!anchor.isConnected) return;
    const card = fill($('card'),
      h('p.title', citation.title),
      place(citation) && h('p.where', place(citation)),
      h('blockquote', shorten(citation.quote)),
      h('p', told(citation)));
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

/** Words that open `citations[at]` beside the page. */
export function door(words, citations, at = 0, kind = 'title') {
  const element = button(words, () => openSource(citations, at, element), { class: kind });
  return element;
}

/** Says so where a newer version stands for a document. */
export const replaced = ({ superseded_by }) => superseded_by
  && h('p.badge', 'A newer version has replaced this text. ', link(`/d/${superseded_by}`, 'Open the newest'));

let opener;
let opened = 0;

/** Opens the panel on one of these citations; the others can be stepped through. */
export async function openSource(citations, at, from) {
  const panel = $('panel');
  const turn = (opened += 1);
  opener = from ?? opener;
  const citation = citations[at];
  const title = h('h2', { tabindex: -1, text: citation.title ?? 'Document' });
  const body = h('div.text', { tabindex: 0, role: 'region', label: 'Stored text' }, h('p.state.wait', 'Opening…'));
  const step = (by) => openSource(citations, (at + by + citations.length) % citations.length);
  const ways = h('p.where.leads', original(citation.document_id, citation.page),
    link(`/d/${citation.document_id}${citation.end ? `?start=${citation.start}&end=${citation.end}` : ''}`, 'Whole text'));
  fill(panel,
    h('div.head',
      h('div.row',
        citations.length > 1 && h('div.stepper',
          button('‹', () => step(-1), { label: 'Previous citation' }),
          h('span', `${at + 1} of ${citations.length}`),
          button('›', () => step(1), { label: 'Next citation' })),
        button('Close', closeSource, { class: 'plain close' })),
      title,
      h('p.where', place(citation), place(citation) && citation.verdict && ' · ', citation.verdict && told(citation)),
      ways),
    body);
  panel.hidden = false;
  document.body.classList.add('reading');
  title.focus({ preventScroll: true });

  const record = await documentOf(citation.document_id);
  if (turn !== opened) return;
  if (record?.superseded_by) ways.after(replaced(record));
  const leaf = await showText(body, citation, () => turn === opened);
  if (leaf) ways.prepend(leaf);
}

/**
 * Puts the stored text of a document into `body`, at a range of bytes if there is one. Each page is a
 * sheet of its own, and a browser lays out only those in sight. Resolves to a field to turn pages with.
 */
export async function showText(body, { document_id, version, start = 0, end = 0, quote }, isWanted = () => true) {
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
    fill(body, h('p.state', words), quote && h('blockquote', quote));
    return;
  }
  if (!isWanted()) return;
  const [[from, to], ...starts] = ranges(text, [[start, end], ...pages.map((page) => [page.start, page.start])]);
  const cuts = pages.length ? pages.map(({ page }, k) => ({ page, at: k && starts[k][0] })) : [];
  if (!cuts.length) for (let at = 0; at < text.length; at = text.indexOf('\n', at + SHEET) + 1 || text.length) cuts.push({ at });
  const sheets = new Map(cuts.map(({ page, at }, k) => {
    const last = cuts[k + 1]?.at ?? text.length;
    const [a, b] = [from, to].map((edge) => Math.min(Math.max(edge, at), last));
    const sheet = h('div.sheet', page && h('span.page', { role: 'separator', label: `Page ${page}`, text: `page ${page}` }),
      text.slice(at, a), b > a && h('mark', text.slice(a, b)), text.slice(b, last));
    sheet.style.containIntrinsicHeight = `auto ${Math.round((last - at) / 2.5) + 60}px`;
    return [page ?? `at ${at}`, sheet];
  }));
  fill(body, h('div.stored', [...sheets.values()]));
  bring(body.querySelector('mark'), 'center');
  if (pages.length < 2) return null;
  const page = h('input', { type: 'number', min: 1, max: pages.length, value: pages.findLast((one) => one.start <= start)?.page ?? 1, label: `Page, of ${pages.length}` });
  page.addEventListener('change', () => bring(sheets.get(page.valueAsNumber), 'start'));
  return h('label.leaf', 'Page ', page, ` of ${pages.length}`);
}

/** Scrolls there; again once the sheets on the way have their height. */
function bring(element, block) {
  for (const ms of [0, 60, 180]) setTimeout(() => element?.scrollIntoView({ block }), ms);
}

/** Leads to the file itself; a PDF opens at its page. */
export function original(id, page) {
  return h('a', { href: `/api/documents/${id}/content${page ? `#page=${page}` : ''}`, target: '_blank', text: 'Original' });
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
