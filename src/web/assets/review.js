// Reading again: every citation of a session, document by document; and one document's whole text.

import { tellStanding } from './answer.js';
import { all, api, documentOf } from './api.js';
import { count, fill, h, link, menu, plain, when } from './dom.js';
import { edit } from './library.js';
import { ranges } from './bytes.js';
import { wording } from './markdown.js';
import { limitTo } from './scope.js';
import { door, original, place, replaced, showText, told } from './source.js';

export async function review(main, { id, signal }) {
  const session = await api(`/api/chat/sessions/${id}`, { signal });
  document.title = `Citations · ${session.title} · ibid.`;
  const everything = [];
  const bare = [];
  let question = '';
  for (const message of session.messages.filter(({ active }) => active !== false)) {
    if (message.role === 'user') question = message.content;
    const loose = message.grounding?.unsupported ?? [];
    ranges(message.content, loose.map(({ start, end }) => [start, end])).forEach((at) => bare.push({ claim: wording(message.content.slice(...at)), question }));
    const citations = message.citations ?? [];
    const claims = ranges(message.content, citations.map((one) => [one.answer_start, one.answer_end]));
    citations.forEach((citation, at) => everything.push({ citation, question, claim: wording(message.content.slice(...claims[at])) }));
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
    h('div.bar', h('h1', session.title || 'Untitled'), link(`/s/${id}`, 'Back to the session')),
    h('div.review',
      h('p.lede', everything.length
        ? `${count(everything.length, 'citation')} from ${count(groups.size, 'document')}${numWeak ? `; ${numWeak} not carried in full by the quote` : ''}.`
        : 'Nothing has been cited in this session.'),
      numWeak > 0 && h('label.check', weak, 'Only what its quote does not carry in full'),
      [...groups.values()].map((group) => {
        const { document_id, title } = group[0].citation;
        const badge = h('span.badge', { hidden: true });
        tellStanding(document_id, badge);
        group.sort((a, b) => a.citation.start - b.citation.start);
        return h('section', h('h2', title, ' ', badge), group.map(({ citation, claim, question }) => h(`article.cited.is-${citation.verdict}`,
          h('p.where', place(citation) || 'in the text', ' · ', told(citation)), h('blockquote', door(citation.quote, list, list.indexOf(citation), 'quote')),
          !citation.quote.startsWith(claim) && h('p.claim', h('span.label', 'for '), claim), h('p.asked', question))));
      }),
      bare.length > 0 && h('section.bare', h('h2', 'Said without a source that carries it'),
        bare.map((one) => h('article.cited', h('p', h('span.unsupported', one.claim)), h('p.asked', one.question))))));
}

/** Where answers cite a document, in the order of its text. */
export async function uses(main, { id, signal }) {
  const [found, cites] = await Promise.all([documentOf(id), all(`/api/documents/${id}/citations`)]);
  if (signal.aborted) return;
  const title = found?.title ?? 'A document since removed';
  document.title = `Citations · ${title} · ibid.`;
  cites.sort((a, b) => a.start - b.start);
  const quotes = Map.groupBy(cites, ({ start, end }) => `${start} ${end}`);
  fill(main,
    h('div.bar', h('h1', title), found && link(`/d/${id}`, 'Read it'), link('/library', 'Library')),
    h('div.review',
      h('p.lede', cites.length ? `Cited ${count(cites.length, 'time')}.` : 'No answer cites this document.'),
      h('section', [...quotes.values()].map((same) => {
        const [one] = same;
        return h('article.cited', h('p.where', place(one) || 'in the text'), h('blockquote', door(one.quote, cites, cites.indexOf(one), 'quote')), same.map((use) => h('p.asked',
          link(`/s/${use.session_id}#${use.message_id}`, use.session_title || 'Untitled'), ' · ', when(use.created_at), ' · ', told(use))));
      }))));
}

/** One document's text; the address may name a range of it in bytes, to be shown and marked. */
export async function reading(main, view) {
  const { id, go, signal } = view;
  const found = await documentOf(id, true);
  if (signal.aborted) return;
  if (!found) {
    fill(main, h('div.bar', h('h1', 'Not in the library')), h('p.lede', 'This document was removed, or never was here.'));
    return;
  }
  document.title = `${found.title} · ibid.`;
  const body = h('div.text', { role: 'region', label: 'Stored text', tabindex: 0 });
  const versions = h('p.facts', { hidden: true });
  const facts = h('p.facts', found.name, found.collection && ` · in ${found.collection}`);
  fill(main,
    h('div.bar', h('h1', found.title),
      !found.superseded_by && plain('Ask about it', () => {
        limitTo({ documents: [found] });
        go('/');
      }),
      menu('More', 'More about this document', [
        ['What cites it', () => go(`/d/${id}/citations`)],
        ['Title and collection', async () => (await edit(found)) && reading(main, view)],
      ]),
      link('/library', 'Library')),
    h('div', facts, versions, replaced(found)), body);
  earlier(found, versions);
  const wanted = new URLSearchParams(location.search);
  const [start, end] = ['start', 'end'].map((name) => Number(wanted.get(name)) || 0);
  const leaf = await showText(body, { document_id: id, version: found.version, start, end });
  facts.append(' · ', original(id), ...(leaf ? [' · ', leaf] : []));
}

/** The versions before this one, newest first, each to be opened. */
async function earlier(found, line) {
  const seen = new Set([found.id]);
  for (let id = found.supersedes; id && !seen.has(id) && seen.size < 30;) {
    seen.add(id);
    const older = await documentOf(id);
    if (!older) return;
    line.append(line.hidden ? 'Earlier versions: ' : ', ', link(`/d/${id}`, when(older.created_at)));
    line.hidden = false;
    id = older.supersedes;
  }
}
