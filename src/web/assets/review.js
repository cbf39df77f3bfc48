// Reading again: every citation of a session, document by document; and one document's whole text.

import { tellStanding } from './answer.js';
import { api, documentOf } from './api.js';
import { button, count, fill, h, link } from './dom.js';
import { ranges } from './bytes.js';
import { openSource, place, showText, verdicts } from './source.js';

export async function review(main, { id, signal }) {
  const session = await api(`/api/chat/sessions/${id}`, { signal });
  document.title = `Citations · ${session.title} · ibid.`;
  const everything = [];
  let question = '';
  for (const message of session.messages) {
    if (message.role === 'user') question = message.content;
    const citations = message.citations ?? [];
    const claims = ranges(message.content, citations.map((one) => [one.answer_start, one.answer_end]));
    citations.forEach((citation, at) => everything.push({ citation, question, claim: message.content.slice(...claims[at]) }));
  }
  const groups = new Map();
  for (const one of everything) {
    const key = `${one.citation.document_id} ${one.citation.version}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const list = everything.map(({ citation }) => citation);
  const numWeak = list.filter(({ verdict }) => verdict !== 'supported').length;
  fill(main,
    h('div', { class: 'bar' }, h('h1', { text: session.title || 'Untitled' }), link(`/s/${id}`, { class: 'plain' }, 'Back to the session')),
    h('div', { class: 'review' },
      h('p', { class: 'lede', text: everything.length
        ? `${count(everything.length, 'citation')} from ${count(groups.size, 'document')}${numWeak ? `; ${numWeak} not carried in full by the quote` : ''}.`
        : 'Nothing has been cited in this session.' }),
      [...groups.values()].map((group) => {
        const { document_id, title } = group[0].citation;
        const badge = h('span', { class: 'badge', hidden: true });
        tellStanding(document_id, badge);
        group.sort((a, b) => a.citation.start - b.citation.start);
        return h('section', null, h('h2', null, title, ' ', badge), group.map(({ citation, claim, question }) => {
          const open = button(citation.quote, () => openSource(list, list.indexOf(citation), open), { class: 'quote' });
          return h('article', { class: 'cited' },
            h('p', { class: 'where' }, place(citation) || 'in the text', ' · ', h('span', { class: `verdict ${citation.verdict}`, text: verdicts[citation.verdict] ?? '' })),
            h('blockquote', null, open),
            claim.trim() !== citation.quote.trim() && h('p', { class: 'claim' }, h('span', { class: 'label', text: 'for ' }), claim),
            h('p', { class: 'asked', text: question }));
        }));
      })));
}

/** One document's text; the address may name a range of it in bytes, to be shown and marked. */
export async function reading(main, { id, signal }) {
  const found = await documentOf(id, true);
  if (signal.aborted) return;
  if (!found) {
    fill(main, h('div', { class: 'bar' }, h('h1', { text: 'Not in the library' })), h('p', { class: 'lede', text: 'This document was removed, or never was here.' }));
    return;
  }
  document.title = `${found.title} · ibid.`;
  const body = h('div', { class: 'text', role: 'region', 'aria-label': 'Stored text', tabindex: 0 });
  fill(main,
    h('div', { class: 'bar' }, h('h1', { text: found.title }),
      h('a', { class: 'plain', href: `/api/documents/${id}/content`, download: true, text: 'Original' }),
      link('/library', { class: 'plain' }, 'Library')),
    h('p', { class: 'facts', text: [found.name, found.pages && count(found.pages, 'page'), found.collection && `in ${found.collection}`].filter(Boolean).join(' · ') }),
    found.superseded_by && h('p', { class: 'badge' }, 'A newer version has replaced this text. ', link(`/d/${found.superseded_by}`, null, 'Open the newest')),
    body);
  const wanted = new URLSearchParams(location.search);
  const [start, end] = ['start', 'end'].map((name) => Number(wanted.get(name)) || 0);
  await showText(body, { document_id: id, version: found.version, start, end });
}
