// Building elements, safely: text is only ever text. Nothing here knows what the page shows.

/** An element. `on…` properties are listeners, `text` is its text, the rest are attributes. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'text') element.textContent = value;
    else if (name === 'class') element.className = value;
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
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
export function link(href, props, ...children) {
  return h('a', { href, 'data-inside': true, ...props }, ...children);
}

export function button(text, onclick, props) {
  return h('button', { type: 'button', text, onclick, ...props });
}

export const $ = (id) => document.getElementById(id);

const said = [];
/** Tells screen readers; older words leave so that the log stays short. */
export function say(text) {
  const line = h('p', { text });
  $('said').append(line);
  said.push(line);
  if (said.length > 12) said.shift().remove();
}

/** Asks before something is lost. Resolves to whether to go on. */
export function confirm(title, detail, action) {
  return new Promise((resolve) => {
    const box = h('dialog', { class: 'ask', 'aria-labelledby': 'ask-title' },
      h('form', { method: 'dialog' },
        h('h2', { id: 'ask-title', text: title }),
        h('p', { text: detail }),
        h('div', { class: 'row end' },
          h('button', { value: 'no', text: 'Keep' }),
          h('button', { value: 'yes', class: 'danger', text: action }))));
    box.addEventListener('close', () => {
      box.remove();
      resolve(box.returnValue === 'yes');
    });
    document.body.append(box);
    box.showModal();
  });
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
/** When something was, in words that age well. */
export function when(timestamp) {
  const then = new Date(timestamp);
  const minutes = Math.round((then - Date.now()) / 60000);
  const words = Math.abs(minutes) < 1 ? 'now'
    : Math.abs(minutes) < 60 ? relative.format(minutes, 'minute')
    : Math.abs(minutes) < 60 * 20 ? relative.format(Math.round(minutes / 60), 'hour')
    : Math.abs(minutes) < 60 * 24 * 7 ? relative.format(Math.round(minutes / 1440), 'day')
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
