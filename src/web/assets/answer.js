// One answer: the fold of its events, and how it is shown with what it stands on.

import { askFor, button, count, fill, h, plain, say } from './dom.js';
import { documentOf, api } from './api.js';
import { ranges } from './bytes.js';
import { marks, read, show } from './markdown.js';
import { contents, coverage, Work } from './research.js';
import { door, hideCard, openSource, place, showCard, verdicts } from './source.js';

/** Adds an event to a message. Unknown events change nothing. */
function fold(message, event) {
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
    case 'error': Object.assign(message, { status: 'failed', error: event }); break;
    default:
  }
}

/** A message as it came from the store, with everything the fold expects. */
export function whole(message) {
  const { content = '', citations = [], sources = [], steps = [] } = message;
  const found = { ...message, content, citations, sources, steps: [] };
  // Stored steps may come as their starts and ends; a reader wants one line a step.
  for (const step of steps) fold(found, { ...step, type: 'step' });
  return found;
}

export class Answer {
  /** `again()` asks once more, `steer(change)` sends the reader's word on a plan, `react(word)` on the answer, `turn(id)` shows another. */
  constructor(message, { again, steer, react, turn }) {
    this.message = whole(message);
    Object.assign(this, { again, react, turn });
    this.work = new Work(steer);
    this.prose = h('div.prose');
    this.foot = h('footer.foot');
    this.contents = h('div');
    this.element = h('div.answer', this.work.element, this.contents, this.prose, this.foot);
    this.told = 0;
    this.marks = [];
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
    this.foot.append(h('p.fault', { role: 'alert', text: words }));
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
    const blocks = read(content);
    const placed = assign(marks(blocks, this.marks), citations, this.claims);
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
    show(this.prose, blocks, notes);
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
    if (!citation) return source || this.running ? h('span.mark.pending', { title: source?.title, text: n }) : null;
    const words = `Source ${n}, ${citation.title}${citation.page ? `, page ${citation.page}` : ''}, ${verdicts[citation.verdict] ?? ''}`;
    const element = button(n, () => {
      hideCard();
      openSource(this.message.citations, at, element);
    }, { class: `mark ${citation.verdict}`, label: words });
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
      running: message.content || message.mode === 'deep_research' ? null : h('p.state.wait', this.work.now(message)),
      cancelled: h('p.state', 'Stopped. What was written so far is kept.'),
      interrupted: h('p.state', 'The server stopped in mid-answer; this is what there was. ', this.retry()),
      failed: h('p.state.fault', { role: 'alert' }, message.error?.message ?? 'The answer failed.', ' ', this.retry()),
    }[message.status];
    const cut = { length: 'The model reached its length limit.', budget: 'The budget was spent; this is what there was.' }[message.finish_reason];
    if (this.running) {
      const key = `${state?.textContent}`;
      if (this.footKey !== key) fill(this.foot, state);
      this.footKey = key;
      return;
    }
    this.footKey = undefined;
    fill(this.foot, state, cut && h('p.state', cut),
      this.summary(numUnsupported), receipt(message), coverage(message.coverage), this.sources(), this.tools());
  }

  retry() {
    return this.again && plain('Ask again', () => this.again());
  }

  summary(numUnsupported) {
    const grounding = this.message.grounding;
    if (!grounding?.sentences) return null;
    const parts = [`${grounding.supported} of ${count(grounding.sentences, 'claim')} supported`, `${grounding.cited} cited`];
    if (numUnsupported) parts.push(h('span.unsupported', `${numUnsupported} not found in the sources`));
    if (grounding.dropped_marks) parts.push(`${count(grounding.dropped_marks, 'mark')} to no source removed`);
    return h('p.grounding', parts.flatMap((part, at) => (at ? [' · ', part] : [part])));
  }

  sources() {
    const { citations, sources } = this.message;
    const numbers = [...new Set(citations.map(({ n }) => n))].sort((a, b) => a - b);
    if (!numbers.length && !sources.length) return null;
    const cited = numbers.map((n) => {
      const at = citations.findIndex((one) => one.n === n);
      return this.source(sources.find((source) => source.n === n) ?? citations[at], citations, at);
    });
    const rest = sources.filter(({ n }) => !numbers.includes(n)).map((source) => this.source(source, [{ ...source, quote: '' }]));
    return h('div.sources', { role: 'group', label: 'Sources' },
      cited.length > 0 && h('h3', 'Sources'),
      cited.length > 0 && h('ol', cited),
      rest.length > 0 && h('details', null,
        h('summary', cited.length ? `${count(rest.length, 'more passage')} read, not cited` : `${count(rest.length, 'passage')} read`),
        h('ol', rest)));
  }

  source(source, citations, at) {
    const badge = h('span.badge', { hidden: true });
    tellStanding(source.document_id, badge);
    return h('li', { value: source.n }, h('span.number', { 'aria-hidden': 'true', text: source.n }),
      h('div', door(source.title, citations, at), h('span.where', place({ ...source, columns: '' })), badge));
  }

  tools() {
    const { message } = this;
    const copy = plain('Copy', async () => {
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
    });
    const seconds = message.timings?.total >= 100 && `${(message.timings.total / 1000).toFixed(1)} s`;
    const about = [message.cached && 'an earlier answer, given again', message.model, seconds, message.usage?.output_tokens ? `${message.usage.output_tokens} tokens` : ''];
    const retry = this.again && plain('Answer again', () => this.again());
    return h('p.tools', copy, retry, this.react && this.thumbs(), siblings(message, this.turn, 'answer'),
      h('span.about', about.filter(Boolean).join(' · ')));
  }

  /** What the reader thinks of the answer, and in a few words why. */
  thumbs() {
    const { message } = this;
    const told = message.reaction?.reaction ?? message.reaction;
    const note = message.reaction?.note ?? message.reaction_note;
    const keep = async (reaction, words) => {
      try {
        await this.react({ reaction, note: words || undefined });
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
    return [thumb('like', 'Good'), thumb('dislike', 'Bad'), told && plain(note ? 'Note' : 'Add a note', why, { title: note })];
  }
}

/** A way to the other messages in the same place: ‹ 2/3 ›. */
export function siblings({ id, siblings }, turn, what) {
  if (!(siblings?.length > 1)) return null;
  const at = siblings.indexOf(id);
  const step = (by, words, sign) => button(sign, () => turn(siblings[at + by]), { label: words, ...(siblings[at + by] === undefined && { disabled: true }) });
  return h('span.stepper', { role: 'group', label: `Other ${what}s` }, step(-1, `Earlier ${what}`, '‹'),
    h('span', `${at + 1}/${siblings.length}`), step(1, `Later ${what}`, '›'));
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

function receipt(message) {
  const found = message.grounding?.receipt;
  if (!found) return null;
  const nearest = h('ul.nearest');
  for (const id of (found.nearest ?? []).slice(0, 5)) {
    const [document, ordinal] = id.split(':');
    const item = h('li');
    nearest.append(item);
    api(`/api/documents/${document}/passages/${ordinal}`).then((passage) => {
      fill(item, door(passage.title, [{ ...passage, quote: passage.text.trim() }]), h('span.where', place(passage)));
    }).catch(() => item.remove());
  }
  return h('div.receipt', { role: 'group', label: 'What was tried' },
    h('p', `Searched ${count(found.documents_searched, 'document')} for `,
      (found.queries ?? []).flatMap((query, at) => [at ? ', ' : '', h('q', query)]), '. Nothing relevant was found.',
      found.unknown_words && ` Not in any: ${found.unknown_words.join(', ')}.`),
    nearest.children.length > 0 && [h('p.label', 'The nearest passages'), nearest]);
}
