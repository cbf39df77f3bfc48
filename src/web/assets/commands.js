// Words that begin with a slash: what the server offers to complete them with, below the question.

import { api } from './api.js';
import { fill, h } from './dom.js';

let known;

/** Lets a text area complete the name of a command. A server that knows none offers none. */
export function complete(text) {
  const list = h('ul.commands', { id: 'commands', role: 'listbox', label: 'Commands', hidden: true });
  let found = [];
  let at = 0;
  const close = () => {
    list.hidden = true;
    text.removeAttribute('aria-activedescendant');
    text.setAttribute('aria-expanded', 'false');
  };
  const take = ({ name }) => {
    text.value = `/${name} `;
    close();
    text.dispatchEvent(new Event('input'));
    text.focus();
  };
  const paint = () => {
    fill(list, found.map((one, index) => h('li', { id: `command-${index}`, role: 'option', 'aria-selected': String(index === at), onpointerdown: (event) => {
      event.preventDefault();
      take(one);
    } }, h('b', `/${one.name} ${one.argument}`), h('span', one.about))));
    if (!found.length) return close();
    list.hidden = false;
    text.setAttribute('aria-expanded', 'true');
    text.setAttribute('aria-activedescendant', `command-${at}`);
    list.children[at].scrollIntoView({ block: 'nearest' });
  };
  const look = async () => {
    const typed = /^\/(\S*)$/.exec(text.value)?.[1];
    if (typed === undefined) return close();
    known ??= api('/api/commands').then((told) => told.items, () => []);
    const all = await known;
    if (/^\/(\S*)$/.exec(text.value)?.[1] !== typed) return;
    found = all.filter(({ name }) => name.startsWith(typed.toLowerCase()));
    at = 0;
    paint();
  };
  text.addEventListener('input', look);
  text.addEventListener('blur', close);
  // Before the key that sends.
  text.addEventListener('keydown', (event) => {
    if (list.hidden) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      at = (at + by + found.length) % found.length;
      paint();
    } else if (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey)) take(found[at]);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  return list;
}
