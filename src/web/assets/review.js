// Reading again: every citation of a session, document by document; and one document's whole text.

import { tellStanding } from './answer.js';
import { all, api, documentOf } from './api.js';
import { button, count, fill, h, link, menu, when } from './dom.js';
import { edit } from './library.js';
import { ranges } from './bytes.js';
import { choose, clearScope, scope } from './scope.js';
import { openSource, place, showText, verdicts } from './source.js';

export async function review(main, { id, signal }) {
  const session = await api(`/api/chat/sessions/${id}`, { signal });
  document.title = `Citations · ${session.title} · ibid.`;
  const everything = [];
  const bare = [];
  let question = '';
  for (const message of session.messages.filter(({ active }) => active !== false)) {
    if (message.role === 'user') question = message.content;
    const loose = message.grounding?.unsupported ?? [];
    ranges(message.content, loose.map(({ start, end }) => [start, end])).forEach((at) => bare.push({ claim: message.content.slice(...at), question }));
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
  const weak = h('input', { type: 'checkbox', onchange: () => main.classList.toggle('weak', weak.checked) });
  main.classList.remove('weak');
  fill(main,
    h('div', { class: 'bar' }, h('h1', { text: session.title || 'Untitled' }), link(`/s/${id}`, { class: 'plain' }, 'Back to the session')),
    h('div', { class: 'review' },
      h('p', { class: 'lede', text: everything.length
        ? `${count(everything.length, 'citation')} from ${count(groups.size, 'document')}${numWeak ? `; ${numWeak} not carried in full by the quote` : ''}.`
        : 'Nothing has been cited in this session.' }),
      numWeak > 0 && h('label', { class: 'check' }, weak, 'Only what its quote does not carry in full'),
      [...groups.values()].map((group) => {
        const { document_id, title } = group[0].citation;
        const badge = h('span', { class: 'badge', hidden: true });
        tellStanding(document_id, badge);
        group.sort((a, b) => a.citation.start - b.citation.start);
        return h('section', null, h('h2', null, title, ' ', badge), group.map(({ citation, claim, question }) => {
          const open = button(citation.quote, () => openSource(list, list.indexOf(citation), open), { class: 'quote' });
          return cited(citation, open, claim, h('p', { class: 'asked', text: question }));
        }));
      }),
      bare.length > 0 && h('section', { class: 'bare' }, h('h2', { text: 'Said without a source that carries it' }),
        bare.map((one) => h('article', { class: 'cited' }, h('p', null, h('span', { class: 'unsupported', text: one.claim })), h('p', { class: 'asked', text: one.question }))))));
}

function cited(citation, open, claim, ...below) {
  return h('article', { class: `cited is-${citation.verdict}` },
    h('p', { class: 'where' }, place(citation) || 'in the text', ' · ', h('span', { class: `verdict ${citation.verdict}`, text: verdicts[citation.verdict] ?? '' })),
    h('blockquote', null, open),
    claim && claim.trim() !== citation.quote.trim() && h('p', { class: 'claim' }, h('span', { class: 'label', text: 'for ' }), claim),
    below);
}

/** Where answers cite a document, in the order of its text. */
export async function uses(main, { id, signal }) {
  const [found, cites] = await Promise.all([documentOf(id), all(`/api/documents/${id}/citations`)]);
  if (signal.aborted) return;
  const title = found?.title ?? 'A document since removed';
  document.title = `Citations · ${title} · ibid.`;
  cites.sort((a, b) => a.start - b.start);
  fill(main,
    h('div', { class: 'bar' }, h('h1', { text: title }), found && link(`/d/${id}`, { class: 'plain' }, 'Read it'), link('/library', { class: 'plain' }, 'Library')),
    h('div', { class: 'review' },
      h('p', { class: 'lede', text: cites.length ? `Cited ${count(cites.length, 'time')}.` : 'No answer cites this document.' }),
      h('section', null, cites.map((one, at) => {
        const open = button(one.quote, () => openSource(cites, at, open), { class: 'quote' });
        return cited(one, open, '', h('p', { class: 'asked' }, link(`/s/${one.session_id}#${one.message_id}`, null, one.session_title || 'Untitled'), ' · ', when(one.created_at)));
      }))));
}

/** One document's text; the address may name a range of it in bytes, to be shown and marked. */
export async function reading(main, view) {
  const { id, go, signal } = view;
  const found = await documentOf(id, true);
  if (signal.aborted) return;
  if (!found) {
    fill(main, h('div', { class: 'bar' }, h('h1', { text: 'Not in the library' })), h('p', { class: 'lede', text: 'This document was removed, or never was here.' }));
    return;
  }
  document.title = `${found.title} · ibid.`;
  const body = h('div', { class: 'text', role: 'region', 'aria-label': 'Stored text', tabindex: 0 });
  const versions = h('p', { class: 'facts', hidden: true });
  fill(main,
    h('div', { class: 'bar' }, h('h1', { text: found.title }),
      !found.superseded_by && button('Ask about it', () => {
        clearScope();
        scope.isFresh = true;
        choose(found, true);
        go('/');
      }, { class: 'plain' }),
      menu('More', 'More about this document', [
        ['What cites it', () => go(`/d/${id}/citations`)],
        ['Title and collection', async () => (await edit(found)) && reading(main, view)],
        ['Original', `/api/documents/${id}/content`],
      ]),
      link('/library', { class: 'plain' }, 'Library')),
    h('p', { class: 'facts', text: [found.name, found.pages && count(found.pages, 'page'), found.collection && `in ${found.collection}`].filter(Boolean).join(' · ') }),
    found.superseded_by && h('p', { class: 'badge' }, 'A newer version has replaced this text. ', link(`/d/${found.superseded_by}`, null, 'Open the newest')),
    versions, body);
  earlier(found, versions);
  const wanted = new URLSearchParams(location.search);
  const [start, end] = ['start', 'end'].map((name) => Number(wanted.get(name)) || 0);
  await showText(body, { document_id: id, version: found.version, start, end });
}

/** The versions before this one, newest first, each to be opened. */
async function earlier(found, line) {
  const seen = new Set([found.id]);
  for (let id = found.supersedes; id && !seen.has(id) && seen.size < 30;) {
    seen.add(id);
    const older = await documentOf(id);
    if (!older) return;
    line.append(line.hidden ? 'Earlier versions: ' : ', ', link(`/d/${id}`, null, when(older.created_at)));
    line.hidden = false;
    id = older.supersedes;
  }
}
