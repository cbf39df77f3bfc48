// Where a question is written: its words, how it is to be answered, by which model, over what.

import { api, connection } from './api.js';
import { complete } from './commands.js';
import { button, fill, h, plain } from './dom.js';
import { chips, pickScope, scope, scopeOfMessage } from './scope.js';

let models;
/** What was written and not yet asked, by session. */
const drafts = new Map();

/** `ask(question)` takes a message's body and rejects with the problem if it was refused. */
export function composer({ ask, stop, draft, signal, mode = 'regular', model }) {
  let isRunning = false;
  const text = h('textarea', {
    id: 'question', rows: 1, placeholder: 'Ask your documents', label: 'Question',
    enterkeyhint: 'send', maxlength: 30000, role: 'combobox', 'aria-autocomplete': 'list', 'aria-controls': 'commands', 'aria-expanded': 'false', 'aria-describedby': 'composer-hint', value: drafts.get(draft()) ?? '',
  });
  const fault = h('p.state.fault', { role: 'alert', hidden: true });
  const send = button('Ask', () => (isRunning ? stop() : submit()), { class: 'send strong' });
  const choice = h('select', { label: 'Model', hidden: true });
  const radio = (value, words, hint) => h('label', { title: hint },
    h('input', { type: 'radio', name: 'mode', value, ...(value === mode && { checked: true }) }), h('span', words));
  const modes = h('fieldset.modes', h('legend.unseen', 'How to answer'),
    radio('regular', 'Answer', 'One search, one answer'),
    radio('deep_research', 'Deep research', 'Plan, search, read, look for gaps, write a report'));
  const ahead = h('input', { type: 'checkbox' });
  const review = h('label.check', { hidden: mode !== 'deep_research' }, ahead, 'Show me the plan first');
  modes.addEventListener('change', () => (review.hidden = modes.querySelector(':checked').value !== 'deep_research'));
  const limit = plain('', pickScope, { 'aria-haspopup': 'dialog' });
  const nameLimit = () => {
    limit.textContent = scope.documents.size || scope.collection ? 'Change scope' : 'All documents';
  };
  scope.addEventListener('change', nameLimit, { signal });
  nameLimit();

  const commands = complete(text);
  const fit = () => {
    text.style.height = 'auto';
    text.style.height = `${Math.min(text.scrollHeight, innerHeight * 0.4)}px`;
  };
  text.addEventListener('input', () => {
    drafts.set(draft(), text.value);
    fit();
  });
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!isRunning) submit();
  });

  async function submit() {
    const content = text.value.trim();
    if (!content) return text.focus();
    fault.hidden = true;
    const chosen = element.querySelector('input[name=mode]:checked');
    const body = { content, mode: chosen.value, approve_plan: (chosen.value === 'deep_research' && ahead.checked) || undefined, ...scopeOfMessage(), model: choice.value || undefined };
    text.value = '';
    drafts.delete(draft());
    fit();
    scope.isFresh = false;
    try {
      await ask(body);
    } catch (error) {
      text.value ||= content;
      fit();
      fault.textContent = error.message;
      fault.hidden = false;
    }
  }

  if (text.value) queueMicrotask(fit);
  connection.addEventListener('back', () => (fault.hidden = true), { signal });

  const element = h('form.composer', { onsubmit: (event) => event.preventDefault() },
    fault, chips(signal),
    h('div.box', commands, text,
      h('div.row', modes, review, limit, choice, send)),
    h('p.unseen', { id: 'composer-hint', text: 'Enter sends, Shift and Enter begins a new line.' }));

  models ??= api('/api/models').then(({ items }) => items).catch(() => {
    models = undefined;
    return [];
  });
  models.then((items) => {
    fill(choice, items.map(({ name }) => h('option', { value: name, text: name })));
    choice.value = items.some(({ name }) => name === model) ? model : items.find((one) => one.default)?.name ?? '';
    choice.hidden = items.length < 2;
  });

  return {
    element,
    model: () => choice.value || undefined,
    focus: () => text.focus({ preventScroll: true }),
    running(is) {
      isRunning = is;
      send.textContent = is ? 'Stop' : 'Ask';
      send.classList.toggle('strong', !is);
    },
  };
}
