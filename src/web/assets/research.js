// The work behind an answer while it is done: the plan of deep research, its steps, the time.

import { count, fill, h } from './dom.js';

const DOING = { search: 'Searching', read: 'Reading', gap: 'Looking for what is missing', write: 'Writing' };
const DONE = { search: 'Searched', read: 'Read', gap: 'Looked for what is missing', write: 'Wrote' };

export class Work {
  constructor() {
    this.element = h('details', { class: 'work', hidden: true });
    this.summary = h('summary');
    this.body = h('div');
    this.element.append(this.summary, this.body);
    this.touched = false;
    this.summary.addEventListener('click', () => (this.touched = true));
  }

  words(step) {
    const names = step.state === 'finished' ? DONE : DOING;
    return `${names[step.kind] ?? step.kind}${step.query ? `: ${step.query}` : ''}`;
  }

  /** What is being done right now, in a few words. */
  now(message) {
    const step = message.steps.findLast(({ state }) => state === 'started');
    if (step) return `${this.words(step)}…`;
    return message.steps.length ? 'Writing…' : 'Starting…';
  }

  show(message) {
    const { plan, steps } = message;
    const isDeep = message.mode === 'deep_research';
    const key = JSON.stringify([plan, steps, message.status]);
    if (key !== this.key) {
      this.key = key;
      this.element.hidden = !plan && !steps.some(({ note, query }) => note || query);
      if (!this.touched) this.element.open = isDeep && message.status === 'running';
      fill(this.body, plan && this.plan(plan, steps), h('ul', { class: 'steps' },
        steps.filter(({ question_id }) => !plan?.questions?.some(({ id }) => id === question_id)).map((step) => this.step(step))));
    }
    const isRunning = message.status === 'running';
    if (isRunning && isDeep && !this.clock) {
      this.begun = new Date(message.created_at ?? Date.now());
      this.clock = setInterval(() => this.title(message), 1000);
    } else if (!isRunning) {
      clearInterval(this.clock);
      this.clock = null;
    }
    this.title(message);
  }

  title(message) {
    if (this.clock && !this.element.isConnected) clearInterval(this.clock);
    const { steps } = message;
    const searches = steps.filter(({ kind }) => kind === 'search');
    const found = searches.reduce((sum, step) => sum + (step.found ?? 0), 0);
    const parts = [];
    if (this.clock) parts.push(elapsed(Date.now() - this.begun), this.now(message));
    else {
      if (message.plan?.questions) parts.push(count(message.plan.questions.length, 'question'));
      if (searches.length) parts.push(`${count(searches.length, 'search', 'searches')}, ${count(found, 'passage')} found`);
    }
    const note = steps.find((step) => step.note && step.kind === 'write')?.note;
    if (note && !message.plan) parts.push(note);
    const text = parts.join(' · ');
    if (this.summary.textContent !== text) this.summary.textContent = text;
  }

  plan(plan, steps) {
    return h('div', { class: 'plan' },
      plan.awaiting_approval && h('p', { class: 'label', text: 'This plan waits for approval.' }),
      h('ol', null, (plan.questions ?? []).map((question) => {
        const own = steps.filter(({ question_id }) => question_id === question.id);
        return h('li', null, h('p', null, question.text), question.why && h('p', { class: 'why', text: question.why }),
          own.length > 0 && h('ul', { class: 'steps' }, own.map((step) => this.step(step))));
      })));
  }

  step(step) {
    return h('li', { class: step.state === 'finished' ? 'finished' : 'started' },
      h('span', null, (step.state === 'finished' ? DONE : DOING)[step.kind] ?? step.kind),
      step.query && [' ', h('q', { text: step.query })],
      step.found !== undefined && h('span', { class: 'found', text: ` ${count(step.found, 'passage')}` }),
      step.note && h('span', { class: 'note', text: ` ${step.note}` }));
  }
}

function elapsed(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
