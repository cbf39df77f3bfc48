// One answer: the fold of its events, and how it is shown with its citations, sources and grounding.

import { askFor, button, count, fill, h, say } from './dom.js';
import { documentOf, api } from './api.js';
import { ranges } from './bytes.js';
import { marks, show } from './markdown.js';
import { contents, coverage, Work } from './research.js';
import { hideCard, showCard, place, verdicts } from './source.js';

/** Adds an event to a message. Unknown events change nothing. */
export function fold(message, event) {
  switch (event.type) {
    case 'started':
      Object.assign(message, { id: event.message_id, mode: event.mode, model: event.model, status: 'running' });
      break;
    case 'plan': message.plan = event; break; // the last one counts
    case 'step': {
      const { type, ...step } = event;
      const known = message.steps.findIndex(({ id }) => id === step.id);
      if (known < 0) message.steps.push(step);
      else message.steps[known] = { ...message.steps[known], ...step };
      break;
    }
    case 'sources': message.sources = event.sources; break;
    case 'token': message.content += event.text; break;
    case 'citation': message.citations.push(event); break;
    case 'done': {
      const { finish_reason, grounding, usage, coverage } = event;
      const status = { cancelled: 'cancelled', interrupted: 'interrupted' }[finish_reason] ?? 'complete';
      Object.assign(message, { finish_reason, grounding, usage, coverage, status, timings: event.timings_ms });
      break;
    }
    case 'error': {
      const { code, message: words, retryable } = event;
      Object.assign(message, { status: 'failed', error: { code, message: words, retryable } });
      break;
    }
    default:
  }
}

/** A message as it came from the store, with everything the fold expects. */
export function whole(message) {
  return { ...message, content: message.content ?? '', steps: steps(message.steps), citations: message.citations ?? [], sources: message.sources ?? [] };
}

/** Stored steps may come as their starts and ends; a reader wants one line a step. */
function steps(stored) {
  const known = new Map();
  for (const step of stored ?? []) known.set(step.id, { ...known.get(step.id), ...step });
  return [...known.values()];
}

export class Answer {
  /**
   * `open(answer, at, from)` opens the source panel, `again()` asks the same once more,
   * `steer(change)` sends the reader's word on a plan, `react(word)` on the answer, `turn(id)` shows
   * another answer to the same question.
   */
  constructor(message, { open, again, steer, react, turn }) {
    this.message = whole(message);
    Object.assign(this, { open, again, react, turn });
    this.work = new Work(steer);
    this.prose = h('div', { class: 'prose' });
    this.foot = h('footer', { class: 'foot' });
    this.contents = h('div');
    this.element = h('div', { class: 'answer' }, this.work.element, this.contents, this.prose, this.foot);
    this.told = 0;
    this.paint();
  }

  get running() {
    return this.message.status === 'running';
  }

  restart() {
    const { id, mode, model, created_at, role } = this.message;
    this.message = whole({ id, mode, model, created_at, role, status: 'running' });
  }

  apply(event) {
    fold(this.message, event);
    if (event.type === 'step' && event.state === 'started') say(this.work.words(event));
    if (this.planned) return;
    this.planned = true;
    const go = () => {
      if (!this.planned) return;
      this.planned = false;
      clearTimeout(timer);
      this.paint();
    };
    // A hidden tab gets no animation frames, and still has to be right when it is looked at.
    const timer = setTimeout(go, 120);
    requestAnimationFrame(go);
  }

  /** Says why the reader's wish was not granted; the answer stays. */
  fail(words) {
    this.foot.append(h('p', { class: 'fault', role: 'alert', text: words }));
  }

  set(message) {
    this.message = whole(message);
    this.paint();
  }

  paint() {
    const { message } = this;
    const { content, citations } = message;
    this.prose.setAttribute('aria-busy', this.running);
    const unsupported = message.grounding?.unsupported ?? [];
    const pairs = [
      ...citations.map((one) => [one.answer_start, one.answer_end]),
      ...unsupported.map(({ start, end }) => [start, end]),
    ];
    const found = ranges(content, pairs);
    this.claims = found.slice(0, citations.length);
    const spans = found.slice(citations.length);
    const placed = assign(marks(content), citations, this.claims);
    const notes = {
      streaming: this.running,
      unsupported: spans,
      key: (start, end) => [
        ...[...placed].filter(([at]) => at >= start && at < end).map(([at, k]) => `${at}=${k}`),
        ...spans.filter(([a, b]) => a < end && b > start).map((span) => span.join('-')),
        message.sources.length, this.running,
      ].join(),
      mark: (at, n) => this.mark(n, placed.get(at)),
    };
    show(this.prose, content, notes);
    this.prose.classList.toggle('writing', this.running && content !== '');
    this.tell();
    this.work.show(message);
    if (message.mode === 'deep_research' && !this.running) fill(this.contents, contents(this.prose));
    this.footer(spans.length);
  }

  /** Reads finished paragraphs out, once each, while the answer is being written. */
  tell() {
    if (this.running) this.isWatched = true;
    if (!this.isWatched) return;
    const blocks = this.prose.blocks ?? [];
    const ready = this.running ? blocks.length - 1 : blocks.length;
    for (; this.told < ready; this.told += 1) say(blocks[this.told].element.textContent);
    if (!this.running) {
      say(`Answer ended, ${count(this.message.citations.length, 'citation')}.`);
      this.told = 0;
      this.isWatched = false;
    }
  }

  mark(n, at) {
    const citation = this.message.citations[at];
    const source = this.message.sources.find((source) => source.n === n);
    if (!citation && !source) return this.running ? h('span', { class: 'mark pending', text: n }) : null;
    if (!citation) {
      return h('span', { class: 'mark pending', title: source.title, text: n });
    }
    const words = `Source ${n}, ${citation.title}${citation.page ? `, page ${citation.page}` : ''}, ${verdicts[citation.verdict] ?? ''}`;
    const element = button(n, () => {
      hideCard();
      this.open(this.message, at, element);
    }, { class: `mark ${citation.verdict}`, 'aria-label': words });
    const enter = () => {
      showCard(element, citation);
      this.point(at);
    };
    const leave = () => {
      hideCard();
      this.point(-1);
    };
    element.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && enter());
    element.addEventListener('pointerleave', leave);
    element.addEventListener('focus', () => element.matches(':focus-visible') && enter());
    element.addEventListener('blur', leave);
    return element;
  }

  /** Shows which words a citation carries, without touching them. */
  point(at) {
    if (!window.Highlight || !CSS.highlights) return;
    CSS.highlights.delete('claim');
    if (at < 0) return;
    const [start, end] = this.claims[at];
    const covered = [];
    const walker = document.createTreeWalker(this.prose, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
      if (node.at === undefined || node.at >= end || node.at + node.length <= start) continue;
      const range = new Range();
      range.setStart(node, Math.max(0, start - node.at));
      range.setEnd(node, Math.min(node.length, end - node.at));
      covered.push(range);
    }
    CSS.highlights.set('claim', new Highlight(...covered));
  }

  footer(numUnsupported) {
    const { message } = this;
    const state = {
      running: message.content || message.mode === 'deep_research' ? null : h('p', { class: 'state wait' }, this.work.now(message)),
      cancelled: h('p', { class: 'state', text: 'Stopped. What was written so far is kept.' }),
      interrupted: h('p', { class: 'state' }, 'The server stopped in mid-answer; this is what there was. ', this.retry()),
      failed: h('p', { class: 'state fault', role: 'alert' }, message.error?.message ?? 'The answer failed.', ' ', this.retry()),
    }[message.status];
    const cut = { length: 'The model reached its length limit.', budget: 'The budget was spent; this is what there was.' }[message.finish_reason];
    if (this.running) {
      const key = `${state?.textContent}`;
      if (this.footKey !== key) fill(this.foot, state);
      this.footKey = key;
      return;
    }
    this.footKey = undefined;
    fill(this.foot, state, cut && h('p', { class: 'state', text: cut }),
      this.summary(numUnsupported), receipt(message, this.open), coverage(message.coverage), this.sources(), this.tools());
  }

  retry() {
    return this.again && button('Ask again', () => this.again(), { class: 'plain' });
  }

  summary(numUnsupported) {
    const grounding = this.message.grounding;
    if (!grounding || !grounding.sentences) return null;
    const parts = [`${grounding.cited} of ${count(grounding.sentences, 'claim')} cited`, `${grounding.supported} supported`];
    if (numUnsupported) parts.push(h('span', { class: 'unsupported' }, `${numUnsupported} not found in the sources`));
    if (grounding.dropped_marks) parts.push(`${count(grounding.dropped_marks, 'mark')} to no source removed`);
    return h('p', { class: 'grounding' }, parts.flatMap((part, at) => (at ? [' · ', part] : [part])));
  }

  sources() {
    const { citations, sources } = this.message;
    const numbers = [...new Set(citations.map(({ n }) => n))].sort((a, b) => a - b);
    if (!numbers.length && !sources.length) return null;
    const cited = numbers.map((n) => {
      const at = citations.findIndex((one) => one.n === n);
      const source = sources.find((source) => source.n === n) ?? citations[at];
      const element = this.source(source, () => this.open(this.message, at, element.querySelector('button')));
      return element;
    });
    const rest = sources.filter(({ n }) => !numbers.includes(n)).map((source) => {
      const element = this.source(source, () => this.open({ citations: [{ ...source, quote: '' }] }, 0, element.querySelector('button')));
      return element;
    });
    return h('div', { class: 'sources', role: 'group', 'aria-label': 'Sources' },
      cited.length > 0 && h('h3', { text: 'Sources' }),
      cited.length > 0 && h('ol', null, cited),
      rest.length > 0 && h('details', null,
        h('summary', { text: cited.length ? `${count(rest.length, 'more passage')} read, not cited` : `${count(rest.length, 'passage')} read` }),
        h('ol', null, rest)));
  }

  source(source, onclick) {
    const badge = h('span', { class: 'badge', hidden: true });
    tellStanding(source.document_id, badge);
    return h('li', { value: source.n },
      h('span', { class: 'number', 'aria-hidden': 'true', text: source.n }),
      h('div', null, button(source.title, onclick, { class: 'title' }), h('span', { class: 'where', text: place(source) }), badge));
  }

  tools() {
    const { message } = this;
    const copy = button('Copy', async () => {
      const list = [...new Map(message.citations.map((one) => [one.n, one])).values()].sort((a, b) => a.n - b.n);
      const notes = list.map((one) => `[${one.n}] ${one.title}${place(one) ? `, ${place(one)}` : ''}: “${one.quote}”`);
      try {
        await navigator.clipboard.writeText([message.content, ...(notes.length ? ['', ...notes] : [])].join('\n'));
        copy.textContent = 'Copied';
        say('Copied with its sources.');
      } catch {
        copy.textContent = 'The browser refused';
      }
      setTimeout(() => (copy.textContent = 'Copy'), 1600);
    }, { class: 'plain' });
    const seconds = message.timings?.total >= 100 && `${(message.timings.total / 1000).toFixed(1)} s`;
    const about = [message.cached && 'an earlier answer, given again', message.model, seconds, message.usage?.output_tokens ? `${message.usage.output_tokens} tokens` : ''];
    const retry = this.again && button('Answer again', () => this.again(), { class: 'plain' });
    return h('p', { class: 'tools' }, copy, retry, this.react && this.thumbs(), siblings(message, this.turn, 'answer'),
      h('span', { class: 'about', text: about.filter(Boolean).join(' · ') }));
  }

  /** What the reader thinks of the answer, and in a few words why. */
  thumbs() {
    const { message } = this;
    const told = message.reaction?.reaction ?? message.reaction;
    const note = message.reaction?.note ?? message.reaction_note;
    const keep = async (reaction, words) => {
      try {
        await this.react({ reaction, ...(words && { note: words }) });
        message.reaction = reaction && { reaction, note: words };
        say(reaction ? 'Noted.' : 'Taken back.');
      } catch (error) {
        return this.fail(error.message);
      }
      this.footer(message.grounding?.unsupported?.length);
      this.foot.querySelector(`.thumb[data-is=${reaction ?? 'like'}]`)?.focus();
    };
    const thumb = (kind, words) => button(words, () => keep(told === kind ? null : kind, told === kind ? '' : note), { class: 'plain thumb', 'data-is': kind, 'aria-pressed': String(told === kind) });
    const why = async () => {
      const words = await askFor('What was it?', [{ name: 'note', label: 'A note for yourself and for those who look after this library', value: note, long: true, maxlength: 2000 }], 'Keep');
      if (words) keep(told, words.note.trim());
    };
    return [thumb('like', 'Good'), thumb('dislike', 'Bad'), told && button(note ? 'Note' : 'Add a note', why, { class: 'plain', title: note })];
  }
}

/** A way to the other messages in the same place: ‹ 2/3 ›. */
export function siblings({ id, siblings }, turn, what) {
  if (!(siblings?.length > 1)) return null;
  const at = siblings.indexOf(id);
  const step = (by, words, sign) => button(sign, () => turn(siblings[at + by]), { 'aria-label': words, ...(siblings[at + by] === undefined && { disabled: true }) });
  return h('span', { class: 'stepper', role: 'group', 'aria-label': `Other ${what}s` }, step(-1, `Earlier ${what}`, '‹'),
    h('span', { text: `${at + 1}/${siblings.length}` }), step(1, `Later ${what}`, '›'));
}

/** Says on a badge if a document was replaced or removed since it was cited. */
export async function tellStanding(id, badge) {
  const document = await documentOf(id);
  if (document && !document.superseded_by) return;
  badge.textContent = document ? 'superseded by a newer version' : 'no longer in the library';
  badge.hidden = false;
}

/** Which mark belongs to which citation: the nearest free one with its number, after the claim if any. */
function assign(found, citations, claims) {
  const placed = new Map();
  citations.forEach((citation, k) => {
    const [start, end] = claims[k];
    let best;
    for (const { n, at } of found) {
      if (n !== citation.n || placed.has(at)) continue;
      const far = at >= end ? at - end : at >= start ? 2 + (end - at) / 1e4 : 3 + start - at;
      if (!best || far < best.far) best = { at, far };
    }
    if (best) placed.set(best.at, k);
  });
  return placed;
}

function receipt(message, open) {
  const found = message.grounding?.receipt;
  if (!found) return null;
  const nearest = h('ul', { class: 'nearest' });
  for (const id of (found.nearest ?? []).slice(0, 5)) {
    const [document, ordinal] = id.split(':');
    const item = h('li');
    nearest.append(item);
    api(`/api/documents/${document}/passages/${ordinal}`).then((passage) => {
      const target = { ...passage, quote: passage.text.trim(), n: '' };
      const element = button(passage.title, () => open({ citations: [target] }, 0, element), { class: 'title' });
      fill(item, element, h('span', { class: 'where', text: place(passage) }));
    }).catch(() => item.remove());
  }
  return h('div', { class: 'receipt', role: 'group', 'aria-label': 'What was tried' },
    h('p', null, `Searched ${count(found.documents_searched, 'document')} for `,
      (found.queries ?? []).flatMap((query, at) => [at ? ', ' : '', h('q', { text: query })]), '. Nothing relevant was found.'),
    nearest.children.length > 0 && [h('p', { class: 'label', text: 'The nearest passages' }), nearest]);
}
