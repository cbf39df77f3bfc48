// The work behind an answer while it is done: the plan of deep research, its steps, the time.

import { askFor, button, count, fill, h, plain } from './dom.js';

const DOING = { plan: 'Planning', search: 'Searching', read: 'Reading', gap: 'Looking for what is missing', write: 'Writing', resume: 'Going on after a stop' };
const DONE = { plan: 'Planned', search: 'Searched', read: 'Read', gap: 'Looked for what is missing', write: 'Wrote', resume: 'Went on after a stop' };
/** What a large number says to a reader. */
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
/** What `found` counts. */
const FINDS = { plan: 'question', search: 'passage', read: 'note', gap: 'gap' };

export class Work {
  /** `steer(change)` sends the reader's word on a plan. */
  constructor(steer) {
    this.steer = steer;
    this.element = h('details.work', { hidden: true });
    this.summary = h('summary');
    this.body = h('div');
    this.spent = h('p.spent');
    this.element.append(this.summary, this.spent, this.body);
    this.touched = false;
    this.summary.addEventListener('click', () => (this.touched = true));
  }

  words(step) {
    const names = step.state === 'finished' ? DONE : DOING;
    return `${names[step.kind] ?? step.kind}${step.query ? `: ${step.query}` : ''}`;
  }

  /** What is being done right now, in a few words. */
  now(message) {
    if (message.plan?.awaiting_approval) return 'The plan waits for you.';
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
      fill(this.body, plan && this.plan(plan, steps, message.status === 'running'), !plan?.awaiting_approval && h('ul.steps',
        steps.filter(({ kind, question_id }) => !(plan && kind === 'plan') && !plan?.questions?.some(({ id }) => id === question_id)).map((step) => this.step(step))));
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
    const isWaiting = message.plan?.awaiting_approval;
    const spent = this.clock && !isWaiting ? budget(message, Date.now() - this.begun) : '';
    // Told with the budget if that is in sight.
    if (this.clock) parts.push(!isWaiting && !(spent && this.element.open) && elapsed(Date.now() - this.begun), this.now(message));
    else {
      if (message.plan?.questions) parts.push(count(message.plan.questions.length, 'question'));
      if (searches.length) parts.push(`${count(searches.length, 'search', 'searches')}, ${count(found, 'passage')} found`);
    }
    const note = steps.find((step) => step.note && step.kind === 'write')?.note;
    if (note && !message.plan) parts.push(note);
    const text = parts.filter(Boolean).join(' · ');
    if (this.spent.textContent !== spent) this.spent.textContent = spent;
    if (this.summary.textContent !== text) this.summary.textContent = text;
  }

  plan(plan, steps, isRunning) {
    if (plan.awaiting_approval && this.steer) return this.draft(plan);
    const questions = plan.questions ?? [];
    // Once the report is begun, its questions stand.
    const isOpen = isRunning && this.steer && !steps.some(({ kind }) => kind === 'write');
    const list = h('ol.plan', questions.map((question) => {
      const own = steps.filter(({ question_id }) => question_id === question.id);
      const drop = isOpen && questions.length > 1 && plain('Drop', () => this.change(questions.filter((one) => one !== question)), { label: `Drop: ${question.text}` });
      return h('li', h('div.row', h('p', question.text), drop), question.why && h('p.why', question.why),
        own.length > 0 && h('ul.steps', own.map((step) => this.step(step, question.text))));
    }));
    if (!isOpen) return list;
    const add = async () => {
      const told = await askFor('Also look into', [{ name: 'text', label: 'Question', required: true, maxlength: 500 }], 'Add', ({ text }) => this.steer({ questions: [...questions.map(({ id }) => ({ id })), { text }] }));
      if (told) this.element.querySelector('.extend')?.focus();
    };
    return [list, h('p', button('Add a question', add, { class: 'plain extend' }))];
  }

  /** Tells the research which of its questions remain. */
  async change(questions) {
    try {
      await this.steer({ questions: questions.map(({ id }) => ({ id })) });
    } catch (error) {
      this.spent.textContent = error.message;
    }
  }

  /** A plan that waits: its questions can be reworded, dropped and added to before it is carried out. */
  draft(plan) {
    const list = h('ol.plan');
    const add = (question) => {
      const input = h('textarea', { rows: 1, text: question.text, label: 'Question of the plan' });
      input.question = question.id;
      const item = h('li', h('div.row', input, plain('Drop', () => item.remove())),
        question.why && h('p.why', question.why));
      list.append(item);
      return input;
    };
    for (const question of plan.questions ?? []) add(question);
    const fault = h('p.fault', { role: 'alert' });
    const begin = async () => {
      const inputs = [...list.querySelectorAll('textarea')].filter(({ value }) => value.trim());
      const questions = inputs.map((input) => ({ id: input.question, text: input.value.trim() }));
      try {
        await this.steer({ approve: true, questions });
      } catch (error) {
        fault.textContent = error.message;
      }
    };
    const { calls, tokens, seconds } = plan.estimate ?? {};
    const cost = [calls && count(calls, 'call'), tokens && `${short.format(tokens)} tokens`, seconds && elapsed(seconds * 1000)].filter(Boolean);
    return h('div.draft', list, cost.length > 0 && h('p.why', `At most ${cost.join(', ')}.`), fault,
      h('div.row', button('Start the research', begin, { class: 'strong' }),
        plain('Add a question', () => add({ text: '' }).focus())));
  }

  step(step, question) {
    return h(`li.${step.state}`,
      h('span', (step.state === 'finished' ? DONE : DOING)[step.kind] ?? step.kind),
      step.query && step.query !== question && [' ', h('q', step.query)],
      step.found !== undefined && FINDS[step.kind] && h('span.found', ` ${count(step.found, FINDS[step.kind])}`),
      step.note && h('span.note', ` ${step.note}`));
  }
}

/** What was spent of what may be: calls, tokens, time. Known as far as steps are finished. */
function budget({ plan, steps }, ms) {
  const { calls, tokens, seconds } = plan?.estimate ?? {};
  // Without a model there is nothing to spend.
  if (!calls) return '';
  const used = steps.map(({ result }) => result?.usage).filter(Boolean);
  const sum = (name) => used.reduce((sum, usage) => sum + (usage[name] ?? 0), 0);
  return [
    `${sum('calls')} of ${count(calls, 'call')}`,
    tokens && `${short.format(sum('input_tokens') + sum('output_tokens'))} of ${short.format(tokens)} tokens`,
    seconds && `${elapsed(ms)} of ${elapsed(seconds * 1000)}`,
  ].filter(Boolean).join(' · ');
}

/** The parts of a long answer, to go to. */
export function contents(prose) {
  const heads = [...prose.querySelectorAll('h3, h4')];
  if (heads.length < 3) return null;
  const item = (head) => button(head.textContent, () => {
    head.tabIndex = -1;
    head.focus({ preventScroll: true });
    head.scrollIntoView({ block: 'start', behavior: 'smooth' });
  }, { class: 'title' });
  return h('nav.contents', { label: 'Contents of the report' }, h('ol', heads.map((head) => h(`li.${head.localName}`, item(head)))));
}

/** What a deep research looked at, in a line; the report itself names what it left out. */
export function coverage(found) {
  if (!found) return null;
  const { searched, read, cited, unmatched, skipped = [], resumed } = found;
  const parts = [`${count(searched, 'document')} searched`, `${read} read`, `${cited} cited`, skipped.length && `${skipped.length} came up and not read`,
    unmatched && `${unmatched} did not come up`, resumed && `taken up again ${count(resumed, 'time')}`];
  return h('p.coverage', parts.filter(Boolean).join(' · '));
}

function elapsed(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
