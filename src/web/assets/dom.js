// Building elements, safely: text is only ever text. Nothing here knows what the page shows.

/**
 * An element, as in `h('p.fault', { role: 'alert' }, 'No.')`; what it is to have may be left out. `on…`
 * are listeners, `text` is its text, `label` its name for those who don't see it, the rest are attributes.
 */
export function h(kind, props, ...children) {
  if (props?.constructor !== Object) {
    children.unshift(props);
    props = {};
  }
  const [tag, ...classes] = kind.split('.');
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'text') element.textContent = value;
    else if (name === 'class') element.className = value;
    else if (name === 'value') element.value = value;
    else element.setAttribute(name === 'label' ? 'aria-label' : name, value === true ? '' : value);
  }
  return append(element, children);
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === '') continue;
    element.append(child);
  }
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

/** A link inside the page. */
export function link(href, ...rest) {
  const element = h('a', ...rest);
  element.setAttribute('href', href);
  element.dataset.inside = '';
  return element;
}

export function button(text, onclick, props) {
  return h('button', { type: 'button', text, onclick, ...props });
}

/** A button that is no more than its words. */
export function plain(text, onclick, props) {
  return button(text, onclick, { class: 'plain', ...props });
}

/** Does it once nothing has asked for it in a while. */
export function soon(act) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, 160);
  };
}

export const $ = (id) => document.getElementById(id);

const said = [];
/** Tells screen readers; older words leave so that the log stays short. */
export function say(text) {
  const line = h('p', text);
  $('said').append(line);
  said.push(line);
  if (said.length > 12) said.shift().remove();
}

function ask(title, inside, action, kind, no, keep) {
  return new Promise((resolve) => {
    const fault = h('p.fault', { role: 'alert' });
    const form = h('form', { method: 'dialog' }, h('h2', { id: 'ask-title', text: title }), inside, fault,
      h('div.row.end', h('button', { value: 'no', formnovalidate: true, text: no }), h('button', { value: 'yes', class: kind, text: action })));
    const box = h('dialog.ask', { 'aria-labelledby': 'ask-title' }, form);
    const told = () => Object.fromEntries(new FormData(form));
    form.addEventListener('submit', async (event) => {
      if (!keep || event.submitter?.value !== 'yes') return;
      event.preventDefault();
      try {
        await keep(told());
        box.close('yes');
      } catch (error) {
        fault.textContent = error.message;
      }
    });
    box.addEventListener('close', () => {
      box.remove();
      resolve(box.returnValue === 'yes' ? told() : null);
    });
    // Enter in a field means the action, not the first button.
    form.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.target.tagName !== 'INPUT') return;
      event.preventDefault();
      form.requestSubmit(form.querySelector('[value=yes]'));
    });
    document.body.append(box);
    box.showModal();
  });
}

/** Asks before something is lost. Resolves to whether to go on. */
export function confirm(title, detail, action) {
  return ask(title, h('p', detail), action, 'danger', 'Keep').then(Boolean);
}

/**
 * Asks for words, each `{name, label, value, among, long, hint}`, and gives them by name to `keep`, whose
 * refusal is shown for another try. Resolves to them, or to `null`.
 */
export function askFor(title, fields, action, keep) {
  return ask(title, fields.map(({ name, label, value, among, long, hint, ...rest }) => h('label.field', h('span', label),
    long ? h('textarea', { name, rows: 4, text: value ?? '', ...rest }) : h('input', { name, value: value ?? '', list: among && `${name}-list`, autocomplete: 'off', ...rest }),
    among && h('datalist', { id: `${name}-list` }, among.map((value) => h('option', { value }))),
    hint && h('small', hint))), action, 'strong', 'Cancel', keep);
}

/** A button that opens a short list of things to do: `[words, what to do or where to go]`. */
export function menu(words, label, entries) {
  const list = h('div.actions', { popover: 'auto' }, entries.filter(Boolean).map(([text, act]) => (typeof act === 'string'
    ? h('a', { href: act, ...(act.endsWith('/content') ? { target: '_blank' } : { download: true }), text, onclick: () => list.hidePopover() })
    : button(text, () => {
      list.hidePopover();
      act();
    }))));
  const opener = plain(words, null, { label, 'aria-expanded': 'false' });
  opener.popoverTargetElement = list;
  list.addEventListener('toggle', ({ newState }) => {
    const isOpen = newState === 'open';
    opener.setAttribute('aria-expanded', isOpen);
    if (!isOpen) return;
    const at = opener.getBoundingClientRect();
    list.style.left = `${Math.max(8, Math.min(at.left, innerWidth - list.offsetWidth - 8))}px`;
    list.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - list.offsetHeight - 8))}px`;
    list.firstElementChild?.focus();
  });
  list.addEventListener('keydown', (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const all = [...list.children];
    all.at((all.indexOf(document.activeElement) + by) % all.length).focus();
  });
  return h('span.menu-of', opener, list);
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
/** When something was, in words that age well. */
export function when(timestamp) {
  const then = new Date(timestamp);
  const minutes = Math.round((then - Date.now()) / 60000);
  const words = minutes > -1 ? 'now'
    : minutes > -60 ? relative.format(minutes, 'minute')
    : minutes > -1200 ? relative.format(Math.round(minutes / 60), 'hour')
    : minutes > -10080 ? relative.format(Math.round(minutes / 1440), 'day')
    : then.toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
  return h('time', { datetime: timestamp, title: then.toLocaleString(), text: words });
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}
